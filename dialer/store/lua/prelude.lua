-- Stands before every script: the keys by the names that base/keys.py explains, and what several scripts do.

local HIGHEST_PRIORITY, DEFAULT_PRIORITY = 9, 5

-- The keys by name, and those behind them. Each is declared as 'name kind'; where one is of another kind the script ends
-- here, before anything was written, and the error names the key.
local function keys_of(declared, kind_of_more)
    local named, more = {}, {}
    for i, key in ipairs(KEYS) do
        local name, kind = string.match(declared[i] or '', '^(%S+) (%S+)$')
        kind = kind or kind_of_more
        local there = kind and redis.call('TYPE', key).ok
        if kind and there ~= 'none' and there ~= kind then
            error({err = 'DAMAGED ' .. key .. ' ' .. there})
        end
        if name then
            named[name] = key
        else
            more[#more + 1] = key
        end
    end
    return named, more
end

-- A kept record; nil where there is none or it cannot be read.
local function record_of(raw)
    local whole, body = pcall(cmsgpack.unpack, raw or '')
    return whole and type(body) == 'table' and body or nil
end

-- Whether a value is in a packed list; "" is an empty one.
local function is_one_of(value, packed)
    for _, one in ipairs(packed ~= '' and cmsgpack.unpack(packed) or {}) do
        if one == value then
            return true
        end
    end
    return false
end

-- Add to a counter; what is no number begins anew.
local function count(key, field, by)
    if type(redis.pcall('HINCRBY', key, field, by)) == 'table' then
        redis.call('HSET', key, field, by)
    end
end

-- The place of a lead among the due: by priority, the highest first, then by the time it became due; those `behind`
-- come after all others of their priority.
local BEHIND = 5e12

local function due_score(priority, at, behind)
    priority = tonumber(priority or DEFAULT_PRIORITY)
    if not (priority and priority >= 0 and priority <= HIGHEST_PRIORITY) then
        priority = DEFAULT_PRIORITY
    end
    return string.format('%.0f', (HIGHEST_PRIORITY - priority) * 1e13 + (behind and BEHIND or 0) + math.floor(at * 1000))
end

local function make_due(keys, lead_id, at, behind)
    redis.call('ZADD', keys.due, due_score(redis.call('HGET', keys.priority, lead_id), at, behind), lead_id)
end

-- A lead that waits until `at` and yields stands in `early` besides: together with that time, so that one which was
-- given another time since is not taken for it.
local function early_member(at, lead_id)
    return string.format('%.17g', at) .. '|' .. lead_id
end

-- Due where its time has come, else waiting.
local function make_due_at(keys, lead_id, at, now)
    if at <= now then
        make_due(keys, lead_id, at)
    else
        redis.call('ZADD', keys.waiting, string.format('%.17g', at), lead_id)
    end
end

-- A page of a sorted set, of ranks ARGV[1] to ARGV[2] (at most 1,000 apart): for each member its score, and its fields
-- in some hashes ('' for none).
local function page_of(sorted, hashes)
    local answer, members = {}, {}
    local found = redis.call('ZRANGE', sorted, ARGV[1], ARGV[2], 'WITHSCORES')
    for i = 1, #found, 2 do
        members[#members + 1] = found[i]
    end
    if #members == 0 then
        return answer
    end
    local columns = {}
    for column, hash in ipairs(hashes) do
        columns[column] = redis.call('HMGET', hash, unpack(members))
    end
    for i = 1, #members do
        answer[#answer + 1] = found[2 * i]
        for _, column in ipairs(columns) do
            answer[#answer + 1] = column[i] or ''
        end
    end
    return answer
end

-- The like for many leads, with one command for all of them: `ids` and when each is due.
local function make_all_due_at(keys, ids, times, now)
    local due, waiting = {}, {}
    local priorities = redis.call('HMGET', keys.priority, unpack(ids))
    for i, lead_id in ipairs(ids) do
        local into = times[i] <= now and due or waiting
        into[#into + 1] = times[i] <= now and due_score(priorities[i], times[i]) or string.format('%.17g', times[i])
        into[#into + 1] = lead_id
    end
    if #due > 0 then
        redis.call('ZADD', keys.due, unpack(due))
    end
    if #waiting > 0 then
        redis.call('ZADD', keys.waiting, unpack(waiting))
    end
end

-- Set fields of a hash: a list of names and values in turn, which may be empty.
local function set_all(key, cells)
    if #cells > 0 then
        redis.call('HSET', key, unpack(cells))
    end
end

-- Write a line into each of many leads' stories; into those that are as long as they may be, none.
local function tell_stories(keys, ids, line, most_bytes)
    if #ids == 0 or line == '' then
        return
    end
    local cells = {}
    for i, story in ipairs(redis.call('HMGET', keys.story, unpack(ids))) do
        story = story or ''
        if #story + #line <= most_bytes then
            cells[#cells + 1] = ids[i]
            cells[#cells + 1] = story .. line
        end
    end
    set_all(keys.story, cells)
end

-- Write a line into a lead's story, if it is not as long as it may be.
local function tell_story(keys, lead_id, line, most_bytes)
    local story = redis.call('HGET', keys.story, lead_id) or ''
    if #story + #line <= most_bytes then
        redis.call('HSET', keys.story, lead_id, story .. line)
    end
end

-- A callback that was promised is kept, or will not be.
local function forget_promise(keys, lead_id)
    redis.call('ZREM', keys.callbacks, lead_id)
    redis.call('HDEL', keys.callback_agent, lead_id)
end

-- The rule that a kept reason names, if a rule put the lead off, and its number in the index of those (leads/stale.py).
local function rule_of(why)
    return string.match(why or '', '^%["refused","([%w_]+)"')
end

local function rule_number(rule)
    return tonumber(string.sub(redis.sha1hex(rule), 1, 8), 16)
end
