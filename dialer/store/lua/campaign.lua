-- Create or change a campaign.
--
-- KEYS
--   1 campaign   hash   settings (JSON), state, created_at, changed_at, changed_by
-- ARGV
--   1 "create", "settings" or "state", 2 the settings or the state, 3 who, 4 now
-- RETURNS
--   1 done, 0 it exists already (create) or does not exist (the others)

local exists = redis.call('EXISTS', KEYS[1]) == 1
if (ARGV[1] == 'create') == exists then
    return 0
end
if ARGV[1] == 'create' then
    redis.call('HSET', KEYS[1], 'settings', ARGV[2], 'state', 'stopped', 'created_at', ARGV[4])
else
    redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
end
redis.call('HSET', KEYS[1], 'changed_by', ARGV[3], 'changed_at', ARGV[4])
return 1
