-- Create or change a campaign.
--
-- ARGV
--   1 "create", "settings" or "state", 2 the settings or the state, 3 who, 4 now
-- RETURNS
--   1 done, 0 it exists already (create) or does not exist (the others)

local keys = keys_of({'campaign hash'})
local exists = redis.call('EXISTS', keys.campaign) == 1
if (ARGV[1] == 'create') == exists then
    return 0
end
if ARGV[1] == 'create' then
    redis.call('HSET', keys.campaign, 'settings', ARGV[2], 'state', 'stopped', 'created_at', ARGV[4])
else
    redis.call('HSET', keys.campaign, ARGV[1], ARGV[2])
end
redis.call('HSET', keys.campaign, 'changed_by', ARGV[3], 'changed_at', ARGV[4])
return 1
