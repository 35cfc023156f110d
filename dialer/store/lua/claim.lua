-- Claim, prolong or give up one agent.
--
-- KEYS
--   1 claim   string with an end of life   the owner that the agent belongs to
-- ARGV
--   1 "claim", "renew" or "release", 2 owner, 3 milliseconds
-- RETURNS
--   1 the agent is (release: was) the owner's, 0 it is not

local holder = redis.call('GET', KEYS[1])
if holder == ARGV[2] or (ARGV[1] == 'claim' and not holder) then
    if ARGV[1] == 'release' then
        redis.call('DEL', KEYS[1])
    else
        redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
    end
    return 1
end
return 0
