-- One page of the leads of one place, as they are kept. All keys carry the campaign's tag.
--
-- KEYS
--   1 due, waiting or leased   sorted set   lead_id by time
--   2 lead                     hash         lead_id -> stored lead (msgpack)
--   3 progress                 hash         lead_id -> number_index and tries (msgpack)
-- ARGV
--   1 first rank, 2 last rank (at most 1,000 apart)
-- RETURNS
--   for each lead three: score, stored lead ("": it is gone), progress or ""

local answer, ids = {}, {}
local found = redis.call('ZRANGE', KEYS[1], ARGV[1], ARGV[2], 'WITHSCORES')
for i = 1, #found, 2 do
    ids[#ids + 1] = found[i]
end
if #ids > 0 then
    local leads, progress = redis.call('HMGET', KEYS[2], unpack(ids)), redis.call('HMGET', KEYS[3], unpack(ids))
    for i = 1, #ids do
        answer[#answer + 1] = found[2 * i]
        answer[#answer + 1] = leads[i] or ''
        answer[#answer + 1] = progress[i] or ''
    end
end
return answer
