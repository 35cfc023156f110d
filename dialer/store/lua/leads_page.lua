-- One page of the leads of one place, as they are kept.
--
-- KEYS
--   1 due, waiting or leased, 2 lead, 3 progress, 4 why
-- ARGV
--   1 first rank, 2 last rank
-- RETURNS
--   for each lead four: score, stored lead ("": it is gone), progress or "", why or ""

local keys = keys_of({'place zset', 'lead hash', 'progress hash', 'why hash'})
return page_of(keys.place, {keys.lead, keys.progress, keys.why})
