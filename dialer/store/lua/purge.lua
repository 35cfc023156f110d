-- Delete leads with everything that the campaign knows of them, wherever they are. One with an open attempt stays, and
-- so does one of whose attempts the CRM has not been told yet; it may be asked for here that it is closed when its
-- attempt ends. The contact history of their numbers is not here.
--
-- ARGV
--   1 came in before, "" whenever; 2 name of the counter; 3 why leads are closed after their open attempt, "" they are
--   left as they are; then the lead ids
-- RETURNS
--   for each lead: 1 deleted, 0 it is not there, came in later or cannot be read, 2 it stays for now

local keys = keys_of({
    'lead hash', 'numbers hash', 'progress hash', 'priority hash', 'why hash', 'story hash', 'wishes hash',
    'lessee hash', 'due zset', 'waiting zset', 'leased zset', 'closed zset', 'open hash', 'unannounced hash',
    'ended hash', 'outcomes hash', 'counts hash', 'put_off zset',
    'callbacks zset', 'callback_agent hash',
})
local before, counter, why = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local answers, seen = {}, {}
local gone, attempts_gone, numbers_gone = {}, {}, {}

local function attempts_of(lead_id)
    local story = redis.call('HGET', keys.story, lead_id)
    local read, ids = {pcall(cmsgpack.unpack, story or '')}, {}
    for i = 2, read[1] and #read or 1 do
        local attempt = type(read[i]) == 'table' and read[i]['attempt']
        ids[#ids + 1] = type(attempt) == 'string' and attempt or nil
    end
    return ids
end

local function is_held(lead_id, attempts)
    if redis.call('HEXISTS', keys.open, lead_id) == 1 then
        if why ~= '' then
            redis.call('HSET', keys.wishes, lead_id, cjson.encode({what = 'close', a = counter, why = why, priority = ''}))
        end
        return true
    end
    for _, event in ipairs(#attempts > 0 and redis.call('HMGET', keys.unannounced, unpack(attempts)) or {}) do
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
    for _, number in ipairs(type(lead['n']) == 'table' and lead['n'] or {}) do
        local digits = string.sub(tostring(number), 2)
        if redis.call('HGET', keys.numbers, digits) == lead_id then
            numbers_gone[#numbers_gone + 1] = digits
        end
    end
end

local function delete(command, key, fields)
    for i = 1, #fields, 1000 do
        redis.call(command, key, unpack(fields, i, math.min(i + 999, #fields)))
    end
end

for i = 4, #ARGV do
    local lead_id, answer = ARGV[i], 0
    local stored = not seen[lead_id] and redis.call('HGET', keys.lead, lead_id)
    seen[lead_id] = true
    local lead = stored and record_of(stored)
    if lead and (not before or (tonumber(lead['at'] or 0) or math.huge) < before) then
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
    delete('HDEL', keys.numbers, numbers_gone)
    delete('HDEL', keys.ended, attempts_gone)
    delete('HDEL', keys.outcomes, attempts_gone)
    for _, key in ipairs({keys.progress, keys.priority, keys.why, keys.story, keys.wishes, keys.lessee, keys.callback_agent}) do
        delete('HDEL', key, gone)
    end
    for _, key in ipairs({keys.due, keys.waiting, keys.leased, keys.closed, keys.put_off, keys.callbacks}) do
        delete('ZREM', key, gone)
    end
    delete('HDEL', keys.lead, gone)
    count(keys.counts, counter, #gone)
end
return answers
