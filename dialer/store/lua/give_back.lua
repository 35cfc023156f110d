-- Uncount attempts that never reached anybody. Doing it twice changes nothing.
--
-- KEYS
--   1.. history hash   subject -> contacts, 14 bytes each (see reserve.lua); KEYS[i] belongs to subject i
-- ARGV
--   for each subject: its field, CRC-16 of the campaign, CRC-16 of the attempt id (2 bytes each)
-- RETURNS
--   how many contacts were counted until now

local found = 0
for key = 1, #KEYS do
    local field, campaign, attempt = ARGV[3 * key - 2], ARGV[3 * key - 1], ARGV[3 * key]
    local packed = redis.pcall('HGET', KEYS[key], field)
    if type(packed) == 'string' then
        for i = #packed - 13, 1, -14 do
            if string.sub(packed, i + 8, i + 9) == attempt and string.sub(packed, i + 4, i + 5) == campaign then
                packed = string.sub(packed, 1, i - 1) .. string.sub(packed, i + 14)
                if packed == '' then
                    redis.call('HDEL', KEYS[key], field)
                else
                    redis.call('HSET', KEYS[key], field, packed)
                end
                found = found + 1
                break
            end
        end
    end
end
return found
