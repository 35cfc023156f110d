-- Delete a stopped campaign with all that it knows; its ledgers have an end of life of their own and stay.
--
-- ARGV
--   none
-- RETURNS
--   {1, leads that it had} deleted; {0, why not}: "absent", "state" it is not stopped, "attempts" calls are open or the
--   CRM has yet to be told of some

local keys = keys_of({
    'campaign hash', 'leads stream', 'rejected stream', 'lead hash', 'progress hash', 'story hash', 'priority hash',
    'numbers hash', 'due zset', 'waiting zset', 'early zset', 'leased zset', 'lessee hash', 'attempts hash', 'open hash',
    'ended hash', 'outcomes hash', 'wishes hash', 'closed zset', 'why hash', 'learnt hash', 'unannounced hash',
    'lists hash', 'imports hash', 'counts hash',
})
local state = redis.call('HGET', keys.campaign, 'state')
if not state then
    return {0, 'absent'}
elseif state ~= 'stopped' then
    return {0, 'state'}
elseif redis.call('HLEN', keys.open) + redis.call('HLEN', keys.attempts) + redis.call('HLEN', keys.unannounced) > 0 then
    return {0, 'attempts'}
end
local leads = redis.call('HLEN', keys.lead)
for _, key in pairs(keys) do
    redis.call('UNLINK', key)
end
return {1, leads}
