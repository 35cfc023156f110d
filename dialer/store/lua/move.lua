-- What the holder of a lease does with its leads: prolong the lease, give the lead back for now or for later, close
-- it, or write an attempt down right before its INVITE. A lead that is not the owner's, or that has an open attempt,
-- is left alone.
--
-- ARGV
--   1 owner, 2 now, then for each move four: what, lead_id and
--     "renew"  end of the lease, ""
--     "due"    due at, why ("" keeps what is known)
--     "close"  kind (for the counters), why
--     "open"   attempt_id, open attempt
--     "count"  name of a counter, "": counts, needs no lease (lead_id is ignored)
-- RETURNS
--   for each move: 1 done, 0 the lead is not the owner's to move

local keys = keys_of({
    'lessee hash', 'leased zset', 'due zset', 'waiting zset', 'closed zset', 'why hash', 'counts hash', 'attempts hash',
    'open hash', 'priority hash', 'put_off zset', 'callbacks zset', 'callback_agent hash',
})
local owner, now = ARGV[1], tonumber(ARGV[2])
local answers = {}

for i = 3, #ARGV, 4 do
    local what, lead_id, a, b = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
    local done = 0
    if what == 'count' then
        count(keys.counts, a, 1)
        done = 1
    elseif redis.call('HGET', keys.lessee, lead_id) == owner then
        local attempt = redis.call('HGET', keys.open, lead_id)
        if what == 'renew' then
            redis.call('ZADD', keys.leased, 'XX', a, lead_id)
            done = 1
        elseif what == 'open' then
            if not attempt then
                redis.call('HSET', keys.attempts, a, b)
                redis.call('HSET', keys.open, lead_id, a)
            end
            done = (not attempt or attempt == a) and 1 or 0
        elseif not attempt then
            redis.call('HDEL', keys.lessee, lead_id)
            redis.call('ZREM', keys.leased, lead_id)
            if what == 'due' then
                make_due_at(keys, lead_id, tonumber(a), now)
                if rule_of(b) then
                    redis.call('ZADD', keys.put_off, rule_number(rule_of(b)), lead_id)
                end
            elseif what == 'close' then
                redis.call('ZADD', keys.closed, ARGV[2], lead_id)
                count(keys.counts, 'closed:' .. a, 1)
                forget_promise(keys, lead_id)
            end
            if b ~= '' then
                redis.call('HSET', keys.why, lead_id, b)
            end
            done = 1
        end
    end
    answers[#answers + 1] = done
end
return answers
