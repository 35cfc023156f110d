-- Forget the blocks that have ended. KEYS as of block.lua; without the ends (the prefixes, which are few) every block is
-- looked at.
--
-- ARGV
--   1 now, 2 the most to forget
-- RETURNS
--   how many were forgotten

local keys = keys_of({'blocks hash', 'ends zset'})
local now, most = tonumber(ARGV[1]), tonumber(ARGV[2])

local ended = {}
if keys.ends then
    ended = redis.call('ZRANGEBYSCORE', keys.ends, '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
else
    local blocks = redis.call('HGETALL', keys.blocks)
    for i = 1, #blocks, 2 do
        local till = tonumber((record_of(blocks[i + 1]) or {})['until'])
        if till and till <= now and #ended < most then
            ended[#ended + 1] = blocks[i]
        end
    end
end
if #ended > 0 then
    redis.call('HDEL', keys.blocks, unpack(ended))
    if keys.ends then
        redis.call('ZREM', keys.ends, unpack(ended))
    end
end
return #ended
