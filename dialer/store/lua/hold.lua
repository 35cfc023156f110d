-- Keep a lead for a call from outside: nobody else has it until that call has ended. A lead that is closed, or in a call
-- already, or was when it was looked for, stays as it is. The call is known as an attempt in any case, so that an
-- outcome finds it.
--
-- ARGV
--   1 owner, 2 lead_id, 3 attempt_id, 4 the attempt as it is kept, 5 end of the lease, 6 whether it may be kept (1, 0),
--   7 the lead's story as it was when it was looked for
-- RETURNS
--   1 kept, 0 it stays as it is, -1 nothing was done: it was called since it was looked for

local keys = keys_of({
    'attempts hash', 'open hash', 'leased zset', 'lessee hash', 'due zset', 'waiting zset', 'closed zset', 'lead hash',
    'story hash',
})
local owner, lead_id, attempt = ARGV[1], ARGV[2], ARGV[3]
if (redis.call('HGET', keys.story, lead_id) or '') ~= ARGV[7] then
    return -1
end

redis.call('HSET', keys.attempts, attempt, ARGV[4])
local there = ARGV[6] == '1' and redis.call('HEXISTS', keys.lead, lead_id) == 1
if not there or redis.call('HEXISTS', keys.open, lead_id) == 1 or redis.call('ZSCORE', keys.closed, lead_id) then
    return 0
end
redis.call('ZREM', keys.due, lead_id)
redis.call('ZREM', keys.waiting, lead_id)
redis.call('ZADD', keys.leased, ARGV[5], lead_id)
redis.call('HSET', keys.lessee, lead_id, owner)
redis.call('HSET', keys.open, lead_id, attempt)
return 1
