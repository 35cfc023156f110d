-- Where leads are, all at one instant.
--
-- ARGV
--   lead ids
-- RETURNS
--   for each ten: stored lead, progress, priority, why, attempt_id, owner, and the scores in closed, leased, waiting and
--   due; "" where there is none

local keys = keys_of({
    'lead hash', 'progress hash', 'priority hash', 'why hash', 'open hash', 'lessee hash', 'closed zset', 'leased zset',
    'waiting zset', 'due zset',
})
local answer = {}
for _, lead_id in ipairs(ARGV) do
    for _, key in ipairs({keys.lead, keys.progress, keys.priority, keys.why, keys.open, keys.lessee}) do
        answer[#answer + 1] = redis.call('HGET', key, lead_id) or ''
    end
    for _, key in ipairs({keys.closed, keys.leased, keys.waiting, keys.due}) do
        answer[#answer + 1] = redis.call('ZSCORE', key, lead_id) or ''
    end
end
return answer
