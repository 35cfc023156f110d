-- Delete fields of hashes that are still as they were read: a history in which an attempt was counted in the meantime
-- stays.
--
-- KEYS
--   the hashes, once for each field
-- ARGV
--   for each two: field, its value as it was read
-- RETURNS
--   how many were deleted

local gone = 0
for i, key in ipairs(KEYS) do
    local field, read = ARGV[2 * i - 1], ARGV[2 * i]
    if redis.pcall('HGET', key, field) == read then
        gone = gone + redis.call('HDEL', key, field)
    end
end
return gone
