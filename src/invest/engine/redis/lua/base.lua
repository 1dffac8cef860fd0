-- What all scripts share, after the key names and F, the record's field names. All of them are one library of functions, which the
-- server reads once: what stands at the top level of a file is done then, what the function of the file does, at each call. One call
-- is one transition: nothing can happen in between. Times are Redis' own, in ms. Keys are built from ids; each call declares what they
-- begin with, and the key names above have the deployment's prefix, which puts them all into one slot of a cluster.
local now, NOW
local FINAL = {succeeded = true, failed = true, cancelled = true}
local ENDED = {succeeded = DONE, failed = FAILED, cancelled = CANCELLED}
local WAITS = {queued = WAITING, retrying = RETRYING}
local EVENTS_CAP, PROGRESS_CAP = 500000, 20000
local DAY = 86400000
local FAILED_TTL, CANCELLED_TTL = 30 * DAY, 7 * DAY
local TOLD_MAX = 8192  -- bytes of a result that is published to those who wait, so that they need not ask for it
local HISTORY_MAX = 25  -- attempts kept in a record: the last ones
local BAND = 1e13  -- between two priorities in the score of a parked job
local BUCKET = 10000  -- ms: jobs whose records expire within them share a list
local SLICE = 200  -- units of work one script does of what is open-ended (about 10 us each); the rest goes to the to-do list
local wakes, forgotten, todo, budget
local holds  -- name -> whether jobs of it are held back

-- The beginning of every call.
local function begin()
  local clock = redis.call('TIME')
  now = clock[1] * 1000 + math.floor(clock[2] / 1000)
  NOW = string.format('%d', now)
  wakes, forgotten, todo, budget, holds = {}, {}, {}, SLICE, {}
end

local function level(priority)
  local p = tonumber(priority) or 0
  return p > 0 and 1 or p < 0 and -1 or 0
end

local function queue_key(queue, priority)
  local p = level(priority)
  return ARQ_QUEUE .. queue .. (p > 0 and HIGH or p < 0 and LOW or '')
end

local function emit(event, id, name, queue, extra)
  redis.call('XADD', EVENTS, 'MAXLEN', '~', EVENTS_CAP, '*', 'e', event, 'id', id, 'n', name or '', 'q', queue or '', 'x', extra or '')
end

local function put(id, name, queue, priority, due, index)
  redis.call('ZADD', queue_key(queue, priority), due, id)
  redis.call('ZADD', (index or WAITING) .. name, due, id)
  wakes[queue] = true
end

-- Takes a job off every set its state has put it on. Whoever was held back for it gets its turn: workers look when they are woken.
local function leave(id, state, name, queue, priority)
  redis.call('ZREM', queue_key(queue, priority), id)
  if state == 'running' then
    redis.call('ZREM', RUNNING .. name, id)
    if holds[name] == nil then holds[name] = redis.call('EXISTS', PARKED .. name) == 1 end
    if holds[name] then wakes[queue] = true end
  elseif WAITS[state] then
    redis.call('ZREM', WAITS[state] .. name, id)
    redis.call('ZREM', PARKED .. name, id)
  end
end

local function as_error(kind, message)
  return cjson.encode({type = kind, message = message, retryable = false})
end

-- The state of the job that holds a unique key, if that is another one and has not ended.
local function held(unique, id)
  local holder = unique and unique ~= '' and redis.call('GET', UNIQUE .. unique)
  if not holder or holder == id then return nil end
  local state = redis.call('HGET', JOB .. holder, F.state)
  return state and not FINAL[state] and holder or nil
end

-- The index entries of a job go when its record expires: noted by the time of that, `state` '*' where it is not known.
local function forget_later(state, id, name, ttl)
  local bucket = math.floor((now + ttl) / BUCKET) + 1
  local list = forgotten[bucket]
  if not list then list = {}; forgotten[bucket] = list end
  list[#list + 1] = string.format('%s%03d', state:sub(1, 1), #name) .. name .. id
end

local function keep_history(history, entry)
  if not history or history == '' then return entry end
  local _, breaks = history:gsub('\n', '')
  if breaks >= HISTORY_MAX - 1 then history = history:sub(history:find('\n', 1, true) + 1) end
  return history .. ',\n' .. entry
end

-- What a request answered is kept for a minute under the request's own id: one that is sent again gets the same answer.
local function answered(request)
  local known = request ~= '' and redis.call('GET', REPLY .. request)
  return known and cjson.decode(known)
end

local function answer(request, reply)
  if request ~= '' then redis.call('SET', REPLY .. request, cjson.encode(reply), 'PX', 60000) end
  return reply
end
