-- Unblock somebody. A block that is newer than the wish stays.
--
-- KEYS
--   1 blocks    hash        block field -> block (msgpack map with at, and until, absent or nil for good)
--   2 ends      sorted set  block field by until; only for the blocks of a contact tag
-- ARGV
--   1 now, 2 block field, 3 when it was asked for, in seconds since the epoch; "": a block of any age goes
-- RETURNS
--   1 it was blocked, 0 it was not, 2 it is, by a newer block

local now, field, asked_at = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])

local before = redis.call('HGET', KEYS[1], field)
if not before then
    return 0
end
local whole, body = pcall(cmsgpack.unpack, before)
whole = whole and type(body) == 'table'
if asked_at and whole and body['at'] > asked_at then
    return 2
end
redis.call('HDEL', KEYS[1], field)
if KEYS[2] then
    redis.call('ZREM', KEYS[2], field)
end
local held = whole and body['until']
return (not held or held > now) and 1 or 0
