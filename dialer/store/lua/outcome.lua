-- Keep what an agent or the CRM says came of an attempt, and do with the lead what follows from it. While the attempt
-- is still open the wish waits for its settlement; a lease that somebody else took meanwhile is taken away. Doing it
-- twice changes nothing. All keys carry the campaign's tag.
--
-- KEYS
--   1 attempts  hash         attempt_id -> open attempt (msgpack)
--   2 ended     hash         attempt_id -> {lead_id, number_index, day, live, abandoned, slot} (msgpack)
--   3 outcomes  hash         attempt_id -> outcome (msgpack)
--   4 open      hash         lead_id -> attempt_id
--   5 wishes    hash         lead_id -> {what, a, why, priority} (JSON)
--   6 lessee    hash         lead_id -> owner
--   7 leased    sorted set   lead_id by the end of its lease
--   8 due       sorted set   lead_id by priority and time
--   9 waiting   sorted set   lead_id by the time it becomes due
--   10 closed   sorted set   lead_id by the time it was closed
--   11 why      hash         lead_id -> why it was last postponed or closed
--   12 priority hash         lead_id -> priority, where it is not 5
--   13 counts   hash         counters
--   14 lead     hash         lead_id -> stored lead (msgpack)
--   15 ledger   hash         machine|answered, the correction of the counting day the attempt was answered on
--   16 hour     hash         SLOT|machine|answered, the same of the slot
-- ARGV
--   1 now, 2 attempt_id, 3 lead_id, 4 outcome (its name), 5 outcome (msgpack),
--   6 what: "" leave the lead, "due", "close"; 7 due at or kind, 8 why, 9 priority or "",
--   10 how the attempt was seen: "" open, "1" ended and counted as a live answer that was not abandoned, "0" ended else,
--   11 slot of the answer, 12 how long a day of the ledger is kept, in seconds
-- RETURNS
--   1 kept, 0 no such attempt, 2 it was said before, 3 it was seen open and has ended since: nothing is done

local now, attempt_id, lead_id, outcome = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4]
local what, a, why, priority = ARGV[6], ARGV[7], ARGV[8], ARGV[9]

if redis.call('HEXISTS', KEYS[1], attempt_id) == 0 and redis.call('HEXISTS', KEYS[2], attempt_id) == 0 then
    return 0
end
if ARGV[10] == '' and redis.call('HEXISTS', KEYS[1], attempt_id) == 0 then
    return 3
end

local before = redis.call('HGET', KEYS[3], attempt_id)
if before == ARGV[5] then
    return 2
end
redis.call('HSET', KEYS[3], attempt_id, ARGV[5])
local said = before and cmsgpack.unpack(before)['outcome']
if said ~= outcome then
    redis.call('HINCRBY', KEYS[13], 'outcome:' .. outcome, 1)
    if said then
        redis.call('HINCRBY', KEYS[13], 'outcome:' .. said, -1)
    end
    local change = outcome == 'machine' and -1 or said == 'machine' and 1 or 0
    if ARGV[10] == '1' and change ~= 0 then
        redis.call('HINCRBY', KEYS[15], 'machine|answered', change)
        redis.call('EXPIRE', KEYS[15], ARGV[12])
        if redis.call('EXISTS', KEYS[16]) == 1 then -- else no window looks back so far any more
            redis.call('HINCRBY', KEYS[16], ARGV[11] .. '|machine|answered', change)
        end
    end
end

if redis.call('HEXISTS', KEYS[14], lead_id) == 0 then
    return 1
end
if what == '' then
    if redis.call('HGET', KEYS[4], lead_id) == attempt_id then
        redis.call('HDEL', KEYS[5], lead_id) -- what an earlier word on this attempt wanted
    end
    return 1
end
if redis.call('HEXISTS', KEYS[4], lead_id) == 1 then
    redis.call('HSET', KEYS[5], lead_id, cjson.encode({what = what, a = a, why = why, priority = priority}))
    return 1
end
redis.call('HDEL', KEYS[6], lead_id)
redis.call('ZREM', KEYS[7], lead_id)
redis.call('ZREM', KEYS[8], lead_id)
redis.call('ZREM', KEYS[9], lead_id)
local was_closed = redis.call('ZREM', KEYS[10], lead_id)
redis.call('HSET', KEYS[11], lead_id, why)
if what == 'close' then
    redis.call('ZADD', KEYS[10], ARGV[1], lead_id)
    if was_closed == 0 then
        redis.call('HINCRBY', KEYS[13], 'closed:' .. a, 1)
    end
    return 1
end
if was_closed == 1 then
    redis.call('HINCRBY', KEYS[13], 'reopened', 1)
end
if priority ~= '' then
    redis.call('HSET', KEYS[12], lead_id, priority)
end
redis.call('ZADD', KEYS[9], a, lead_id) -- where its time has come, the next lease finds it due
return 1
