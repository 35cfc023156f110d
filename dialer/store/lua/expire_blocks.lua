-- Forget the blocks that have ended.
--
-- KEYS
--   1 blocks    hash        block field -> block (msgpack map with until, absent or nil for good)
--   2 ends      sorted set  block field by until; without it (the prefixes, which are few) every block is looked at
-- ARGV
--   1 now, 2 the most to forget
-- RETURNS
--   how many were forgotten

local now, most = tonumber(ARGV[1]), tonumber(ARGV[2])

local ended = {}
if KEYS[2] then
    ended = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
else
    local blocks = redis.call('HGETALL', KEYS[1])
    for i = 1, #blocks, 2 do
        local till = cmsgpack.unpack(blocks[i + 1])['until']
        if till and till <= now and #ended < most then
            ended[#ended + 1] = blocks[i]
        end
    end
end
if #ended > 0 then
    redis.call('HDEL', KEYS[1], unpack(ended))
    if KEYS[2] then
        redis.call('ZREM', KEYS[2], unpack(ended))
    end
end
return #ended
