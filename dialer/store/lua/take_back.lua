-- Give the leads that dead owners leased back to the due. One with an open attempt stays: its settlement frees it.
-- All keys carry the campaign's tag.
--
-- KEYS
--   1 lessee    hash         lead_id -> owner
--   2 leased    sorted set   lead_id by the end of its lease
--   3 due       sorted set   lead_id by priority and time
--   4 priority  hash         lead_id -> priority, where it is not 5
--   5 open      hash         lead_id -> attempt_id
-- ARGV
--   1 now, then the dead owners
-- RETURNS
--   how many leads are due again

local now, dead, back = tonumber(ARGV[1]), {}, 0
for i = 2, #ARGV do
    dead[ARGV[i]] = true
end
local held = redis.call('HGETALL', KEYS[1])
for i = 1, #held, 2 do
    local lead_id = held[i]
    if dead[held[i + 1]] and redis.call('HEXISTS', KEYS[5], lead_id) == 0 then
        redis.call('HDEL', KEYS[1], lead_id)
        redis.call('ZREM', KEYS[2], lead_id)
        local priority = tonumber(redis.call('HGET', KEYS[4], lead_id) or 5)
        redis.call('ZADD', KEYS[3], string.format('%.0f', (9 - priority) * 1e13 + math.floor(now * 1000)), lead_id)
        back = back + 1
    end
end
return back
