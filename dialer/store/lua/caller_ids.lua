-- Choose the number that each call of a batch shows, and count its use, in one step: a daily limit is never passed,
-- whoever asks at the same moment. The definition is compliance.caller_ids.choose and rest_of; this repeats them.
--
-- ARGV
--   1 now, 2 so many blocks within a day rest a number at least (0: none), 3 a day, 4 the rest after it,
--   5 how long the uses are kept, all in seconds, 6 so large a share of the calls of two days must have been blocked,
--   7 if there were so many,
--   8 (msgpack) {numbers = caller ids, limits = the daily limit of each (0: none),
--     sets = lists of places in numbers (from 1), leads = for each lead which of the sets (from 1)}
-- RETURNS
--   1 for each lead the place of its number (from 0), or -1
--   where there is a -1 also: 2 the numbers' uses, 3 those of the day before, 4 their rests, 5 the blocks with their times, all as kept

local keys = keys_of({'uses hash', 'before hash', 'rests hash', 'blocks zset'})
local NEVER = 4102444800 -- 2100-01-01: a number about which something cannot be read rests until somebody wakes it
local now, limit, day_s, rest_s = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local share, min_calls = tonumber(ARGV[6]), tonumber(ARGV[7])
local given = cmsgpack.unpack(ARGV[8])
local numbers, limits = given.numbers, given.limits
local raw_uses = redis.call('HMGET', keys.uses, unpack(numbers))
local raw_before = redis.call('HMGET', keys.before, unpack(numbers))
local rests = redis.call('HMGET', keys.rests, unpack(numbers))
local blocks = redis.call('ZRANGEBYSCORE', keys.blocks, now - day_s - rest_s, '+inf', 'WITHSCORES')

local times = {}
for i = 1, #blocks, 2 do
    local number = string.match(blocks[i], '^[^|]*')
    times[number] = times[number] or {}
    table.insert(times[number], tonumber(blocks[i + 1]))
end

local function rests_until(number, rest, calls)
    local till = rest and (tonumber((record_of(rest) or {})['until']) or NEVER) or -math.huge
    local hits = times[number]
    if limit > 0 and hits and calls >= min_calls then
        local most = math.max(limit, math.ceil(share * calls))
        for last = #hits, most, -1 do
            if hits[last] - hits[last - most + 1] < day_s then
                return math.max(till, hits[last] + rest_s)
            end
        end
    end
    return till
end

local uses, awake, counted = {}, {}, {}
for i, number in ipairs(numbers) do
    uses[i] = tonumber(raw_uses[i] or 0) or 1e12 -- no number: more than any limit
    local before = tonumber(raw_before[i] or 0) or 0
    awake[i] = rests_until(number, rests[i], uses[i] + before) <= now
end

local function choice(set)
    local best
    for _, i in ipairs(set) do
        local able = awake[i] and uses[i] < (limits[i] == 0 and 1e12 or limits[i])
        if able and (not best or uses[i] < uses[best]) then
            best = i
        end
    end
    return best
end

local picks, missed = {}, false
for lead, which in ipairs(given.leads) do
    local i = choice(given.sets[which])
    if i then
        uses[i] = uses[i] + 1
        counted[i] = (counted[i] or 0) + 1
    else
        missed = true
    end
    picks[lead] = (i or 0) - 1
end
for i, number in ipairs(numbers) do
    if counted[i] then
        redis.call('HINCRBY', keys.uses, number, counted[i])
        raw_uses[i] = tostring(uses[i])
    end
end
if next(counted) then
    redis.call('EXPIRE', keys.uses, ARGV[5])
end
if missed then
    return { picks, raw_uses, raw_before, rests, blocks }
end
return { picks }
