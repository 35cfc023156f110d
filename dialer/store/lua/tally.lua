-- Count where the leads of each list are, for one slice of a campaign's leads.
--
-- ARGV
--   1 cursor, 2 about how many leads
-- RETURNS
--   {next cursor, list ("" for none), leads, tried, connected, due, waiting, leased, in an attempt, closed, list, ...}

local keys = keys_of({
    'lead hash', 'progress hash', 'open hash', 'closed zset', 'leased zset', 'waiting zset',
})
local page = redis.call('HSCAN', keys.lead, ARGV[1], 'COUNT', ARGV[2])
local lists, names = {}, {}

local function place_of(lead_id)
    if redis.call('HEXISTS', keys.open, lead_id) == 1 then
        return 7
    elseif redis.call('ZSCORE', keys.closed, lead_id) then
        return 8
    elseif redis.call('ZSCORE', keys.leased, lead_id) then
        return 6
    end
    return redis.call('ZSCORE', keys.waiting, lead_id) and 5 or 4
end

for i = 1, #page[2], 2 do
    local lead_id, lead = page[2][i], record_of(page[2][i + 1]) or {}
    local list = type(lead['l']) == 'string' and lead['l'] or ''
    local counts = lists[list]
    if not counts then
        counts = {0, 0, 0, 0, 0, 0, 0, 0}
        lists[list] = counts
        names[#names + 1] = list
    end
    local progress = record_of(redis.call('HGET', keys.progress, lead_id))
    local tries = progress and type(progress[2]) == 'table' and progress[2] or {}
    counts[1] = counts[1] + 1
    counts[2] = counts[2] + (next(tries) and 1 or 0)
    counts[3] = counts[3] + (tonumber(tries['connected'] or 0) ~= 0 and 1 or 0)
    local place = place_of(lead_id)
    counts[place] = counts[place] + 1
end

local answer = {page[1]}
for _, list in ipairs(names) do
    answer[#answer + 1] = list
    for _, number in ipairs(lists[list]) do
        answer[#answer + 1] = number
    end
end
return answer
