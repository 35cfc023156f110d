-- Where leads are, all at one instant. All keys carry the campaign's tag.
--
-- KEYS
--   1 lead      hash         lead_id -> stored lead (msgpack)
--   2 progress  hash         lead_id -> number_index and tries (msgpack)
--   3 priority  hash         lead_id -> priority, where it is not 5
--   4 why       hash         lead_id -> why it was last postponed or closed
--   5 open      hash         lead_id -> attempt_id
--   6 lessee    hash         lead_id -> owner
--   7 closed    sorted set   lead_id by the time it was closed
--   8 leased    sorted set   lead_id by the end of its lease
--   9 waiting   sorted set   lead_id by the time it becomes due
--   10 due      sorted set   lead_id by priority and the time it became due
-- ARGV
--   lead ids
-- RETURNS
--   for each ten: stored lead, progress, priority, why, attempt_id, owner, and the scores in closed, leased, waiting and
--   due; "" where there is none

local answer = {}
for _, lead_id in ipairs(ARGV) do
    for key = 1, 6 do
        answer[#answer + 1] = redis.call('HGET', KEYS[key], lead_id) or ''
    end
    for key = 7, 10 do
        answer[#answer + 1] = redis.call('ZSCORE', KEYS[key], lead_id) or ''
    end
end
return answer
