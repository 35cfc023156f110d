-- Block somebody. A block is never shortened by another: where the one that is there holds longer, it stays. One that the
-- callee asked for, and one that is newer, stays as it is, unless it ends earlier.
--
-- KEYS
--   1 block field -> block (msgpack map with until, absent or nil for good)
--   2 block field by until; only for the blocks of a contact tag
-- ARGV
--   1 when it was asked for, 2 block field, 3 block (msgpack), 4 until in seconds since the epoch, "" for good,
--   5 the sources (msgpack list) whose blocks this one may not take the place of; "": any
-- RETURNS
--   1 it was not blocked before, 0 it was

local keys = keys_of({'blocks hash', 'ends zset'})
local now, field, block, till = tonumber(ARGV[1]), ARGV[2], ARGV[3], tonumber(ARGV[4])

local fresh = 1
local before = redis.call('HGET', keys.blocks, field)
if before then
    local record = record_of(before) or {source = 'unreadable'} -- what is damaged counts as a block for good
    local held = tonumber(record['until'])
    if not held or held > now then
        fresh = 0
        if till and (not held or held > till) then
            return 0
        end
        local as_long = not held or held == till
        local newer = (tonumber(record['at']) or 0) > now -- an old one that comes again, with the unblock that followed it
        if as_long and (newer or is_one_of(record['source'], ARGV[5])) then
            return 0
        end
    end
end
redis.call('HSET', keys.blocks, field, block)
if keys.ends then
    if till then
        redis.call('ZADD', keys.ends, till, field)
    else
        redis.call('ZREM', keys.ends, field)
    end
end
return fresh
