-- Change leads on somebody's word, wherever they are: due again, closed, or of another priority. A lead in an attempt is
-- changed when the attempt ends; a lease is taken away, and whoever had it is to be told. What is done to many leads is
-- one command for all of them: they may be hundreds, and everybody waits meanwhile.
--
-- ARGV
--   1 (msgpack) now; what: "due", "close" or "priority"; a: due at, or kind; why ("": as it is); priority ("": as it
--     is); from: places that the change is for, as a map to true; line: for the stories, of which story_bytes are kept
--     ("": none); hand_back_s: what was on lease is due so much later, when its daemon has been told; owed: promised
--     callbacks of closed leads are still owed
--   2.. lead ids
-- RETURNS
--   1 for each lead: 1 changed, 0 not there, 2 in another place, or named before, 3 will be when its attempt ends
--   2 lead ids that a daemon has in its hands, or had
--   3 for each lead: until when it waited, "" where it did not

local keys = keys_of({
    'lead hash', 'open hash', 'lessee hash', 'leased zset', 'due zset', 'waiting zset', 'closed zset', 'why hash',
    'priority hash', 'wishes hash', 'counts hash', 'story hash', 'callbacks zset', 'callback_agent hash',
})
local given = cmsgpack.unpack(ARGV[1])
local ids = {}
for i = 2, #ARGV do
    ids[#ids + 1] = ARGV[i]
end
local open = redis.call('HMGET', keys.open, unpack(ids))
local closed = redis.call('ZMSCORE', keys.closed, unpack(ids))
local leased = redis.call('ZMSCORE', keys.leased, unpack(ids))
local waiting = redis.call('ZMSCORE', keys.waiting, unpack(ids))

local function place_of(i)
    if open[i] then
        return redis.call('HEXISTS', keys.lead, ids[i]) == 1 and 'in_attempt' or 'nowhere'
    elseif closed[i] then
        return 'closed'
    elseif leased[i] then
        return 'leased'
    elseif waiting[i] then
        return 'waiting'
    end
    return redis.call('HEXISTS', keys.lead, ids[i]) == 1 and 'due' or 'nowhere'
end

local function set_priorities(chosen)
    local cells = {}
    for _, lead_id in ipairs(chosen) do
        cells[#cells + 1] = lead_id
        cells[#cells + 1] = given.priority
    end
    set_all(keys.priority, cells)
end

local function due_by_priority(chosen)
    for i, score in ipairs(redis.call('ZMSCORE', keys.due, unpack(chosen))) do
        if score then
            make_due(keys, chosen[i], tonumber(score) % 1e13 / 1000)
        end
    end
end

local function forget_promises(chosen)
    redis.call('ZREM', keys.callbacks, unpack(chosen))
    redis.call('HDEL', keys.callback_agent, unpack(chosen))
end

local function close(chosen)
    local cells = {}
    for _, lead_id in ipairs(chosen) do
        cells[#cells + 1] = given.now
        cells[#cells + 1] = lead_id
    end
    redis.call('ZADD', keys.closed, unpack(cells))
    count(keys.counts, 'closed:' .. given.a, #chosen)
    if not given.owed then
        forget_promises(chosen)
    end
end

local function move(chosen, times)
    redis.call('HDEL', keys.lessee, unpack(chosen))
    for _, key in ipairs({keys.leased, keys.due, keys.waiting, keys.closed}) do
        redis.call('ZREM', key, unpack(chosen))
    end
    if given.priority ~= '' then
        set_priorities(chosen)
    end
    if given.why ~= '' then
        local cells = {}
        for _, lead_id in ipairs(chosen) do
            cells[#cells + 1] = lead_id
            cells[#cells + 1] = given.why
        end
        redis.call('HSET', keys.why, unpack(cells))
    end
    if given.what == 'close' then
        close(chosen)
    else
        make_all_due_at(keys, chosen, times, given.now)
    end
end

local answers, held, waited = {}, {}, {}
local chosen, times, wishes, storied, named, opened_again = {}, {}, {}, {}, {}, 0
local wish = cjson.encode({what = given.what, a = given.a, why = given.why, priority = given.priority, firm = true})
for i, lead_id in ipairs(ids) do
    local place, answer = place_of(i), 1
    if place == 'nowhere' then
        answer = 0
    elseif not given.from[place] or named[lead_id] then
        answer = 2
    elseif place == 'in_attempt' and given.what ~= 'priority' then
        wishes[#wishes + 1] = lead_id
        wishes[#wishes + 1] = wish
        answer = 3
    else
        chosen[#chosen + 1] = lead_id
        if given.what == 'due' then
            times[#times + 1] = place == 'leased' and math.max(given.a, given.now + given.hand_back_s) or given.a
            opened_again = opened_again + (place == 'closed' and 1 or 0)
        end
    end
    if answer % 2 == 1 then
        storied[#storied + 1] = lead_id
        if answer == 3 or (place == 'leased' and given.what ~= 'priority') then
            held[#held + 1] = lead_id
        end
    end
    named[lead_id] = true
    answers[i] = answer
    waited[i] = place == 'waiting' and waiting[i] or ''
end
set_all(keys.wishes, wishes)
if #chosen > 0 then
    if given.what == 'priority' then
        set_priorities(chosen)
        due_by_priority(chosen)
    else
        move(chosen, times)
    end
end
if opened_again > 0 then
    count(keys.counts, 'reopened', opened_again)
end
tell_stories(keys, storied, given.line, given.story_bytes)
return {answers, held, waited}
