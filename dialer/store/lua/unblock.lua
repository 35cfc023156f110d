-- Unblock somebody. A block that is newer than the wish stays.
--
-- KEYS as of block.lua
-- ARGV
--   1 now, 2 block field, 3 when it was asked for, in seconds since the epoch; "": a block of any age goes,
--   4 the sources (msgpack list) whose blocks stay; "": none
-- RETURNS
--   1 it was blocked, 0 it was not, 2 it is, by a newer block, 3 it is, by a block from one of the sources

local keys = keys_of({'blocks hash', 'ends zset'})
local now, field, asked_at = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])

local before = redis.call('HGET', keys.blocks, field)
if not before then
    return 0
end
local block = record_of(before) or {source = 'unreadable'}
if is_one_of(block['source'], ARGV[4]) then
    return 3
end
if asked_at and (tonumber(block['at']) or asked_at) > asked_at then
    return 2
end
redis.call('HDEL', keys.blocks, field)
if keys.ends then
    redis.call('ZREM', keys.ends, field)
end
local held = tonumber(block['until'])
return (not held or held > now) and 1 or 0
