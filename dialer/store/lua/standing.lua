-- Where a campaign's leads are, all at one instant. The cost does not grow with the campaign, only with the calls that
-- are open where a lease has ended. All keys carry the campaign's tag.
--
-- KEYS
--   1 leads     stream       leads as they came
--   2 due       sorted set   lead_id by priority and the time it became due
--   3 waiting   sorted set   lead_id by the time it becomes due
--   4 leased    sorted set   lead_id by the end of its lease
--   5 open      hash         lead_id -> attempt_id
--   6 closed    sorted set   lead_id by the time it was closed
--   7 lead      hash         lead_id -> stored lead (msgpack)
--   8 counts    hash         counters
-- ARGV
--   1 now
-- RETURNS
--   {queued, due, waiting, leased, in an attempt, closed, next due at or "", first lease ends at or "", leads that are
--   there, name of a counter, counter, ...}

local now = ARGV[1]
local later = '(' .. now
local open, lapsed = redis.call('HLEN', KEYS[5]), redis.call('ZCOUNT', KEYS[4], '-inf', now)
local lapsed_open, held_open = 0, 0
if open > 0 then
    for _, lead_id in ipairs(redis.call('HKEYS', KEYS[5])) do
        local ends = redis.call('ZSCORE', KEYS[4], lead_id)
        if ends and tonumber(ends) <= tonumber(now) then
            lapsed_open = lapsed_open + 1
        elseif ends then
            held_open = held_open + 1
        end
    end
end
local leased = redis.call('ZCARD', KEYS[4]) - lapsed - held_open
local next_due = redis.call('ZRANGEBYSCORE', KEYS[3], later, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
local ends_at = ''
if leased > 0 then
    -- Leads in an attempt keep their leases: look for the first without one.
    local from, some = 0, nil
    repeat
        some = redis.call('ZRANGEBYSCORE', KEYS[4], later, '+inf', 'WITHSCORES', 'LIMIT', from, 100)
        for i = 1, #some, 2 do
            if ends_at == '' and redis.call('HEXISTS', KEYS[5], some[i]) == 0 then
                ends_at = some[i + 1]
            end
        end
        from = from + 100
    until ends_at ~= '' or #some == 0
end
local answer = {
    redis.call('XLEN', KEYS[1]),
    redis.call('ZCARD', KEYS[2]) + redis.call('ZCOUNT', KEYS[3], '-inf', now) + lapsed - lapsed_open,
    redis.call('ZCOUNT', KEYS[3], later, '+inf'),
    leased,
    open,
    redis.call('ZCARD', KEYS[6]),
    next_due[2] or '',
    ends_at,
    redis.call('HLEN', KEYS[7]),
}
for _, cell in ipairs(redis.call('HGETALL', KEYS[8])) do
    answer[#answer + 1] = cell
end
return answer
