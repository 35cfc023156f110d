-- Take entries of a campaign's stream in: each becomes a lead that is due or waits, or is rejected; then all are
-- acknowledged and deleted. An entry that was handled before (another consumer was faster, or this one crashed and
-- came back) changes nothing. All keys carry the campaign's tag.
--
-- KEYS
--   1 leads     stream       leads as they came
--   2 rejected  stream       leads that were refused, as they came, with every reason
--   3 lead      hash         lead_id -> stored lead (msgpack; "sid" is the stream entry it came in)
--   4 numbers   hash         digits -> lead_id
--   5 due       sorted set   lead_id by priority and time
--   6 waiting   sorted set   lead_id by the time it becomes due
--   7 priority  hash         lead_id -> priority, where it is not 5
--   8 counts    hash         counters
-- ARGV
--   1 consumer group, 2 now, 3 most entries that `rejected` keeps (about), 4 longest copy of a rejected entry, bytes
--   then for each entry: stream id, lead_id, reasons (JSON list; "" for a good lead), stored lead, due at, priority,
--   how many numbers, and for each number its digits and the name of its field
-- RETURNS
--   for each entry: 1 accepted, 2 rejected, 0 handled before

local group, now, keep, longest = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local answers, handled = {}, {}

local function reject(id, lead_id, reasons)
    local entry = redis.call('XRANGE', KEYS[1], id, id)
    local copy = {'entry', id, 'lead_id', lead_id, 'at', ARGV[2], 'reasons', reasons}
    if entry[1] then
        local fields = entry[1][2]
        for i = 1, math.min(#fields, 16), 2 do
            local name = fields[i]
            if name ~= 'lead' and name ~= 'json' then
                name = 'other:' .. string.sub(name, 1, 100)
            end
            copy[#copy + 1] = name
            copy[#copy + 1] = string.sub(fields[i + 1], 1, longest)
        end
    end
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', keep, '*', unpack(copy))
    redis.call('HINCRBY', KEYS[8], 'rejected', 1)
end

local at = 5
while at <= #ARGV do
    local id, lead_id, reasons, stored = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
    local due_at, priority, count = tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5]), tonumber(ARGV[at + 6])
    local first = at + 7
    at = first + 2 * count
    local answer = 0
    if #redis.call('XPENDING', KEYS[1], group, id, id, 1) > 0 then
        local known = redis.call('HGET', KEYS[3], lead_id)
        if reasons ~= '' then
            reject(id, lead_id, reasons)
            answer = 2
        elseif not (known and cmsgpack.unpack(known)['sid'] == id) then
            local faults = {}
            if known then
                faults[1] = 'lead_id: a lead of this id is in the campaign already'
            end
            for i = first, at - 2, 2 do
                local other = redis.call('HGET', KEYS[4], ARGV[i])
                if other then
                    faults[#faults + 1] = ARGV[i + 1] .. ': is in the campaign already, in lead ' .. other
                end
            end
            if #faults > 0 then
                reject(id, lead_id, cjson.encode(faults))
                answer = 2
            else
                redis.call('HSET', KEYS[3], lead_id, stored)
                for i = first, at - 2, 2 do
                    redis.call('HSET', KEYS[4], ARGV[i], lead_id)
                end
                if priority ~= 5 then
                    redis.call('HSET', KEYS[7], lead_id, priority)
                end
                if due_at <= now then
                    local score = string.format('%.0f', (9 - priority) * 1e13 + math.floor(due_at * 1000))
                    redis.call('ZADD', KEYS[5], score, lead_id)
                else
                    redis.call('ZADD', KEYS[6], string.format('%.17g', due_at), lead_id)
                end
                redis.call('HINCRBY', KEYS[8], 'accepted', 1)
                answer = 1
            end
        end
        handled[#handled + 1] = id
    end
    answers[#answers + 1] = answer
end

-- Last, so that a script that fails half-way (out of memory) leaves its entries to be handled again.
for i = 1, #handled do
    redis.call('XACK', KEYS[1], group, handled[i])
    redis.call('XDEL', KEYS[1], handled[i])
end
return answers
