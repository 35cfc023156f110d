-- Write the ends of attempts down, each exactly once: an attempt that is not open any more changes nothing. The event
-- for the CRM is kept in the same step, so that a crash before it is announced loses nothing. All keys carry the
-- campaign's tag.
--
-- KEYS
--   1 attempts     hash         attempt_id -> open attempt (msgpack)
--   2 open         hash         lead_id -> attempt_id
--   3 ended        hash         attempt_id -> {lead_id, number_index, day, live, abandoned, slot} (msgpack)
--   4 story        hash         lead_id -> ended attempts, one msgpack map after the other
--   5 progress     hash         lead_id -> number_index and tries (msgpack)
--   6 leased       sorted set   lead_id by the end of its lease
--   7 lessee       hash         lead_id -> owner
--   8 due          sorted set   lead_id by priority and time
--   9 waiting      sorted set   lead_id by the time it becomes due
--   10 closed      sorted set   lead_id by the time it was closed
--   11 why         hash         lead_id -> why it was last postponed or closed
--   12 counts      hash         counters
--   13 unannounced hash         attempt_id -> event for the CRM (msgpack)
--   14 wishes      hash         lead_id -> what an outcome wants of the lead after this attempt (JSON)
--   15 outcomes    hash         attempt_id -> outcome (msgpack)
--   16 priority    hash         lead_id -> priority, where it is not 5
--   17.. ledger    hash         OWNER|answered, OWNER|abandoned, OWNER|hung_up of one counting day
--   ..   hour      hash         the same by slot, SLOT|OWNER|answered, of one hour
-- ARGV
--   1 now, 2 longest story in bytes, 3 how long a day of the ledger is kept, 4 how long an hour of it, in seconds,
--   then for each attempt sixteen:
--   attempt_id, lead_id, "due" or "close", due at or kind, why, progress, ended, story, event, disposition,
--   live (0, 1), abandoned (0, 1), hung up (0, 1), which ledger, which hour (both from 0, in KEYS from 17 on), slot
-- RETURNS
--   for each attempt: 1 it ends now, 0 it was not open

local now, longest = tonumber(ARGV[1]), tonumber(ARGV[2])

local function next_step(lead_id, what, a, why)
    local wish = redis.call('HGET', KEYS[14], lead_id)
    if wish then
        redis.call('HDEL', KEYS[14], lead_id)
        wish = cjson.decode(wish)
        what, a, why = wish.what, wish.a, wish.why
        if wish.priority ~= '' then
            redis.call('HSET', KEYS[16], lead_id, wish.priority)
        end
    end
    if what == 'close' then
        redis.call('ZADD', KEYS[10], ARGV[1], lead_id)
        redis.call('HINCRBY', KEYS[12], 'closed:' .. a, 1)
    elseif tonumber(a) <= now then
        local priority = tonumber(redis.call('HGET', KEYS[16], lead_id) or 5)
        local score = string.format('%.0f', (9 - priority) * 1e13 + math.floor(tonumber(a) * 1000))
        redis.call('ZADD', KEYS[8], score, lead_id)
    else
        redis.call('ZADD', KEYS[9], a, lead_id)
    end
    redis.call('HSET', KEYS[11], lead_id, why)
end

local function charge(key, slot, kept_s, owner, abandoned, hung_up, machine)
    redis.call('HINCRBY', key, slot .. owner .. '|answered', 1)
    if hung_up then
        redis.call('HINCRBY', key, slot .. owner .. '|hung_up', 1)
    end
    if abandoned then
        redis.call('HINCRBY', key, slot .. owner .. '|abandoned', 1)
    elseif machine then
        redis.call('HINCRBY', key, slot .. 'machine|answered', -1)
    end
    redis.call('EXPIRE', key, kept_s)
end

local function charge_ledger(attempt_id, owner, i)
    if ARGV[i + 10] ~= '1' then
        return
    end
    local outcome = redis.call('HGET', KEYS[15], attempt_id)
    local machine = outcome and cmsgpack.unpack(outcome)['outcome'] == 'machine'
    local abandoned, hung_up = ARGV[i + 11] == '1', ARGV[i + 12] == '1'
    charge(KEYS[17 + tonumber(ARGV[i + 13])], '', ARGV[3], owner, abandoned, hung_up, machine)
    charge(KEYS[17 + tonumber(ARGV[i + 14])], ARGV[i + 15] .. '|', ARGV[4], owner, abandoned, hung_up, machine)
end

local answers = {}
for i = 5, #ARGV, 16 do
    local attempt_id, lead_id = ARGV[i], ARGV[i + 1]
    local open = redis.call('HGET', KEYS[1], attempt_id)
    if open then
        local owner = cmsgpack.unpack(open)['owner'] -- who dialled is charged, whoever settles
        redis.call('HDEL', KEYS[1], attempt_id)
        redis.call('HDEL', KEYS[2], lead_id)
        redis.call('ZREM', KEYS[6], lead_id)
        redis.call('HDEL', KEYS[7], lead_id)
        redis.call('HSET', KEYS[3], attempt_id, ARGV[i + 6])
        redis.call('HSET', KEYS[5], lead_id, ARGV[i + 5])
        local story = redis.call('HGET', KEYS[4], lead_id) or ''
        if #story + #ARGV[i + 7] <= longest then
            redis.call('HSET', KEYS[4], lead_id, story .. ARGV[i + 7])
        end
        next_step(lead_id, ARGV[i + 2], ARGV[i + 3], ARGV[i + 4])
        charge_ledger(attempt_id, owner, i)
        redis.call('HINCRBY', KEYS[12], 'disposition:' .. ARGV[i + 9], 1)
        redis.call('HSET', KEYS[13], attempt_id, ARGV[i + 8])
    end
    answers[#answers + 1] = open and 1 or 0
end
return answers
