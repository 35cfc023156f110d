-- Write down what came of attempts. Doing it twice changes nothing.
--
-- KEYS
--   1.. history hash   subject -> contacts, 14 bytes each (see reserve.lua); KEYS[i] belongs to subject i
-- ARGV
--   for each subject six: its field, CRC-16 of the campaign, CRC-16 of the attempt id (2 bytes each), marks to be set,
--   marks to be taken away (compliance.contacts.Mark), when it ended (seconds since the epoch; "": leave that as it is)
-- RETURNS
--   how many contacts changed

local MACHINE, PERSON = 32, 6 -- PERSON: a connect and a conversation

local function marked(before, add, remove)
    local after = bit.bor(before, add)
    if bit.band(before, remove, MACHINE) ~= 0 then
        after = bit.bor(after, PERSON) -- it was no machine after all
    end
    after = bit.band(after, bit.bnot(remove))
    if bit.band(after, MACHINE) ~= 0 then
        after = bit.band(after, bit.bnot(PERSON))
    end
    return after
end

local function minutes(packed, i, ended_at)
    local a, b, c, d = string.byte(packed, i, i + 3)
    local at = ((a * 256 + b) * 256 + c) * 256 + d
    return math.max(0, math.min(255, math.ceil((ended_at - at) / 60)))
end

local changed = 0
for key = 1, #KEYS do
    local at = 6 * key - 5
    local field, campaign, attempt = ARGV[at], ARGV[at + 1], ARGV[at + 2]
    local packed = redis.pcall('HGET', KEYS[key], field)
    if type(packed) == 'string' then
        for i = #packed - 13, 1, -14 do
            if string.sub(packed, i + 8, i + 9) == attempt and string.sub(packed, i + 4, i + 5) == campaign then
                local marks, lasted = string.byte(packed, i + 12, i + 13)
                marks = marked(marks, tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4]))
                if ARGV[at + 5] ~= '' then
                    lasted = minutes(packed, i, tonumber(ARGV[at + 5]))
                end
                local after = string.sub(packed, 1, i + 11) .. string.char(marks, lasted) .. string.sub(packed, i + 14)
                if after ~= packed then
                    redis.call('HSET', KEYS[key], field, after)
                    changed = changed + 1
                end
                break
            end
        end
    end
end
return changed
