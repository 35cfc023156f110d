-- Change leads on somebody's word, wherever they are: due again, closed, or of another priority. A lead in an attempt is
-- changed when the attempt ends; a lease is taken away, and whoever had it is to be told.
--
-- ARGV
--   1 (msgpack) now; what: "due", "close" or "priority"; a: due at, or kind; why ("": as it is); priority ("": as it
--     is); from: places that the change is for, as a map to true; line: for the stories, of which story_bytes are kept
--     ("": none); hand_back_s: what was on lease is due so much later, when its daemon has been told
--   2.. lead ids
-- RETURNS
--   1 for each lead: 1 changed, 0 not there, 2 in another place, 3 will be when its attempt ends
--   2 lead ids that a daemon has in its hands, or had

local keys = keys_of({
    'lead hash', 'open hash', 'lessee hash', 'leased zset', 'due zset', 'waiting zset', 'closed zset', 'why hash',
    'priority hash', 'wishes hash', 'counts hash', 'story hash', 'callbacks zset', 'callback_agent hash',
})
local given = cmsgpack.unpack(ARGV[1])
local answers, held, changed, opened_again = {}, {}, 0, 0

local function place_of(lead_id)
    if redis.call('HEXISTS', keys.lead, lead_id) == 0 then
        return 'nowhere'
    elseif redis.call('HEXISTS', keys.open, lead_id) == 1 then
        return 'in_attempt'
    elseif redis.call('ZSCORE', keys.closed, lead_id) then
        return 'closed'
    elseif redis.call('ZSCORE', keys.leased, lead_id) then
        return 'leased'
    end
    return redis.call('ZSCORE', keys.waiting, lead_id) and 'waiting' or 'due'
end

local function set_priority(lead_id)
    redis.call('HSET', keys.priority, lead_id, given.priority)
    local score = redis.call('ZSCORE', keys.due, lead_id)
    if score then
        make_due(keys, lead_id, tonumber(score) % 1e13 / 1000)
    end
end

local function wish_for(lead_id)
    local wish = {what = given.what, a = given.a, why = given.why, priority = given.priority, firm = true}
    redis.call('HSET', keys.wishes, lead_id, cjson.encode(wish))
end

local function move(lead_id, place)
    redis.call('HDEL', keys.lessee, lead_id)
    redis.call('ZREM', keys.leased, lead_id)
    redis.call('ZREM', keys.due, lead_id)
    redis.call('ZREM', keys.waiting, lead_id)
    redis.call('ZREM', keys.closed, lead_id)
    if given.priority ~= '' then
        redis.call('HSET', keys.priority, lead_id, given.priority)
    end
    if given.why ~= '' then
        redis.call('HSET', keys.why, lead_id, given.why)
    end
    if given.what == 'close' then
        redis.call('ZADD', keys.closed, given.now, lead_id)
        forget_promise(keys, lead_id)
        return
    end
    local at = place == 'leased' and math.max(given.a, given.now + given.hand_back_s) or given.a
    make_due_at(keys, lead_id, at, given.now)
    opened_again = opened_again + (place == 'closed' and 1 or 0)
end

for i = 2, #ARGV do
    local lead_id, answer = ARGV[i], 1
    local place = place_of(lead_id)
    if place == 'nowhere' then
        answer = 0
    elseif not given.from[place] then
        answer = 2
    elseif given.what == 'priority' then
        set_priority(lead_id)
        changed = changed + 1
    elseif place == 'in_attempt' then
        wish_for(lead_id)
        held[#held + 1] = lead_id
        answer = 3
    else
        move(lead_id, place)
        changed = changed + 1
        if place == 'leased' then
            held[#held + 1] = lead_id
        end
    end
    if given.line ~= '' and answer % 2 == 1 then
        tell_story(keys, lead_id, given.line, given.story_bytes)
    end
    answers[#answers + 1] = answer
end
if given.what == 'close' and changed > 0 then
    count(keys.counts, 'closed:' .. given.a, changed)
end
if opened_again > 0 then
    count(keys.counts, 'reopened', opened_again)
end
return {answers, held}
