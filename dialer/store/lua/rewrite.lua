-- Put other data in the place of a lead's, if it is still as it was read.
--
-- ARGV
--   1 (msgpack) now; lead (its id); read, stored: as it was read, as it is to be; taken, freed: lists of digits that it
--     has from now on, and has not any more; due_at, priority ("": as it is); hand_back_s as of change.lua
-- RETURNS
--   1 done; 2 done, and a daemon had it on lease; 3 it is in an attempt, and done except for what needs its end;
--   0 it is not there, -1 it has changed since it was read, -2 it is closed, -3 it is in an attempt, which keeps its
--   numbers; or the digits that another lead has

local keys = keys_of({
    'lead hash', 'numbers hash', 'progress hash', 'open hash', 'lessee hash', 'leased zset', 'due zset', 'waiting zset',
    'closed zset', 'why hash', 'priority hash', 'wishes hash',
})
local given = cmsgpack.unpack(ARGV[1])
local lead_id = given.lead
local stored = redis.call('HGET', keys.lead, lead_id)
if not stored then
    return 0
elseif stored ~= given.read then
    return -1
elseif redis.call('ZSCORE', keys.closed, lead_id) then
    return -2
end
local open = redis.call('HEXISTS', keys.open, lead_id) == 1
if #given.taken + #given.freed > 0 then
    if open then
        return -3
    end
    for _, digits in ipairs(given.taken) do
        if (redis.call('HGET', keys.numbers, digits) or lead_id) ~= lead_id then
            return digits
        end
    end
    for _, digits in ipairs(given.freed) do
        redis.call('HDEL', keys.numbers, digits)
    end
    for _, digits in ipairs(given.taken) do
        redis.call('HSET', keys.numbers, digits, lead_id)
    end
    local progress = record_of(redis.call('HGET', keys.progress, lead_id))
    if progress and type(progress[2]) == 'table' and next(progress[2]) then
        -- from its first number on again; what was tried stays counted
        redis.call('HSET', keys.progress, lead_id, cmsgpack.pack({0, progress[2], progress[3]}))
    else
        redis.call('HDEL', keys.progress, lead_id)
    end
end
redis.call('HSET', keys.lead, lead_id, given.stored)
if given.priority ~= '' then
    redis.call('HSET', keys.priority, lead_id, given.priority)
end
if open then
    if given.due_at ~= '' then
        local why = redis.call('HGET', keys.why, lead_id) or ''
        local wish = {what = 'due', a = given.due_at, why = why, priority = given.priority, firm = true}
        redis.call('HSET', keys.wishes, lead_id, cjson.encode(wish))
    end
    return 3
end
local leased = redis.call('ZREM', keys.leased, lead_id) == 1
redis.call('HDEL', keys.lessee, lead_id)
local waits_until = redis.call('ZSCORE', keys.waiting, lead_id)
local due_score_now = redis.call('ZSCORE', keys.due, lead_id)
redis.call('ZREM', keys.due, lead_id)
redis.call('ZREM', keys.waiting, lead_id)
local at = given.due_at ~= '' and given.due_at or tonumber(waits_until)
    or (due_score_now and tonumber(due_score_now) % 1e13 / 1000) or given.now
make_due_at(keys, lead_id, leased and math.max(at, given.now + given.hand_back_s) or at, given.now)
return leased and 2 or 1
