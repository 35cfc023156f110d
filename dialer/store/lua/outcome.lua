-- Keep what an agent or the CRM says came of an attempt, and do with the lead what follows from it. While an attempt to
-- the lead is open the wish waits for its settlement; a lease that somebody else took meanwhile is taken away. Doing it
-- twice changes nothing.
--
-- KEYS
--   behind the named ones, hashes of the ledger, in which machine|answered takes back an answer and estimate|answered
--   and estimate|abandoned are people hung up on as machines: the counting day the attempt was answered on, and the
--   hour, where SLOT| stands in front; and the hash of agents' days: AGENT|outcome|NAME
-- ARGV
--   1 (msgpack) now; attempt, lead (ids); outcome (its name), record (all of it, msgpack);
--     what the lead is to do: "" nothing, "due", "close"; a: due at, or kind; why; priority ("": as it is);
--     seen: how the attempt was, "open", "live" (ended and counted as a live answer that was not abandoned) or "ended";
--     callback: true where one is promised for a, with callback_agent ("": anybody); slot of the answer; stands_for: how many were hung up on for this one, which was judged a machine and had an agent; day_kept_s, agent_day_kept_s: how long those days are kept; agent who talked ("" while the
--     attempt is open: its settlement counts what was said); line for the lead's story, of which story_bytes are kept
-- RETURNS
--   1 kept, 0 no such attempt, 2 it was said before, 3 it was seen open and has ended since: nothing is done

local keys, counters = keys_of({
    'attempts hash', 'ended hash', 'outcomes hash', 'open hash', 'wishes hash', 'lessee hash', 'leased zset', 'due zset',
    'waiting zset', 'closed zset', 'why hash', 'priority hash', 'counts hash', 'lead hash', 'story hash',
    'callbacks zset', 'callback_agent hash',
}, 'hash')
local said = cmsgpack.unpack(ARGV[1])

-- What an operator or the CRM ordered of the lead itself is not for a word on the attempt to undo.
local function is_firm(wish)
    local whole, read = pcall(cjson.decode, wish or '')
    return whole and type(read) == 'table' and read.firm == true
end
local lead_id = said.lead

local is_open = redis.call('HEXISTS', keys.attempts, said.attempt) == 1
if not is_open and redis.call('HEXISTS', keys.ended, said.attempt) == 0 then
    return 0
end
if said.seen == 'open' and not is_open then
    return 3
end

local before = redis.call('HGET', keys.outcomes, said.attempt)
if before == said.record then
    return 2
end
redis.call('HSET', keys.outcomes, said.attempt, said.record)
local earlier = (record_of(before) or {})['outcome']
if earlier ~= said.outcome then
    count(keys.counts, 'outcome:' .. said.outcome, 1)
    if type(earlier) == 'string' then
        count(keys.counts, 'outcome:' .. earlier, -1)
    end
    if said.agent ~= '' then
        count(counters[3], said.agent .. '|outcome|' .. said.outcome, 1)
        if type(earlier) == 'string' then
            count(counters[3], said.agent .. '|outcome|' .. earlier, -1)
        end
        redis.call('EXPIRE', counters[3], said.agent_day_kept_s)
    end
    local function recount(what, change)
        if change ~= 0 then
            count(counters[1], what, change)
            redis.call('EXPIRE', counters[1], said.day_kept_s)
            if redis.call('EXISTS', counters[2]) == 1 then -- else no window looks back so far any more
                count(counters[2], said.slot .. '|' .. what, change)
            end
        end
    end
    if said.seen == 'live' then
        recount('machine|answered', said.outcome == 'machine' and -1 or earlier == 'machine' and 1 or 0)
    end
    local function people(outcome)
        return outcome and outcome ~= 'machine' and said.stands_for or 0
    end
    local more = people(said.outcome) - people(earlier)
    recount('estimate|answered', more)
    recount('estimate|abandoned', more)
end

if redis.call('HEXISTS', keys.lead, lead_id) == 0 then
    return 1
end
tell_story(keys, lead_id, said.line, said.story_bytes)
local open = redis.call('HGET', keys.open, lead_id)
if open and said.what ~= 'close' and is_firm(redis.call('HGET', keys.wishes, lead_id)) then
    return 1
end
if said.what == '' then
    if open == said.attempt then
        redis.call('HDEL', keys.wishes, lead_id) -- what an earlier word on this attempt wanted
    end
    return 1
end
if said.what == 'close' or said.callback then
    forget_promise(keys, lead_id)
end
if said.callback then
    redis.call('ZADD', keys.callbacks, string.format('%.17g', said.a), lead_id)
    if said.callback_agent ~= '' then
        redis.call('HSET', keys.callback_agent, lead_id, said.callback_agent)
    end
end
if open then
    local wish = {
        what = said.what, a = said.a, why = said.why, priority = said.priority, callback = said.callback,
    }
    redis.call('HSET', keys.wishes, lead_id, cjson.encode(wish))
    return 1
end
redis.call('HDEL', keys.lessee, lead_id)
redis.call('ZREM', keys.leased, lead_id)
redis.call('ZREM', keys.due, lead_id)
redis.call('ZREM', keys.waiting, lead_id)
local was_closed = redis.call('ZREM', keys.closed, lead_id)
redis.call('HSET', keys.why, lead_id, said.why)
if said.what == 'close' then
    redis.call('ZADD', keys.closed, said.now, lead_id)
    if was_closed == 0 then
        count(keys.counts, 'closed:' .. said.a, 1)
    end
    return 1
end
if was_closed == 1 then
    count(keys.counts, 'reopened', 1)
end
if said.priority ~= '' then
    redis.call('HSET', keys.priority, lead_id, said.priority)
end
redis.call('ZADD', keys.waiting, string.format('%.17g', said.a), lead_id) -- is its time past, the next lease finds it
return 1
