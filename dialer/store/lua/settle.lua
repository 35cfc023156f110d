-- Write the ends of attempts down, each exactly once, whether or not the attempt is known: a server may have forgotten
-- that it was opened, but not one that was given back. An attempt that ended as unknown, because nobody knew better,
-- ends anew when somebody does. The event for the CRM is kept in the same step, so that a crash before it is announced
-- loses nothing.
--
-- KEYS
--   behind the named ones, hashes of the ledger: OWNER|answered, OWNER|abandoned, OWNER|hung_up of one counting day, and
--   the same by slot, SLOT|OWNER|answered, of one hour; and hashes of agents' days: AGENT|talks and so on
-- ARGV
--   1 (msgpack) now; owner: who settles; story_bytes: longest story; day_kept_s, hour_kept_s, agent_day_kept_s: how long they are kept
--     promise_s, promise_retry_s: for so long, and so far apart, a promised callback is tried
--   then for each attempt (msgpack) attempt, lead (ids); what: "due" or "close"; a: due at, or kind; early: from when on
--     it yields, if it does; why; again: why, if a callback is owed after it ("": none is);
--     progress, ended, story, event as they are kept; disposition; counted, counted_unknown: the counters of this end, and
--     of an unknown one; inbound: it came from outside; stays: it never had the lead, and only
--     its story is told; charged, live, abandoned, hung_up; window: WINDOW:TRY;
--     slot; stands_for: how many hung up on this one stands for, should a person have been taken for a machine;
--     day, hour, agent_day: which of those hashes (from 1); agent ("": none had it); talk_at, talk_ms;
--     corrects: the event says that it takes the place of one
-- RETURNS
--   for each attempt: 1 it ends now, 0 it had ended, or was given back and never opened, 2 it had ended as unknown and
--   this says more: nothing is done until it comes with `corrects`

local keys, counters = keys_of({
    'attempts hash', 'open hash', 'ended hash', 'story hash', 'progress hash', 'leased zset', 'lessee hash', 'due zset',
    'waiting zset', 'closed zset', 'why hash', 'counts hash', 'unannounced hash', 'wishes hash', 'outcomes hash',
    'priority hash', 'lead hash', 'early zset', 'callbacks zset', 'callback_agent hash',
}, 'hash')
local given = cmsgpack.unpack(ARGV[1])
local UNKNOWN_AT = 8 -- in what is kept of an ended attempt: whether it ended as unknown

-- What an outcome wanted of the lead while this attempt was open. It is obeyed once: a later attempt ends by itself.
local function take_wish(lead_id)
    local raw = redis.call('HGET', keys.wishes, lead_id)
    if not raw then
        return nil
    end
    redis.call('HDEL', keys.wishes, lead_id)
    local whole, wish = pcall(cjson.decode, raw)
    whole = whole and type(wish) == 'table' and type(wish.why) == 'string'
    if whole and wish.what == 'close' and type(wish.a) == 'string' then
        return wish
    end
    wish = whole and {what = wish.what, a = tonumber(wish.a), why = wish.why, priority = wish.priority}
    return wish and wish.what == 'due' and wish.a and wish or nil
end

-- Whether a callback that was promised is still owed: nobody was reached, and it has not been tried for too long.
local function promise_holds(lead_id, step)
    local promised = redis.call('ZSCORE', keys.callbacks, lead_id)
    return promised and step.again ~= '' and given.now < tonumber(promised) + given.promise_s
end

local function next_step(lead_id, step)
    local wish = take_wish(lead_id)
    step = wish or step
    if wish and tonumber(wish.priority) then
        redis.call('HSET', keys.priority, lead_id, wish.priority)
    end
    local soon = given.now + given.promise_retry_s
    if not wish and promise_holds(lead_id, step) and (step.what == 'close' or step.a > soon) then
        step = {what = 'due', a = soon, why = step.again}
    end
    if step.what == 'close' then
        forget_promise(keys, lead_id)
        redis.call('ZADD', keys.closed, given.now, lead_id)
        count(keys.counts, 'closed:' .. step.a, 1)
    else
        make_due_at(keys, lead_id, step.a, given.now)
        if not wish and type(step.early) == 'number' and step.a > given.now then
            redis.call('ZADD', keys.early, string.format('%.17g', step.early), early_member(step.a, lead_id))
        end
    end
    redis.call('HSET', keys.why, lead_id, step.why)
end

local function settle_lead(lead_id, one)
    redis.call('HDEL', keys.open, lead_id)
    redis.call('ZREM', keys.leased, lead_id)
    redis.call('HDEL', keys.lessee, lead_id)
    if redis.call('HEXISTS', keys.lead, lead_id) == 0 then
        redis.call('HDEL', keys.wishes, lead_id)
        return
    end
    redis.call('HSET', keys.progress, lead_id, one.progress)
    tell_story(keys, lead_id, one.story, given.story_bytes)
    if not redis.call('ZSCORE', keys.closed, lead_id) then -- an attempt that was forgotten opens no closed lead again
        redis.call('ZREM', keys.due, lead_id)
        redis.call('ZREM', keys.waiting, lead_id)
        next_step(lead_id, one)
    end
