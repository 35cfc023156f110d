-- Where leads are, all at one instant.
--
-- ARGV
--   lead ids, at most 1,000
-- RETURNS
--   a list for each of: stored lead, progress, priority, why, attempt_id, owner, story, and the scores in closed, leased,
--   waiting and due; false where there is none

local keys = keys_of({
    'lead hash', 'progress hash', 'priority hash', 'why hash', 'open hash', 'lessee hash', 'story hash', 'closed zset',
    'leased zset', 'waiting zset', 'due zset',
})
local answer = {}
for _, key in ipairs({keys.lead, keys.progress, keys.priority, keys.why, keys.open, keys.lessee, keys.story}) do
    answer[#answer + 1] = redis.call('HMGET', key, unpack(ARGV))
end
for _, key in ipairs({keys.closed, keys.leased, keys.waiting, keys.due}) do
    answer[#answer + 1] = redis.call('ZMSCORE', key, unpack(ARGV))
end
return answer
