-- One page of the leads that wait or are closed, each with its time and why. All keys carry the campaign's tag.
--
-- KEYS
--   1 waiting or closed   sorted set   lead_id by time
--   2 why                 hash         lead_id -> why it was last postponed or closed
-- ARGV
--   1 first rank, 2 last rank (at most 1,000 apart)
-- RETURNS
--   for each lead two: time, why or ""

local answer, ids = {}, {}
local found = redis.call('ZRANGE', KEYS[1], ARGV[1], ARGV[2], 'WITHSCORES')
for i = 1, #found, 2 do
    ids[#ids + 1] = found[i]
end
if #ids > 0 then
    local whys = redis.call('HMGET', KEYS[2], unpack(ids))
    for i = 1, #ids do
        answer[#answer + 1] = found[2 * i]
        answer[#answer + 1] = whys[i] or ''
    end
end
return answer
