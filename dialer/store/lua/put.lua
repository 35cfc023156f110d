-- Put leads that another campaign has, or had, into this one. A lead whose id or one of whose numbers is here already is
-- left out, unless the one that is here was moved away.
--
-- ARGV
--   1 (msgpack) now; story_bytes: longest story
--   then for each lead (msgpack) id; list: its list's name; stored: the lead as it is kept; digits: of its numbers;
--     due_at; priority; progress ("": none); why; line: for its story
-- RETURNS
--   for each lead: 1 put, 0 another one is here, 2 it is here already, from the same entry

local keys = keys_of({
    'lead hash', 'numbers hash', 'progress hash', 'priority hash', 'why hash', 'story hash', 'due zset', 'waiting zset',
    'closed zset', 'counts hash', 'lists hash',
})
local given = cmsgpack.unpack(ARGV[1])

local function was_moved_away(lead_id)
    local why = redis.call('HGET', keys.why, lead_id) or ''
    return redis.call('ZSCORE', keys.closed, lead_id) and string.sub(why, 1, 18) == '["ordered","moved"'
end

local function is_free(row)
    local here = redis.call('HGET', keys.lead, row.id)
    if here and not was_moved_away(row.id) then
        local same = (record_of(here) or {})['sid'] == (record_of(row.stored) or {})['sid']
        return false, same and 2 or 0
    end
    for _, digits in ipairs(row.digits) do
        local other = redis.call('HGET', keys.numbers, digits)
        if other and other ~= row.id and not was_moved_away(other) then
            return false, 0
        end
    end
    return true, 1
end

local answers, put, back = {}, 0, 0
for i = 2, #ARGV do
    local row = cmsgpack.unpack(ARGV[i])
    local free, answer = is_free(row)
    if free then
        local returned = redis.call('ZREM', keys.closed, row.id)
        back = back + returned
        if returned == 0 then
            count(keys.lists, 'accepted:' .. row.list, 1)
        end
        redis.call('HSET', keys.lead, row.id, row.stored)
        for _, digits in ipairs(row.digits) do
            redis.call('HSET', keys.numbers, digits, row.id)
        end
        redis.call('HSET', keys.priority, row.id, row.priority)
        redis.call('HSET', keys.why, row.id, row.why)
        if row.progress ~= '' then
            redis.call('HSET', keys.progress, row.id, row.progress)
        else
            redis.call('HDEL', keys.progress, row.id)
        end
        tell_story(keys, row.id, row.line, given.story_bytes)
        make_due_at(keys, row.id, row.due_at, given.now)
        put = put + 1
    end
    answers[#answers + 1] = answer
end
if put > back then
    count(keys.counts, 'accepted', put - back)
end
if back > 0 then
    count(keys.counts, 'reopened', back)
end
return answers
