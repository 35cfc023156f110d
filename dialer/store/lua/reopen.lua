-- Open attempts again that the server may have forgotten, and put their leads back in the hands of whoever dialled them.
-- One that is open or has ended stays as it is, and so does a lead that is in another attempt or closed.
--
-- ARGV
--   1 end of the leases, then for each attempt eight: attempt_id, open attempt, lead_id, stored lead, progress,
--   priority, owner, the digits of its numbers with spaces between them
-- RETURNS
--   for each attempt: 1 it was forgotten, 0 it was not

local keys = keys_of({
    'attempts hash', 'ended hash', 'open hash', 'lead hash', 'numbers hash', 'progress hash', 'priority hash', 'due zset',
    'waiting zset', 'leased zset', 'closed zset', 'lessee hash', 'counts hash', 'campaign hash',
})
local answers = {}

-- A lead that came in within what was forgotten: the entry that brought it may be there again, or is lost as well.
local function restore(lead_id, stored, progress, priority, digits)
    redis.call('HSET', keys.lead, lead_id, stored)
    redis.call('HSET', keys.progress, lead_id, progress)
    if tonumber(priority) ~= DEFAULT_PRIORITY then
        redis.call('HSET', keys.priority, lead_id, priority)
    end
    for number in string.gmatch(digits, '%d+') do
        redis.call('HSETNX', keys.numbers, number, lead_id)
    end
    count(keys.counts, 'accepted', 1)
end

local known_campaign = redis.call('EXISTS', keys.campaign) == 1
for i = 2, #ARGV, 8 do
    local attempt, record, lead_id, stored, progress, priority, owner, digits = unpack(ARGV, i, i + 7)
    local answer = 0
    if redis.call('HEXISTS', keys.attempts, attempt) == 0 and redis.call('HEXISTS', keys.ended, attempt) == 0 then
        answer = 1
        redis.call('HSET', keys.attempts, attempt, record)
        if known_campaign and redis.call('HEXISTS', keys.lead, lead_id) == 0 then
            restore(lead_id, stored, progress, priority, digits)
        end
        if not redis.call('ZSCORE', keys.closed, lead_id) and redis.call('HSETNX', keys.open, lead_id, attempt) == 1 then
            redis.call('ZREM', keys.due, lead_id)
            redis.call('ZREM', keys.waiting, lead_id)
            redis.call('ZADD', keys.leased, ARGV[1], lead_id)
            redis.call('HSET', keys.lessee, lead_id, owner)
        end
    end
    answers[#answers + 1] = answer
end
return answers