end

-- The lead of an attempt that had ended as unknown takes the true next step, unless somebody has said or done more about
-- it since.
local function correct_lead(lead_id, one)
    local whole, why = pcall(cjson.decode, redis.call('HGET', keys.why, lead_id) or '')
    local by_unknown = whole and type(why) == 'table' and why[1] == 'ended' and why[2] == 'unknown'
    if redis.call('HEXISTS', keys.lead, lead_id) == 0 then
        return
    end
    tell_story(keys, lead_id, one.story, given.story_bytes)
    if not by_unknown or redis.call('HEXISTS', keys.lessee, lead_id) == 1 then
        return
    end
    if redis.call('ZREM', keys.closed, lead_id) == 1 then
        count(keys.counts, 'closed:unknown', -1)
    end
    redis.call('ZREM', keys.due, lead_id)
    redis.call('ZREM', keys.waiting, lead_id)
    redis.call('HSET', keys.progress, lead_id, one.progress)
    next_step(lead_id, one)
end

local function charge(key, slot, kept_s, owner, one, outcome)
    local machine = outcome == 'machine'
    count(key, slot .. owner .. '|answered', 1)
    if one.hung_up then
        count(key, slot .. owner .. '|hung_up', 1)
    end
    if one.abandoned then
        count(key, slot .. owner .. '|abandoned', 1)
    elseif machine then
        count(key, slot .. 'machine|answered', -1)
    end
    if one.stands_for > 0 and outcome and not machine then
        count(key, slot .. 'estimate|answered', one.stands_for)
        count(key, slot .. 'estimate|abandoned', one.stands_for)
    end
    redis.call('EXPIRE', key, kept_s)
end

local function charge_ledger(owner, one)
    local outcome = (record_of(redis.call('HGET', keys.outcomes, one.attempt)) or {})['outcome']
    charge(counters[one.day], '', given.day_kept_s, owner, one, outcome)
    charge(counters[one.hour], one.slot .. '|', given.hour_kept_s, owner, one, outcome)
end

-- What agents did that day. What was said of the talk while it went on is counted now, as nobody knew the agent then.
local function count_for_agent(one)
    if one.agent == '' then
        return
    end
    local key = counters[one.agent_day]
    count(key, one.agent .. '|talks', 1)
    count(key, one.agent .. '|talk_ms', one.talk_ms)
    redis.call('HSETNX', key, one.agent .. '|first_at', one.talk_at)
    local outcome = (record_of(redis.call('HGET', keys.outcomes, one.attempt)) or {})['outcome']
    if type(outcome) == 'string' then
        count(key, one.agent .. '|outcome|' .. outcome, 1)
    end
    redis.call('EXPIRE', key, given.agent_day_kept_s)
end

local function end_attempt(one, known)
    local dialled_by = (record_of(known) or {})['owner'] -- who dialled is charged, whoever settles
    redis.call('HDEL', keys.attempts, one.attempt)
    redis.call('HSET', keys.ended, one.attempt, one.ended)
    local open = redis.call('HGET', keys.open, one.lead)
    if one.corrects then
        count(keys.counts, one.counted_unknown, -1)
        correct_lead(one.lead, one)
    elseif one.stays then
        if redis.call('HEXISTS', keys.lead, one.lead) == 1 then
            tell_story(keys, one.lead, one.story, given.story_bytes)
        end
    elseif not open or open == one.attempt then -- else another attempt has the lead
        settle_lead(one.lead, one)
    end
    if one.live then
        charge_ledger(type(dialled_by) == 'string' and dialled_by or given.owner, one)
    end
    count_for_agent(one)
    count(keys.counts, one.counted, 1)
    if one.charged then
        if not one.corrects then -- else it was counted when it ended as unknown
            count(keys.counts, 'window:' .. one.window .. ':attempts', 1)
        end
        if one.live then
            count(keys.counts, 'window:' .. one.window .. ':live', 1)
        end
    end
    redis.call('HSET', keys.unannounced, one.attempt, one.event)
end

local answers = {}
for i = 2, #ARGV do
    local one = cmsgpack.unpack(ARGV[i])
    local known = redis.call('HGET', keys.attempts, one.attempt)
    local before = redis.call('HGET', keys.ended, one.attempt)
    local was_unknown = before and not known and (record_of(before) or {})[UNKNOWN_AT] == true
    local answer = 0
    if was_unknown and one.disposition ~= 'unknown' then
        answer = one.corrects and 1 or 2
    elseif not one.corrects and (known or ((one.charged or one.inbound) and not before)) then
        answer = 1
    end
    if answer == 1 then
        end_attempt(one, known)
    end
    answers[#answers + 1] = answer
end
return answers
