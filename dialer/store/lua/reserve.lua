-- The second gate: count each attempt, if what is known of its subject is still what was judged. The rules themselves
-- are compliance.gate's.
--
-- KEYS
--   behind the named ones the history hashes, one for each subject: subject -> contacts, 14 bytes each, big-endian: time
--   (4, seconds since the epoch, rounded up), CRC-16 of the campaign, of its group, of the attempt id, of the number
--   shown (2 each), marks (1), minutes until it ended (1)
-- ARGV
--   1 campaign, 2 most bytes of contacts that are kept of a subject, 3 the generation that was judged by,
--   4 the blocks that were judged: map of subject (from 1) to {tenant's or "", campaign's or ""} (msgpack); "": none
--   then for each subject three: its field, its history as it was judged, the attempt's 14 bytes
-- RETURNS
--   the subjects (from 1) that have changed, for whom nothing was counted

local keys, places = keys_of({'blocked hash', 'prefix_generation string'})
local campaign, keep = ARGV[1] .. '@', tonumber(ARGV[2])
local judged = ARGV[4] ~= '' and cmsgpack.unpack(ARGV[4]) or {}
local subjects = #places
local stale = (redis.call('GET', keys.prefix_generation) or '0') ~= ARGV[3]

-- The blocks that there are now: of the tenant, of the campaign, by subject.
local of_tenant, of_campaign = {}, {}
if redis.call('EXISTS', keys.blocked) == 1 then
    for first = 1, subjects, 1000 do -- so many that unpack can take them
        local last = math.min(first + 999, subjects)
        local fields, scoped = {}, {}
        for i = first, last do
            local field = ARGV[3 * i + 2]
            fields[#fields + 1], scoped[#scoped + 1] = field, campaign .. field
        end
        local mine, theirs = redis.call('HMGET', keys.blocked, unpack(scoped)), redis.call('HMGET', keys.blocked, unpack(fields))
        for i = first, last do
            of_tenant[i], of_campaign[i] = theirs[i - first + 1], mine[i - first + 1]
        end
    end
end

local function same_blocks(i)
    local seen = judged[i]
    if not seen then
        return not (of_tenant[i] or of_campaign[i])
    end
    return (of_tenant[i] or '') == seen[1] and (of_campaign[i] or '') == seen[2]
end

local changed = {}
for i = 1, subjects do
    local at = 3 * i + 2
    local field, history, key = ARGV[at], ARGV[at + 1], places[i]
    if not stale and (redis.call('HGET', key, field) or '') == history and same_blocks(i) then
        local after = history .. ARGV[at + 2]
        if #after > keep then
            after = string.sub(after, -keep)
        end
        redis.call('HSET', key, field, after)
    else
        changed[#changed + 1] = i
    end
end
return changed
