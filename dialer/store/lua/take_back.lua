-- Give the leads that dead owners leased back to the due. One with an open attempt stays: its settlement frees it.
--
-- ARGV
--   1 now, then the dead owners
-- RETURNS
--   how many leads are due again

local keys = keys_of({'lessee hash', 'leased zset', 'due zset', 'priority hash', 'open hash'})
local now, dead, back = tonumber(ARGV[1]), {}, 0
for i = 2, #ARGV do
    dead[ARGV[i]] = true
end
local held = redis.call('HGETALL', keys.lessee)
for i = 1, #held, 2 do
    local lead_id = held[i]
    if dead[held[i + 1]] and redis.call('HEXISTS', keys.open, lead_id) == 0 then
        redis.call('HDEL', keys.lessee, lead_id)
        redis.call('ZREM', keys.leased, lead_id)
        make_due(keys, lead_id, now)
        back = back + 1
    end
end
return back
