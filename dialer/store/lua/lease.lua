-- Lease due leads to one owner. Before that, leads whose time has come and leads whose lease has ended join the due.
-- A lead with an open attempt stays where it is, however old its lease: only a settlement frees it. Where nothing is due,
-- leads that yield are leased before the time that they wait for.
--
-- ARGV
--   1 owner, 2 how many, 3 now, 4 end of the lease, 5 most leads that join the due at once
-- RETURNS
--   {due, waiting, lead_id, stored lead, progress or "", priority or "", time of a promised callback or "", agent who is
--   to have it or "", lead_id, ...}

local keys = keys_of({
    'due zset', 'waiting zset', 'leased zset', 'lessee hash', 'lead hash', 'progress hash', 'priority hash', 'open hash',
    'early zset', 'callbacks zset', 'callback_agent hash',
})
local owner, how_many, now, ends, most = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5]

local ended = redis.call('ZRANGEBYSCORE', keys.leased, '-inf', now, 'LIMIT', 0, most)
for _, lead_id in ipairs(ended) do
    if redis.call('HEXISTS', keys.open, lead_id) == 1 then
        redis.call('ZADD', keys.leased, ends, lead_id) -- looked at again when this time has passed
    else
        redis.call('ZREM', keys.leased, lead_id)
        redis.call('HDEL', keys.lessee, lead_id)
        make_due(keys, lead_id, tonumber(now))
    end
end

local ripe = redis.call('ZRANGEBYSCORE', keys.waiting, '-inf', now, 'WITHSCORES', 'LIMIT', 0, most)
for i = 1, #ripe, 2 do
    redis.call('ZREM', keys.waiting, ripe[i])
    local at = tonumber(ripe[i + 1])
    make_due(keys, ripe[i], at, redis.call('ZREM', keys.early, early_member(at, ripe[i])) == 1)
end

-- Leads that would rather wait, where nothing else is due. One that waits for another time by now, or no more, is
-- forgotten here.
local function take_early(ids)
    local offered = redis.call('ZRANGEBYSCORE', keys.early, '-inf', now, 'LIMIT', 0, how_many)
    for _, member in ipairs(offered) do
        local at, lead_id = string.match(member, '^([^|]*)|(.*)$')
        local waits_for = lead_id and redis.call('ZSCORE', keys.waiting, lead_id)
        redis.call('ZREM', keys.early, member)
        if waits_for and tonumber(waits_for) == tonumber(at) then
            redis.call('ZREM', keys.waiting, lead_id)
            ids[#ids + 1] = lead_id
        end
    end
end

local answer, ids = {0, 0}, {}
if how_many > 0 then
    local taken = redis.call('ZPOPMIN', keys.due, how_many)
    for i = 1, #taken, 2 do
        ids[#ids + 1] = taken[i]
    end
    if #ids == 0 then
        take_early(ids)
    end
end
if #ids > 0 then
    local leads = redis.call('HMGET', keys.lead, unpack(ids))
    local progress = redis.call('HMGET', keys.progress, unpack(ids))
    local priority = redis.call('HMGET', keys.priority, unpack(ids))
    local promised, agents = {}, {}
    if redis.call('EXISTS', keys.callbacks) == 1 then
        promised = redis.call('ZMSCORE', keys.callbacks, unpack(ids))
        agents = redis.call('HMGET', keys.callback_agent, unpack(ids))
    end
    local ending, holding = {}, {}
    for i, lead_id in ipairs(ids) do
        if leads[i] then -- one that was purged meanwhile is just gone
            ending[#ending + 1] = ends
            ending[#ending + 1] = lead_id
            holding[#holding + 1] = lead_id
            holding[#holding + 1] = owner
            answer[#answer + 1] = lead_id
            answer[#answer + 1] = leads[i]
            answer[#answer + 1] = progress[i] or ''
            answer[#answer + 1] = priority[i] or ''
            answer[#answer + 1] = promised[i] or ''
            answer[#answer + 1] = agents[i] or ''
        end
    end
    if #ending > 0 then
        redis.call('ZADD', keys.leased, unpack(ending))
        redis.call('HSET', keys.lessee, unpack(holding))
    end
end
answer[1] = redis.call('ZCARD', keys.due) + redis.call('ZCOUNT', keys.waiting, '-inf', now)
answer[2] = redis.call('ZCOUNT', keys.waiting, '(' .. now, '+inf')
return answer
