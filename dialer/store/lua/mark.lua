-- Write down what came of attempts. Doing it twice changes nothing.
--
-- KEYS
--   1.. history hash   subject -> contacts, 14 bytes each (see reserve.lua); KEYS[i] belongs to subject i
-- ARGV
--   1 most bytes of contacts that are kept of a subject
--   then for each subject seven: its field, CRC-16 of the campaign, CRC-16 of the attempt id (2 bytes each), marks to be
--   set, marks to be taken away (compliance.contacts.Mark), when it ended (seconds since the epoch; "": leave that as it
--   is), the 14 bytes of a contact from outside, which is put there unless it is there ("": an attempt, which is)
-- RETURNS
--   how many contacts changed

local MACHINE, PERSON, CONVERSATION, INBOUND = 32, 6, 4, 128 -- PERSON: a connect and a conversation
local keep = tonumber(ARGV[1])

local function marked(before, add, remove)
    local after = bit.bor(before, add)
    if bit.band(before, remove, MACHINE) ~= 0 then
        after = bit.bor(after, bit.band(after, INBOUND) ~= 0 and CONVERSATION or PERSON) -- it was no machine after all
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

-- Where the contact of an attempt stands; one from outside is no other attempt with the same check sum.
local function place(packed, campaign, attempt, inbound)
    for i = #packed - 13, 1, -14 do
        if string.sub(packed, i + 8, i + 9) == attempt and string.sub(packed, i + 4, i + 5) == campaign
            and (not inbound or bit.band(string.byte(packed, i + 12), INBOUND) ~= 0) then
            return i
        end
    end
    return nil
end

local changed = 0
for key = 1, #KEYS do
    local at = 7 * key - 5
    local field, campaign, attempt, contact = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 6]
    local packed = redis.pcall('HGET', KEYS[key], field) or ''
    if type(packed) == 'string' then
        local i = place(packed, campaign, attempt, contact ~= '')
        local after = packed
        if not i and contact ~= '' then
            after = string.sub(packed .. contact, -keep)
            i = #after - 13
        end
        if i then
            local marks, lasted = string.byte(after, i + 12, i + 13)
            marks = marked(marks, tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4]))
            if ARGV[at + 5] ~= '' then
                lasted = minutes(after, i, tonumber(ARGV[at + 5]))
            end
            after = string.sub(after, 1, i + 11) .. string.char(marks, lasted) .. string.sub(after, i + 14)
        end
        if after ~= packed then
            redis.call('HSET', KEYS[key], field, after)
            changed = changed + 1
        end
    end
end
return changed
