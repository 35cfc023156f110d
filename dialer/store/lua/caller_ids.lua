-- Choose the number that each call of a batch shows, and count its use, in one step: a daily limit is never passed,
-- whoever asks at the same moment. The definition is compliance.caller_ids.choose and rest_of; this repeats them.
-- All keys carry one tag.
--
-- KEYS
--   1 uses    hash         caller id -> uses of the day
--   2 rests   hash         caller id -> {until, ...} (msgpack)
--   3 blocks  sorted set   CALLER_ID|ATTEMPT by the time of a block by the network
-- ARGV
--   1 now, 2 so many blocks within a day rest a number (0: none), 3 a day, 4 the rest after it,
--   5 how long the uses are kept, all in seconds,
--   6 (msgpack) {numbers = caller ids, limits = the daily limit of each (0: none),
--     sets = lists of places in numbers (from 1), leads = for each lead which of the sets (from 1)}
-- RETURNS
--   1 for each lead the place of its number (from 0), or -1
--   where there is a -1 also: 2 the numbers' uses, 3 their rests, 4 the blocks with their times, all as kept

local now, limit, day_s, rest_s = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local given = cmsgpack.unpack(ARGV[6])
local numbers, limits = given.numbers, given.limits
local raw_uses = redis.call('HMGET', KEYS[1], unpack(numbers))
local rests = redis.call('HMGET', KEYS[2], unpack(numbers))
local blocks = redis.call('ZRANGEBYSCORE', KEYS[3], now - day_s - rest_s, '+inf', 'WITHSCORES')

local times = {}
for i = 1, #blocks, 2 do
    local number = string.match(blocks[i], '^[^|]*')
    times[number] = times[number] or {}
    table.insert(times[number], tonumber(blocks[i + 1]))
end

local function rests_until(number, rest)
    local till = rest and cmsgpack.unpack(rest)['until'] or -math.huge
    local hits = times[number]
    if limit > 0 and hits then
        for last = #hits, limit, -1 do
            if hits[last] - hits[last - limit + 1] < day_s then
                return math.max(till, hits[last] + rest_s)
            end
        end
    end
    return till
end

local uses, awake, counted = {}, {}, {}
for i, number in ipairs(numbers) do
    uses[i] = tonumber(raw_uses[i] or 0)
    awake[i] = rests_until(number, rests[i]) <= now
end

local function choice(set)
    local best
    for _, i in ipairs(set) do
        local able = awake[i] and (limits[i] == 0 or uses[i] < limits[i])
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
        redis.call('HINCRBY', KEYS[1], number, counted[i])
        raw_uses[i] = tostring(uses[i])
    end
end
if next(counted) then
    redis.call('EXPIRE', KEYS[1], ARGV[5])
end
if missed then
    return { picks, raw_uses, rests, blocks }
end
return { picks }
