-- Delete contact histories that are still as they were read: an attempt that was counted in the meantime keeps its
-- history. All keys carry one contact tag.
--
-- KEYS
--   1.. history   hash   subject -> contacts, packed; once for each pair
-- ARGV
--   for each key two: subject, contacts as they were read
-- RETURNS
--   how many were deleted

local gone = 0
for i, key in ipairs(KEYS) do
    local subject, read = ARGV[2 * i - 1], ARGV[2 * i]
    if redis.call('HGET', key, subject) == read then
        gone = gone + redis.call('HDEL', key, subject)
    end
end
return gone
