-- What is known of those who are to be called: their contact histories and the blocks on them. Changes nothing.
--
-- KEYS
--   behind the named ones the history hashes (see reserve.lua), one for each subject
-- ARGV
--   1 campaign, 2.. the subjects' fields
-- RETURNS
--   three: the generation or nil; the histories ("" for none, "?" where there is no hash); for each subject with a block three: which (from 0), the
--   tenant's block or "", the campaign's block or ""

local keys, places = keys_of({'blocked hash', 'prefix_generation string'})
local histories, blocks, subjects = {}, {}, #places
for i = 1, subjects do
    local history = redis.pcall('HGET', places[i], ARGV[i + 1])
    histories[i] = type(history) == 'table' and '?' or history or ''
end
if redis.call('EXISTS', keys.blocked) == 1 then
    local scope = ARGV[1] .. '@'
    for first = 1, subjects, 1000 do -- so many that unpack can take them
        local last = math.min(first + 999, subjects)
        local scoped = {}
        for i = first, last do
            scoped[#scoped + 1] = scope .. ARGV[i + 1]
        end
        local of_tenant = redis.call('HMGET', keys.blocked, unpack(ARGV, first + 1, last + 1))
        local of_campaign = redis.call('HMGET', keys.blocked, unpack(scoped))
        for i = first, last do
            local tenant, campaign = of_tenant[i - first + 1], of_campaign[i - first + 1]
            if tenant or campaign then
                local n = #blocks
                blocks[n + 1], blocks[n + 2], blocks[n + 3] = i - 1, tenant or '', campaign or ''
            end
        end
    end
end
return {redis.call('GET', keys.prefix_generation), histories, blocks}
