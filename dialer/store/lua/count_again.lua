-- Count attempts that the server may have forgotten: each once, however often it is told.
--
-- KEYS
--   1.. history hash   subject -> contacts, 14 bytes each (see reserve.lua); KEYS[i] belongs to subject i
-- ARGV
--   1 most bytes of contacts that are kept of a subject, then for each subject two: its field, the attempt's 14 bytes
-- RETURNS
--   the subjects (from 1) for whom it had been forgotten

local keep, forgotten = tonumber(ARGV[1]), {}

-- The first ten bytes tell attempts apart: when, campaign, group, attempt. What came of it may stand behind them.
local function is_there(packed, attempt)
    for i = 1, #packed - 13, 14 do
        if string.sub(packed, i, i + 9) == string.sub(attempt, 1, 10) then
            return true
        end
    end
    return false
end

for i, key in ipairs(KEYS) do
    local field, attempt = ARGV[2 * i], ARGV[2 * i + 1]
    local packed = redis.pcall('HGET', key, field) or ''
    if type(packed) == 'string' and not is_there(packed, attempt) then
        redis.call('HSET', key, field, string.sub(packed .. attempt, -keep))
        forgotten[#forgotten + 1] = i
    end
end
return forgotten
