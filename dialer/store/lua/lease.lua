-- Lease due leads to one owner. Before that, leads whose time has come and leads whose lease has ended join the due.
-- A lead with an open attempt stays where it is, however old its lease: only a settlement frees it. All keys carry
-- the campaign's tag.
--
-- KEYS
--   1 due       sorted set   lead_id by priority (9 first) and the time it became due
--   2 waiting   sorted set   lead_id by the time it becomes due
--   3 leased    sorted set   lead_id by the end of its lease
--   4 lessee    hash         lead_id -> owner
--   5 lead      hash         lead_id -> stored lead (msgpack)
--   6 progress  hash         lead_id -> number_index and tries (msgpack)
--   7 priority  hash         lead_id -> priority, where it is not 5
--   8 open      hash         lead_id -> attempt_id
-- ARGV
--   1 owner, 2 how many, 3 now, 4 end of the lease, 5 most leads that join the due at once
-- RETURNS
--   {due, waiting, lead_id, stored lead, progress or "", priority or "", lead_id, ...}

local owner, count, now, ends, most = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5]

local function join_due(lead_id, since)
    local priority = tonumber(redis.call('HGET', KEYS[7], lead_id) or 5)
    local score = string.format('%.0f', (9 - priority) * 1e13 + math.floor(since * 1000))
    redis.call('ZADD', KEYS[1], score, lead_id)
end

local ended = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now, 'LIMIT', 0, most)
for _, lead_id in ipairs(ended) do
    if redis.call('HEXISTS', KEYS[8], lead_id) == 1 then
        redis.call('ZADD', KEYS[3], ends, lead_id) -- looked at again when this time has passed
    else
        redis.call('ZREM', KEYS[3], lead_id)
        redis.call('HDEL', KEYS[4], lead_id)
        join_due(lead_id, tonumber(now))
    end
end

local ripe = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'WITHSCORES', 'LIMIT', 0, most)
for i = 1, #ripe, 2 do
    redis.call('ZREM', KEYS[2], ripe[i])
    join_due(ripe[i], tonumber(ripe[i + 1]))
end

local answer, ids = {0, 0}, {}
if count > 0 then
    local taken = redis.call('ZPOPMIN', KEYS[1], count)
    for i = 1, #taken, 2 do
        ids[#ids + 1] = taken[i]
    end
end
if #ids > 0 then
    local leads = redis.call('HMGET', KEYS[5], unpack(ids))
    local progress = redis.call('HMGET', KEYS[6], unpack(ids))
    local priority = redis.call('HMGET', KEYS[7], unpack(ids))
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
        end
    end
    if #ending > 0 then
        redis.call('ZADD', KEYS[3], unpack(ending))
        redis.call('HSET', KEYS[4], unpack(holding))
    end
end
answer[1] = redis.call('ZCARD', KEYS[1]) + redis.call('ZCOUNT', KEYS[2], '-inf', now)
answer[2] = redis.call('ZCOUNT', KEYS[2], '(' .. now, '+inf')
return answer
