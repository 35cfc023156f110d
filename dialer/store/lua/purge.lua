-- Delete leads that were closed long ago, with everything that is known of them here. The contact history of their
-- numbers is not here and stays. All keys carry the campaign's tag.
--
-- KEYS
--   1 closed    sorted set   lead_id by the time it was closed
--   2 lead      hash         lead_id -> stored lead (msgpack)
--   3 numbers   hash         digits -> lead_id
--   4 progress  hash         lead_id -> number_index and tries (msgpack)
--   5 priority  hash         lead_id -> priority, where it is not 5
--   6 why       hash         lead_id -> why it was last postponed or closed
--   7 story     hash         lead_id -> ended attempts, one msgpack map after the other
--   8 ended     hash         attempt_id -> {lead_id, number_index, day, live, abandoned} (msgpack)
--   9 outcomes  hash         attempt_id -> outcome (msgpack)
--   10 counts   hash         counters
-- ARGV
--   1 closed before, 2 how many at most
-- RETURNS
--   how many leads were deleted

local old = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. ARGV[1], 'LIMIT', 0, ARGV[2])
for _, lead_id in ipairs(old) do
    local stored = redis.call('HGET', KEYS[2], lead_id)
    if stored then
        for _, number in ipairs(cmsgpack.unpack(stored)['n']) do
            redis.call('HDEL', KEYS[3], string.sub(number, 2))
        end
    end
    local story = redis.call('HGET', KEYS[7], lead_id)
    if story then
        for _, attempt in ipairs({cmsgpack.unpack(story)}) do
            redis.call('HDEL', KEYS[8], attempt['attempt'])
            redis.call('HDEL', KEYS[9], attempt['attempt'])
        end
    end
    redis.call('ZREM', KEYS[1], lead_id)
    for _, key in ipairs({2, 4, 5, 6, 7}) do
        redis.call('HDEL', KEYS[key], lead_id)
    end
end
if #old > 0 then
    redis.call('HINCRBY', KEYS[10], 'purged', #old)
end
return #old
