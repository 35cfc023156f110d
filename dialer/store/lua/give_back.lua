-- Uncount attempts that never reached anybody. Doing it twice changes nothing. All keys carry one contact tag.
--
-- KEYS
--   1.. history hash   digits -> attempts, 8 bytes each (see reserve.lua); KEYS[i] belongs to number i
-- ARGV
--   for each number: digits, the last 4 of the attempt's 8 bytes (CRC-16 of campaign and of attempt id)
-- RETURNS
--   how many attempts were uncounted

local found = 0
for key = 1, #KEYS do
    local digits, mark = ARGV[2 * key - 1], ARGV[2 * key]
    local packed = redis.call('HGET', KEYS[key], digits)
    if packed then
        for i = #packed - 7, 1, -8 do
            if string.sub(packed, i + 4, i + 7) == mark then
                packed = string.sub(packed, 1, i - 1) .. string.sub(packed, i + 8)
                if packed == '' then
                    redis.call('HDEL', KEYS[key], digits)
                else
                    redis.call('HSET', KEYS[key], digits, packed)
                end
                found = found + 1
                break
            end
        end
    end
end
return found
