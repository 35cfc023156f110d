-- What is known of those who are to be called: their contact histories and the blocks on them. Changes nothing. All
-- keys carry one contact tag.
--
-- KEYS
--   1 blocked   hash     SUBJECT (all campaigns) or CAMPAIGN@SUBJECT -> block (msgpack)
--   2 prefix_generation  string   how often the blocked prefixes have been changed
--   3.. history hash     subject -> contacts, 14 bytes each; KEYS[i + 2] belongs to subject i
-- ARGV
--   1 campaign, 2.. the subjects' fields
-- RETURNS
--   three: the generation or nil; the histories ("" for none); for each subject with a block three: which (from 0), the
--   tenant's block or "", the campaign's block or ""

local histories, blocks, subjects = {}, {}, #KEYS - 2
for i = 1, subjects do
    histories[i] = redis.call('HGET', KEYS[i + 2], ARGV[i + 1]) or ''
end
if redis.call('EXISTS', KEYS[1]) == 1 then
    local scope = ARGV[1] .. '@'
    for first = 1, subjects, 1000 do -- so many that unpack can take them
        local last = math.min(first + 999, subjects)
        local scoped = {}
        for i = first, last do
            scoped[#scoped + 1] = scope .. ARGV[i + 1]
        end
        local of_tenant = redis.call('HMGET', KEYS[1], unpack(ARGV, first + 1, last + 1))
        local of_campaign = redis.call('HMGET', KEYS[1], unpack(scoped))
        for i = first, last do
            local tenant, campaign = of_tenant[i - first + 1], of_campaign[i - first + 1]
            if tenant or campaign then
                local n = #blocks
                blocks[n + 1], blocks[n + 2], blocks[n + 3] = i - 1, tenant or '', campaign or ''
            end
        end
    end
end
return {redis.call('GET', KEYS[2]), histories, blocks}
