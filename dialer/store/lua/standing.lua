-- Where a campaign's leads are, all at one instant. The cost does not grow with the campaign, only with the calls that
-- are open where a lease has ended.
--
-- ARGV
--   1 now
-- RETURNS
--   {queued, due, waiting, leased, in an attempt, closed, next due at or "", first lease ends at or "", leads that are
--   there, promised callbacks whose time has passed while nobody is calling, name of a counter, counter, ...}

local keys = keys_of({
    'leads stream', 'due zset', 'waiting zset', 'leased zset', 'open hash', 'closed zset', 'lead hash', 'counts hash',
    'callbacks zset',
})
local now = ARGV[1]
local later = '(' .. now
local open, lapsed = redis.call('HLEN', keys.open), redis.call('ZCOUNT', keys.leased, '-inf', now)
local lapsed_open, held_open = 0, 0
local overdue = redis.call('ZCOUNT', keys.callbacks, '-inf', now)
if open > 0 then
    for _, lead_id in ipairs(redis.call('HKEYS', keys.open)) do
        local ends = redis.call('ZSCORE', keys.leased, lead_id)
        if ends and tonumber(ends) <= tonumber(now) then
            lapsed_open = lapsed_open + 1
        elseif ends then
            held_open = held_open + 1
        end
        local promised = overdue > 0 and redis.call('ZSCORE', keys.callbacks, lead_id)
        if promised and tonumber(promised) <= tonumber(now) then
            overdue = overdue - 1
        end
    end
end
local leased = redis.call('ZCARD', keys.leased) - lapsed - held_open
local next_due = redis.call('ZRANGEBYSCORE', keys.waiting, later, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
local ends_at = ''
if leased > 0 then
    -- Leads in an attempt keep their leases: look for the first without one.
    local from, some = 0, nil
    repeat
        some = redis.call('ZRANGEBYSCORE', keys.leased, later, '+inf', 'WITHSCORES', 'LIMIT', from, 100)
        for i = 1, #some, 2 do
            if ends_at == '' and redis.call('HEXISTS', keys.open, some[i]) == 0 then
                ends_at = some[i + 1]
            end
        end
        from = from + 100
    until ends_at ~= '' or #some == 0
end
local answer = {
    redis.call('XLEN', keys.leads),
    redis.call('ZCARD', keys.due) + redis.call('ZCOUNT', keys.waiting, '-inf', now) + lapsed - lapsed_open,
    redis.call('ZCOUNT', keys.waiting, later, '+inf'),
    leased,
    open,
    redis.call('ZCARD', keys.closed),
    next_due[2] or '',
    ends_at,
    redis.call('HLEN', keys.lead),
    overdue,
}
for _, cell in ipairs(redis.call('HGETALL', keys.counts)) do
    answer[#answer + 1] = cell
end
return answer
