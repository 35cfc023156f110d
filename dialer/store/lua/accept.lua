-- Take entries of a campaign's stream in: each becomes a lead that is due or waits, or is rejected; then all are
-- acknowledged and deleted. An entry that was handled before (another consumer was faster, or this one crashed and
-- came back) changes nothing.
--
-- ARGV
--   1 consumer group, 2 now, 3 most entries that `rejected` keeps (about), 4 longest copy of a rejected entry, bytes,
--   5 most lists of a campaign, 6 (msgpack) campaign; told: of which entries the CRM is told, "none", "rejected" or
--   "all"; refs: what their senders call them, by stream id
--   then for each entry: stream id, lead_id, reasons (JSON list; "" for a good lead), its list,
--   stored lead, due at, priority, how many numbers, and for each number its digits and the name of its field
-- RETURNS
--   for each entry: 1 accepted, 2 rejected for the reasons given, 0 handled before; a JSON list of reasons where only
--   the campaign's leads say that it is to be rejected

local keys = keys_of({
    'leads stream', 'rejected stream', 'lead hash', 'numbers hash', 'due zset', 'waiting zset', 'priority hash',
    'counts hash', 'lists hash', 'unannounced hash',
})
local group, now, keep, longest, most_lists = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local crm = cmsgpack.unpack(ARGV[6])
local answers, handled = {}, {}

-- What the CRM is to be told is kept in the same step; whoever announces it forgets it.
local function keep_event(kind, id, lead_id, reasons)
    if crm.told == 'all' or crm.told == kind then
        local event_id = crm.campaign .. '/' .. id
        local fields = {entry = id, ref = crm.refs[id] or '', lead_id = lead_id, reasons = reasons}
        local event = {kind = kind, id = event_id, campaign = crm.campaign, at = now, fields = fields}
        redis.call('HSET', keys.unannounced, event_id, cmsgpack.pack(event))
    end
end

-- Why no lead of this list is taken in; nil: it may be.
local function list_fault(list)
    if redis.call('HEXISTS', keys.lists, 'taken_back_at:' .. list) == 1 then
        return 'list: it was taken back; what comes now needs a list of another name'
    end
    -- A list has three fields at most.
    if redis.call('HLEN', keys.lists) >= 3 * most_lists and redis.call('HEXISTS', keys.lists, 'accepted:' .. list) == 0 then
        return 'list: the campaign has too many lists already'
    end
end

local function reject(id, lead_id, list, reasons)
    local entry = redis.call('XRANGE', keys.leads, id, id)
    local copy = {'entry', id, 'lead_id', lead_id, 'list', list, 'at', ARGV[2], 'reasons', reasons}
    if entry[1] then
        local fields = entry[1][2]
        for i = 1, math.min(#fields, 16), 2 do
            local name = fields[i]
            if name ~= 'lead' and name ~= 'json' then
                name = 'other:' .. string.sub(name, 1, 100)
            end
            copy[#copy + 1] = name
            copy[#copy + 1] = string.sub(fields[i + 1], 1, longest)
        end
    end
    keep_event('rejected', id, lead_id, cjson.decode(reasons))
    redis.call('XADD', keys.rejected, 'MAXLEN', '~', keep, '*', unpack(copy))
    count(keys.counts, 'rejected', 1)
    if redis.call('HLEN', keys.lists) < 3 * most_lists or redis.call('HEXISTS', keys.lists, 'rejected:' .. list) == 1 then
        count(keys.lists, 'rejected:' .. list, 1)
    end
end

local at = 7
while at <= #ARGV do
    local id, lead_id, reasons, list, stored = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
    local due_at, priority, how_many = tonumber(ARGV[at + 5]), tonumber(ARGV[at + 6]), tonumber(ARGV[at + 7])
    local first = at + 8
    at = first + 2 * how_many
    local answer = 0
    if #redis.call('XPENDING', keys.leads, group, id, id, 1) > 0 then
        local known = redis.call('HGET', keys.lead, lead_id)
        if reasons ~= '' then
            reject(id, lead_id, list, reasons)
            answer = 2
        elseif not known or (record_of(known) or {})['sid'] ~= id then
            local faults = {list_fault(list)}
            if known then
                faults[#faults + 1] = 'lead_id: a lead of this id is in the campaign already'
            end
            for i = first, at - 2, 2 do
                local other = redis.call('HGET', keys.numbers, ARGV[i])
                if other then
                    faults[#faults + 1] = ARGV[i + 1] .. ': is in the campaign already, in lead ' .. other
                end
            end
            if #faults > 0 then
                answer = cjson.encode(faults)
                reject(id, lead_id, list, answer)
            else
                redis.call('HSET', keys.lead, lead_id, stored)
                for i = first, at - 2, 2 do
                    redis.call('HSET', keys.numbers, ARGV[i], lead_id)
                end
                if priority ~= DEFAULT_PRIORITY then
                    redis.call('HSET', keys.priority, lead_id, priority)
                end
                make_due_at(keys, lead_id, due_at, now)
                count(keys.counts, 'accepted', 1)
                count(keys.lists, 'accepted:' .. list, 1)
                keep_event('accepted', id, lead_id, nil)
                answer = 1
            end
        end
        handled[#handled + 1] = id
    end
    answers[#answers + 1] = answer
end

-- Last, so that a script that fails half-way (out of memory) leaves its entries to be handled again.
for i = 1, #handled do
    redis.call('XACK', keys.leads, group, handled[i])
    redis.call('XDEL', keys.leads, handled[i])
end
return answers
