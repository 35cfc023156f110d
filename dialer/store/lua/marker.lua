-- The marker by which a server is noticed that has forgotten something: one that lost its last second, was emptied, came
-- back from a backup or is another one. Each host comes with what it remembers on its own disk.
--
-- In it: identity, of the data; generation, raised whenever somebody notices; server, the run of the server that was
-- told again for that generation; and of each host tick:HOST, which only rises, seen:HOST, when it ticked last, and
-- owes:HOST, while it has not told again what it did; missed:HOST, where nobody waited for that; waits:HOST, why it
-- waits for a person; accepted:HOST, what that person accepted.
--
-- ARGV
--   1 host, 2 what: "tick"; "told" after everything was told again; "adopt" after that as well, where a person accepted
--   it, 3 an identity to begin with, 4 for how many seconds a host that is not heard counts as alive, then what the host
--   remembers: 5 identity ("": nothing), 6 generation, 7 server, 8 tick; 9 what the person has to have accepted;
--   10 the run of the server as it is
-- RETURNS
--   {verdict, generation, server, tick, identity, name of a field, value, ...}: of the host; what stands in the marker
--   of others and of accepting. The verdict is "whole" (the tick is confirmed), "forgot", "emptied" or "replaced"

local keys = keys_of({'marker hash'})
local host, what = ARGV[1], ARGV[2]
local mine = {identity = ARGV[5], generation = tonumber(ARGV[6]), server = ARGV[7], tick = tonumber(ARGV[8])}
local server = ARGV[10]
local now = tonumber(redis.call('TIME')[1])

local there = {}
local flat = redis.call('HGETALL', keys.marker)
for i = 1, #flat, 2 do
    there[flat[i]] = flat[i + 1]
end

local function write(field, value)
    redis.call('HSET', keys.marker, field, value)
    there[field] = tostring(value)
end

local function drop(field)
    redis.call('HDEL', keys.marker, field)
    there[field] = nil
end

local function of_hosts(kind)
    local found = {}
    for field in pairs(there) do
        local name = string.match(field, '^' .. kind .. ':(.*)$')
        if name then
            found[#found + 1] = name
        end
    end
    table.sort(found)
    return found
end

-- Something was forgotten, and nobody has noticed yet: every host that lived has to tell again what it did.
local function raise()
    local newest = 0
    for _, name in ipairs(of_hosts('seen')) do
        newest = math.max(newest, tonumber(there['seen:' .. name]) or 0)
    end
    write('generation', (tonumber(there.generation) or 0) + 1)
    write('server', server)
    for _, name in ipairs(of_hosts('seen')) do
        if (tonumber(there['seen:' .. name]) or 0) >= newest - tonumber(ARGV[4]) then
            write('owes:' .. name, there.generation)
        end
    end
end

local function confirm(tick)
    write('tick:' .. host, string.format('%.0f', tick))
    write('seen:' .. host, now)
    for _, kind in ipairs({'owes:', 'missed:', 'waits:', 'accepted:'}) do
        drop(kind .. host)
    end
    return 'whole'
end

local function judged()
    local nothing = mine.identity == ''
    if what == 'adopt' and there['accepted:' .. host] ~= ARGV[9] then -- it was emptied or replaced once more
        return there.identity and 'replaced' or 'emptied'
    end
    if not there.identity then
        if not nothing or (#of_hosts('waits') > 0 and not there['accepted:' .. host]) then
            return 'emptied'
        end
        write('identity', ARGV[3])
        write('generation', 0)
    elseif not nothing and there.identity ~= mine.identity then
        return 'replaced'
    end
    if there.server ~= server then
        raise()
    end
    local tick = tonumber(there['tick:' .. host])
    if nothing then
        return confirm((tick or 0) + 1)
    end
    local same = tonumber(there.generation) == mine.generation
    if what == 'told' then
        return same and mine.server == server and confirm(mine.tick + 1) or 'forgot'
    end
    if same and (not tick or tick < mine.tick) then
        raise()
        return 'forgot'
    end
    return same and confirm(mine.tick + 1) or 'forgot'
end

local answer = {judged()}
for _, field in ipairs({'generation', 'server', 'tick:' .. host, 'identity'}) do
    answer[#answer + 1] = there[field] or ''
end
for _, kind in ipairs({'owes', 'missed', 'waits', 'accepted'}) do
    for _, name in ipairs(of_hosts(kind)) do
        answer[#answer + 1] = kind .. ':' .. name
        answer[#answer + 1] = there[kind .. ':' .. name]
    end
end
return answer
