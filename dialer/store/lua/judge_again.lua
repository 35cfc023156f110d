-- Leads that a rule has put off are due again: the rule has changed. Some at a time, until none is left.
--
-- ARGV
--   1 now, 2 the rule, 3 most leads
-- RETURNS
--   {leads that are due again, leads that were looked at}

local keys = keys_of({'put_off zset', 'waiting zset', 'due zset', 'why hash', 'priority hash'})
local now, rule = tonumber(ARGV[1]), ARGV[2]
local number, due = rule_number(rule), 0
local ids = redis.call('ZRANGEBYSCORE', keys.put_off, number, number, 'LIMIT', 0, ARGV[3])
for _, lead_id in ipairs(ids) do
    -- What happened to a lead since then left it in the index.
    local waits = redis.call('ZSCORE', keys.waiting, lead_id)
    if waits and rule_of(redis.call('HGET', keys.why, lead_id)) == rule then
        redis.call('ZREM', keys.waiting, lead_id)
        make_due(keys, lead_id, math.min(now, tonumber(waits)))
        due = due + 1
    end
end
if #ids > 0 then
    redis.call('ZREM', keys.put_off, unpack(ids))
end
return {due, #ids}
