-- The atomic gate: may each number be attempted now? If so the attempt is counted, in the same step. The definition
-- of the caps is compliance.caps.verdict; this repeats it number for number. All keys carry one contact tag.
--
-- KEYS
--   1 blocked   hash   DIGITS (all campaigns) or DIGITS@CAMPAIGN -> block (msgpack)
--   2.. history hash   digits -> attempts, 8 bytes each: time (4, seconds since the epoch, rounded up), CRC-16 of the
--                      campaign (2), CRC-16 of the attempt id (2), all big-endian; KEYS[i + 1] belongs to number i
-- ARGV
--   1 now, 2 campaign, 3 most attempts that are kept of a number, 4 how many caps,
--   then for each cap: limit, window in seconds, rest in seconds
--   then for each number: digits, the attempt's 8 bytes
-- RETURNS
--   for each number three: "ok", ordinal, "" | "blocked", the block, "" | "cap", which cap (from 0), refused until

local now, campaign, keep, caps = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

local function read(packed)
    local times = {}
    for i = 1, #packed, 8 do
        local a, b, c, d = string.byte(packed, i, i + 3)
        times[#times + 1] = ((a * 256 + b) * 256 + c) * 256 + d
    end
    table.sort(times)
    return times
end

local function refused_until(times, limit, window, rest)
    local n = #times
    if n < limit then
        return nil
    end
    local frees = times[n - limit + 1] + window
    for last = n, limit, -1 do
        if times[last - limit + 1] + window > times[last] then
            return math.max(frees, times[last] + rest)
        end
    end
    return frees
end

local function verdict(times)
    local worst, which
    for cap = 0, caps - 1 do
        local at = 5 + 3 * cap
        local till = refused_until(times, tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]))
        if till and till > now and (not worst or till > worst) then
            worst, which = till, cap
        end
    end
    return worst, which
end

-- An attempt's place among those that the widest window still sees; without caps, among all.
local widest
for cap = 0, caps - 1 do
    widest = math.max(widest or 0, tonumber(ARGV[6 + 3 * cap]))
end
local function ordinal(times)
    local seen = 0
    for _, time in ipairs(times) do
        if not widest or time + widest > now then
            seen = seen + 1
        end
    end
    return seen + 1
end

local answers, key = {}, 1
for at = 5 + 3 * caps, #ARGV, 2 do
    key = key + 1
    local digits, attempt = ARGV[at], ARGV[at + 1]
    local blocks = redis.call('HMGET', KEYS[1], digits, digits .. '@' .. campaign)
    local block = blocks[1] or blocks[2]
    local a, b, c
    if block then
        a, b, c = 'blocked', block, ''
    else
        local packed = redis.call('HGET', KEYS[key], digits) or ''
        local times = read(packed)
        local till, which = verdict(times)
        if till then
            a, b, c = 'cap', which, string.format('%.17g', till)
        else
            redis.call('HSET', KEYS[key], digits, string.sub(packed .. attempt, -8 * keep))
            a, b, c = 'ok', ordinal(times), ''
        end
    end
    answers[#answers + 1] = a
    answers[#answers + 1] = b
    answers[#answers + 1] = c
end
return answers
