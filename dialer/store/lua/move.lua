-- What the holder of a lease does with its leads: prolong the lease, give the lead back for now or for later, close
-- it, or write an attempt down right before its INVITE. A lead that is not the owner's, or that has an open attempt,
-- is left alone. All keys carry the campaign's tag.
--
-- KEYS
--   1 lessee    hash         lead_id -> owner
--   2 leased    sorted set   lead_id by the end of its lease
--   3 due       sorted set   lead_id by priority and time
--   4 waiting   sorted set   lead_id by the time it becomes due
--   5 closed    sorted set   lead_id by the time it was closed
--   6 why       hash         lead_id -> why it was last postponed or closed
--   7 counts    hash         counters
--   8 attempts  hash         attempt_id -> open attempt (msgpack)
--   9 open      hash         lead_id -> attempt_id
--   10 priority hash         lead_id -> priority, where it is not 5
-- ARGV
--   1 owner, 2 now, then for each move four: what, lead_id and
--     "renew"  end of the lease, ""
--     "due"    due at, why ("" keeps what is known)
--     "close"  kind (for the counters), why
--     "open"   attempt_id, open attempt
--     "count"  name of a counter, "": counts, needs no lease (lead_id is ignored)
-- RETURNS
--   for each move: 1 done, 0 the lead is not the owner's to move

local owner, now = ARGV[1], tonumber(ARGV[2])
local answers = {}

local function give_up_lease(lead_id)
    redis.call('HDEL', KEYS[1], lead_id)
    redis.call('ZREM', KEYS[2], lead_id)
end

for i = 3, #ARGV, 4 do
    local what, lead_id, a, b = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
    local done = 0
    if what == 'count' then
        redis.call('HINCRBY', KEYS[7], a, 1)
        done = 1
    elseif redis.call('HGET', KEYS[1], lead_id) == owner then
        local attempt = redis.call('HGET', KEYS[9], lead_id)
        if what == 'renew' then
            redis.call('ZADD', KEYS[2], 'XX', a, lead_id)
            done = 1
        elseif what == 'open' then
            if not attempt then
                redis.call('HSET', KEYS[8], a, b)
                redis.call('HSET', KEYS[9], lead_id, a)
            end
            done = (not attempt or attempt == a) and 1 or 0
        elseif not attempt then
            give_up_lease(lead_id)
            if what == 'due' then
                local at = tonumber(a)
                if at <= now then
                    local priority = tonumber(redis.call('HGET', KEYS[10], lead_id) or 5)
                    local score = string.format('%.0f', (9 - priority) * 1e13 + math.floor(at * 1000))
                    redis.call('ZADD', KEYS[3], score, lead_id)
                else
                    redis.call('ZADD', KEYS[4], a, lead_id)
                end
            elseif what == 'close' then
                redis.call('ZADD', KEYS[5], ARGV[2], lead_id)
                redis.call('HINCRBY', KEYS[7], 'closed:' .. a, 1)
            end
            if b ~= '' then
                redis.call('HSET', KEYS[6], lead_id, b)
            end
            done = 1
        end
    end
    answers[#answers + 1] = done
end
return answers
