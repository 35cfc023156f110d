-- Create or change a campaign.
--
-- ARGV
--   1 "create", "settings", "state" or "archived", 2 the settings, the state, or "1" and "" for archived; 3 who, 4 now
-- RETURNS
--   1 done, 0 it exists already (create) or does not exist (the others), 2 it is not stopped (archived), 3 it is archived
--   (state)

local keys = keys_of({'campaign hash'})
local exists = redis.call('EXISTS', keys.campaign) == 1
if (ARGV[1] == 'create') == exists then
    return 0
end
local archived = exists and redis.call('HEXISTS', keys.campaign, 'archived_at') == 1
if ARGV[1] == 'archived' and redis.call('HGET', keys.campaign, 'state') ~= 'stopped' then
    return 2
elseif ARGV[1] == 'state' and archived and ARGV[2] ~= 'stopped' then
    return 3
elseif ARGV[1] == 'archived' and ARGV[2] == '' then
    redis.call('HDEL', keys.campaign, 'archived_at')
elseif ARGV[1] == 'archived' then
    redis.call('HSET', keys.campaign, 'archived_at', ARGV[4])
elseif ARGV[1] == 'create' then
    redis.call('HSET', keys.campaign, 'settings', ARGV[2], 'state', 'stopped', 'created_at', ARGV[4])
else
    redis.call('HSET', keys.campaign, ARGV[1], ARGV[2])
end
redis.call('HSET', keys.campaign, 'changed_by', ARGV[3], 'changed_at', ARGV[4])
return 1
