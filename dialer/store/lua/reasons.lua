-- One page of the leads that wait or are closed, each with its time and why.
--
-- KEYS
--   1 waiting or closed, 2 why
-- ARGV
--   1 first rank, 2 last rank
-- RETURNS
--   for each lead two: time, why or ""

local keys = keys_of({'place zset', 'why hash'})
return page_of(keys.place, {keys.why})
