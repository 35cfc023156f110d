-- Claim, prolong or give up one agent.
--
-- ARGV
--   1 "claim", "renew" or "release", 2 owner, 3 milliseconds
-- RETURNS
--   1 the agent is (release: was) the owner's, 0 it is not

local keys = keys_of({'claim string'})
local holder = redis.call('GET', keys.claim)
if holder == ARGV[2] or (ARGV[1] == 'claim' and not holder) then
    if ARGV[1] == 'release' then
        redis.call('DEL', keys.claim)
    else
        redis.call('SET', keys.claim, ARGV[2], 'PX', ARGV[3])
    end
    return 1
end
return 0
