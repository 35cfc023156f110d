-- Put leads that another campaign has, or had, into this one. A lead whose id or one of whose numbers is here already is
-- left out, unless the one that is here was moved away.
--
-- ARGV
--   1 (msgpack) now; story_bytes: longest story; why; line: for their stories
--   then for each lead (msgpack) id; list: its list's name; stored: the lead as it is kept; sid: the entry in it;
--     digits: of its numbers; due_at; priority; progress ("": none); promised: when somebody is to call back ("": no
--     callback is owed); agent: who ("": anybody)
-- RETURNS
--   for each lead: 1 put, 0 another one is here, 2 it is here already, from the same entry

local keys = keys_of({
    'lead hash', 'numbers hash', 'progress hash', 'priority hash', 'why hash', 'story hash', 'due zset', 'waiting zset',
    'closed zset', 'counts hash', 'lists hash', 'callbacks zset', 'callback_agent hash',
})
local given = cmsgpack.unpack(ARGV[1])
local rows, ids, numbers = {}, {}, {}
for i = 2, #ARGV do
    local row = cmsgpack.unpack(ARGV[i])
    rows[#rows + 1], ids[#ids + 1] = row, row.id
    for _, digits in ipairs(row.digits) do
        numbers[#numbers + 1] = digits
    end
end

-- Who is here under the ids and the numbers; what this script puts joins them.
local here, holder, closed, moved_away = {}, {}, {}, {}

local function by_id(into, values)
    for i, value in ipairs(values) do
        into[ids[i]] = value
    end
end

by_id(here, redis.call('HMGET', keys.lead, unpack(ids)))
by_id(closed, redis.call('ZMSCORE', keys.closed, unpack(ids)))
for i, lead_id in ipairs(redis.call('HMGET', keys.numbers, unpack(numbers))) do
    holder[numbers[i]] = lead_id
end

local function says_moved(why)
    return string.sub(why or '', 1, 18) == '["ordered","moved"'
end

for i, why in ipairs(redis.call('HMGET', keys.why, unpack(ids))) do
    moved_away[ids[i]] = closed[ids[i]] and says_moved(why)
end

-- A lead that the batch does not name is asked for by itself; it is rare.
local function was_moved_away(lead_id)
    if moved_away[lead_id] == nil then
        local is_closed = redis.call('ZSCORE', keys.closed, lead_id)
        moved_away[lead_id] = is_closed and says_moved(redis.call('HGET', keys.why, lead_id)) or false
    end
    return moved_away[lead_id]
end

local function is_free(row)
    if here[row.id] and not was_moved_away(row.id) then
        return false, (record_of(here[row.id]) or {})['sid'] == row.sid and 2 or 0
    end
    for _, digits in ipairs(row.digits) do
        local other = holder[digits]
        if other and other ~= row.id and not was_moved_away(other) then
            return false, 0
        end
    end
    return true, 1
end

local leads, owners, priorities, whys, progress, fresh = {}, {}, {}, {}, {}, {}
local put, times, promises, agents, lists = {}, {}, {}, {}, {}

local function add(cells, a, b)
    cells[#cells + 1] = a
    cells[#cells + 1] = b
end

local function take(row)
    put[#put + 1], times[#times + 1] = row.id, row.due_at
    moved_away[row.id], here[row.id] = false, row.stored
    add(leads, row.id, row.stored)
    for _, digits in ipairs(row.digits) do
        holder[digits] = row.id
        add(owners, digits, row.id)
    end
    add(priorities, row.id, row.priority)
    add(whys, row.id, given.why)
    if row.progress ~= '' then
        add(progress, row.id, row.progress)
    else
        fresh[#fresh + 1] = row.id
    end
    if row.promised ~= '' then
        add(promises, string.format('%.17g', row.promised), row.id)
        if row.agent ~= '' then
            add(agents, row.id, row.agent)
        end
    end
end

local answers, back = {}, 0
for i, row in ipairs(rows) do
    local free, answer = is_free(row)
    if free then
        if closed[row.id] then
            back = back + 1
        else
            lists[row.list] = (lists[row.list] or 0) + 1
        end
        take(row)
    end
    answers[i] = answer
end
if #put > 0 then
    set_all(keys.lead, leads)
    set_all(keys.numbers, owners)
    set_all(keys.priority, priorities)
    set_all(keys.why, whys)
    set_all(keys.progress, progress)
    if #fresh > 0 then
        redis.call('HDEL', keys.progress, unpack(fresh))
    end
    redis.call('ZREM', keys.closed, unpack(put))
    redis.call('ZREM', keys.callbacks, unpack(put))
    redis.call('HDEL', keys.callback_agent, unpack(put))
    if #promises > 0 then
        redis.call('ZADD', keys.callbacks, unpack(promises))
    end
    set_all(keys.callback_agent, agents)
    make_all_due_at(keys, put, times, given.now)
    tell_stories(keys, put, given.line, given.story_bytes)
end
for list, number in pairs(lists) do
    count(keys.lists, 'accepted:' .. list, number)
end
if #put > back then
    count(keys.counts, 'accepted', #put - back)
end
if back > 0 then
    count(keys.counts, 'reopened', back)
end
return answers
