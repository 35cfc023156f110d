-- Delete leads with everything that the campaign knows of them, wherever they are. One with an open attempt stays, and
-- so does one of whose attempts the CRM has not been told yet; it may be asked for here that it is closed when its
-- attempt ends. The contact history of their numbers is not here. All keys carry the campaign's tag.
--
-- KEYS
--   1 lead        hash         lead_id -> stored lead (msgpack)
--   2 numbers     hash         digits -> lead_id
--   3 progress    hash         lead_id -> number_index and tries (msgpack)
--   4 priority    hash         lead_id -> priority, where it is not 5
--   5 why         hash         lead_id -> why it was last postponed or closed
--   6 story       hash         lead_id -> ended attempts, one msgpack map after the other
--   7 wishes      hash         lead_id -> what an outcome wants of the lead after its open attempt (JSON)
--   8 lessee      hash         lead_id -> owner of the lease
--   9 due         sorted set   lead_id by priority and time
--   10 waiting    sorted set   lead_id by the time it becomes due
--   11 leased     sorted set   lead_id by the end of its lease
--   12 closed     sorted set   lead_id by the time it was closed
--   13 open       hash         lead_id -> attempt_id
--   14 unannounced hash        attempt_id -> event for the CRM
--   15 ended      hash         attempt_id -> {lead_id, number_index, day, live, abandoned, slot} (msgpack)
--   16 outcomes   hash         attempt_id -> outcome (msgpack)
--   17 counts     hash         counters
-- ARGV
--   1 came in before, "" whenever; 2 name of the counter; 3 why leads are closed after their open attempt, "" they are
--   left as they are; then the lead ids
-- RETURNS
--   for each lead: 1 deleted, 0 it is not there or came in later, 2 it stays for now

local before, counter, why = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local answers, seen = {}, {}
local gone, attempts_gone, numbers_gone = {}, {}, {}

local function attempts_of(lead_id)
    local story = redis.call('HGET', KEYS[6], lead_id)
    local ids = {}
    for i, attempt in ipairs(story and {cmsgpack.unpack(story)} or {}) do
        ids[i] = attempt['attempt']
    end
    return ids
end

local function is_held(lead_id, attempts)
    if redis.call('HEXISTS', KEYS[13], lead_id) == 1 then
        if why ~= '' then
            redis.call('HSET', KEYS[7], lead_id, cjson.encode({what = 'close', a = counter, why = why, priority = ''}))
        end
        return true
    end
    for _, event in ipairs(#attempts > 0 and redis.call('HMGET', KEYS[14], unpack(attempts)) or {}) do
        if event then
            return true
        end
    end
    return false
end

local function note(lead_id, lead, attempts)
    gone[#gone + 1] = lead_id
    for _, attempt in ipairs(attempts) do
        attempts_gone[#attempts_gone + 1] = attempt
    end
    for _, number in ipairs(lead['n']) do
        local digits = string.sub(number, 2)
        if redis.call('HGET', KEYS[2], digits) == lead_id then
            numbers_gone[#numbers_gone + 1] = digits
        end
    end
end

local function delete(command, key, fields)
    for i = 1, #fields, 1000 do
        redis.call(command, KEYS[key], unpack(fields, i, math.min(i + 999, #fields)))
    end
end

for i = 4, #ARGV do
    local lead_id, answer = ARGV[i], 0
    local stored = not seen[lead_id] and redis.call('HGET', KEYS[1], lead_id)
    seen[lead_id] = true
    local lead = stored and cmsgpack.unpack(stored)
    if lead and (not before or (lead['at'] or 0) < before) then
        local attempts = attempts_of(lead_id)
        if is_held(lead_id, attempts) then
            answer = 2
        else
            note(lead_id, lead, attempts)
            answer = 1
        end
    end
    answers[#answers + 1] = answer
end

if #gone > 0 then
    delete('HDEL', 2, numbers_gone)
    delete('HDEL', 15, attempts_gone)
    delete('HDEL', 16, attempts_gone)
    for _, key in ipairs({3, 4, 5, 6, 7, 8}) do
        delete('HDEL', key, gone)
    end
    for _, key in ipairs({9, 10, 11, 12}) do
        delete('ZREM', key, gone)
    end
    delete('HDEL', 1, gone)
    redis.call('HINCRBY', KEYS[17], counter, #gone)
end
return answers
