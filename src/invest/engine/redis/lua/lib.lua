-- Put before every script, after the key names. One script is one transition: nothing can happen in between.
-- Times are Redis' own, in ms. Keys are built from ids, so this needs a single server or Sentinel, not Redis Cluster.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local NOW = string.format('%d', now)
local FINAL = {succeeded = true, failed = true, cancelled = true}
local INDEX = {succeeded = DONE, failed = FAILED, cancelled = CANCELLED}
local EVENTS_CAP = 500000
local DAY = 86400000
local FAILED_TTL = 30 * DAY
local ASSEMBLED_MAX = 1000000
local TOLD_MAX = 8192  -- bytes of a result that is told to those who wait, so that they need not ask for it
local wakes, settling, stopping = {}, {}, {}

local function queue_key(queue, priority)
  local p = tonumber(priority) or 0
  return ARQ_QUEUE .. queue .. (p > 0 and HIGH or p < 0 and LOW or '')
end

local function emit(event, id, name, queue, extra)
  redis.call('XADD', EVENTS, 'MAXLEN', '~', EVENTS_CAP, '*', 'e', event, 'id', id, 'n', name or '', 'q', queue or '', 'x', extra or '')
end

local function wake_all()
  for queue in pairs(wakes) do redis.call('PUBLISH', WAKE .. queue, '') end
end

local function put(id, name, queue, priority, due, index)
  redis.call('ZADD', queue_key(queue, priority), due, id)
  redis.call('ZADD', (index or WAITING) .. name, due, id)
  wakes[queue] = true
end

-- A running job of a name with max_running leaves room for one that was held back.
local function leave_running(id, name)
  redis.call('ZREM', RUNNING .. name, id)
  local parked = redis.call('ZPOPMIN', PARKED .. name)
  if parked[1] then
    local r = redis.call('HMGET', JOB .. parked[1], 'q', 'p')
    if r[1] then
      redis.call('ZADD', queue_key(r[1], r[2]), parked[2], parked[1])
      wakes[r[1]] = true
    end
  end
end

local function as_error(kind, message)
  return cjson.encode({type = kind, message = message, retryable = false})
end

-- The beginning of arq's result envelope for a job that ends without a worker.
local function head_of(id, queue)
  local body = redis.pcall('GET', ARQ_JOB .. id)
  if type(body) ~= 'string' or #body < 3 or body:sub(1, 1) ~= '{' or body:sub(-1) ~= '}' then
    body = '{"t":null,"f":"?","a":[],"k":{},"et":' .. NOW .. '}'
  end
  return body:sub(1, -2) .. ',"st":' .. NOW .. ',"q":' .. cjson.encode(ARQ_QUEUE .. queue) .. ',"id":' .. cjson.encode(id)
end

-- The parts of a workflow live until it has ended, and then as long as its result (a failed one: as long as it can be retried).
local function expire_workflow(wf, ttl)
  local base = WORKFLOW .. wf
  for _, node in ipairs(redis.call('LRANGE', base .. WORKFLOW_NODES, 0, -1)) do
    redis.call('PEXPIRE', JOB .. node, ttl)
    redis.call('PEXPIRE', ARQ_JOB .. node, ttl)
    redis.call('PEXPIRE', PENDING .. node, ttl)
    local s = redis.call('HGET', JOB .. node, 's')
    if s and not FINAL[s] then stopping[#stopping + 1] = {node, false} end  -- nobody waits for it any more
  end
  for _, part in ipairs({'', WORKFLOW_NODES, WORKFLOW_ROOTS, WORKFLOW_OUTCOMES, WORKFLOW_PLAN}) do
    redis.call('PEXPIRE', base .. part, ttl)
  end
end

-- A job or workflow ends. `value` is the JSON of its result, or of its error; `cause` is the error its dependents are told instead.
local function conclude(id, state, value, head, cause)
  local j = JOB .. id
  local r = redis.call('HMGET', j, 'n', 'q', 'p', 'wf', 'u', 'ttl', 'kind', 'sub', 'head')
  local name, queue, wf, kind = r[1] or '?', r[2] or '', r[4], r[7]
  local good = state == 'succeeded'
  if kind ~= 'join' then
    local ttl = tonumber(r[6]) or 3600000
    head = head or r[9] or head_of(id, queue)
    if good then redis.call('DEL', ARQ_IN_PROGRESS .. id, ARQ_JOB .. id) else redis.call('DEL', ARQ_IN_PROGRESS .. id) end
    if kind ~= 'workflow' then redis.call('ZREM', queue_key(queue, r[3]), id) end
    redis.call('SET', ARQ_RESULT .. id, head .. ',"s":' .. (good and 'true' or 'false') .. ',"r":' .. value .. ',"ft":' .. NOW .. '}', 'PX', ttl)
    if good then
      redis.call('HSET', j, 's', state, 'ft', NOW, 'tk', '')
    else
      redis.call('HSET', j, 's', state, 'ft', NOW, 'tk', '', 'e', value)
    end
    if kind ~= 'workflow' then redis.call('ZADD', INDEX[state] .. name, now, id) end
    if not wf and (state ~= 'failed' or kind == 'workflow') then
      local keep = good and ttl or math.max(ttl, DAY)
      redis.call('PEXPIRE', j, keep)
      if not good then redis.call('PEXPIRE', ARQ_JOB .. id, keep) end
    end
    if r[5] and redis.call('GET', UNIQUE .. r[5]) == id then redis.call('DEL', UNIQUE .. r[5]) end
    emit(state, id, name, queue)
    redis.call('PUBLISH', FINISHED .. id, good and #value <= TOLD_MAX and 'succeeded ' .. value or state)
    if r[8] then expire_workflow(r[8], good and ttl or 7 * DAY) end
  else
    redis.call('HSET', j, 's', state, 'ft', NOW)
  end
  if wf then
    if kind ~= 'join' then redis.call('HINCRBY', WORKFLOW .. wf, 'ended', 1) end
    redis.call('HSET', WORKFLOW .. wf .. WORKFLOW_OUTCOMES, id, (good and '{"ok":' or '{"err":') .. (cause or value) .. '}')
    settling[#settling + 1] = {id, good}
  end
end

local function outcome_of(wf, id)
  local text = redis.call('HGET', WORKFLOW .. wf .. WORKFLOW_OUTCOMES, id)
  if not text then return false, as_error('Lost', 'the outcome of ' .. id .. ' is gone') end
  if text:sub(1, 6) == '{"ok":' then return true, text:sub(7, -2) end
  return false, text:sub(8, -2)
end

-- The members' outcomes as one JSON list; too long a list becomes a reference, read page by page.
local function assemble(id, wf, members, mode)
  local parts, size = {}, 0
  for member in string.gmatch(members, '[^,]+') do
    local ok, value = outcome_of(wf, member)
    if mode == 'outcomes' then
      value = '{"job_id":' .. cjson.encode(member) .. (ok and ',"ok":true,"value":' or ',"ok":false,"error":') .. value .. '}'
    end
    size = size + #value + 1
    if size > ASSEMBLED_MAX then return '{"$members":' .. cjson.encode(id) .. ',"workflow":' .. cjson.encode(wf) .. '}' end
    parts[#parts + 1] = value
  end
  return '[' .. table.concat(parts, ',') .. ']'
end

-- A join (a group's end) or a parent (a workflow, or a job that handed over) has all it waited for, or can't have it any more.
local function conclude_join(id, good, cause)
  local r = redis.call('HMGET', JOB .. id, 'kind', 'wf', 'sub', 'mem', 'mode', 'pred')
  if r[1] == 'join' then
    if good and r[6] and redis.call('HGET', JOB .. r[6], 's') ~= 'succeeded' then good, cause = false, r[6] end
    if good then
      conclude(id, 'succeeded', assemble(id, r[2], r[4] or '', r[5]))
    else
      local _, why = outcome_of(r[2], cause)
      conclude(id, 'failed', why)
    end
  else
    local last = redis.call('HGET', WORKFLOW .. r[3], 'last')
    local ok, value = outcome_of(r[3], last)
    conclude(id, (good and ok) and 'succeeded' or 'failed', value)
  end
end

local function release(id)
  local r = redis.call('HMGET', JOB .. id, 'n', 'q', 'p', 'kind', 'delay', 's')
  if r[6] and FINAL[r[6]] then return end
  if r[4] == 'join' then return conclude_join(id, true) end
  local due = now + (tonumber(r[5]) or 0)
  redis.call('HSET', JOB .. id, 's', 'queued', 'due', string.format('%d', due))
  put(id, r[1], r[2], r[3], due)
  emit('queued', id, r[1], r[2])
end

-- Cancels what is queued on `stopping`: {id, upward}. Upward also cancels what a blocked job waits for.
local function stop_all(why)
  local asked, done = 0, 0
  while #stopping > 0 do
    local item = table.remove(stopping)
    local id, upward = item[1], item[2]
    local r = redis.call('HMGET', JOB .. id, 's', 'n', 'q', 'p', 'kind', 'sub')
    if r[1] and not FINAL[r[1]] then
      local composite = r[5] or r[6]
      if composite or (upward and r[1] == 'blocked') then
        for _, p in ipairs(redis.call('SMEMBERS', PENDING .. id)) do stopping[#stopping + 1] = {p, true} end
      end
      if r[1] == 'running' and not composite then
        redis.call('ZADD', ARQ_ABORT, now, id)
        redis.call('PUBLISH', CONTROL, 'cancel ' .. id)
        asked = asked + 1
      else
        if not composite then
          redis.call('ZREM', (r[1] == 'retrying' and RETRYING or WAITING) .. r[2], id)
          redis.call('ZREM', PARKED .. r[2], id)
        end
        conclude(id, 'cancelled', as_error('Cancelled', why))
        done = done + 1
      end
    end
  end
  return asked, done
end

-- Tells the dependents of everything that ended. A set is emptied, never a counter lowered: telling twice changes nothing.
local function settle_all()
  while #settling > 0 do
    local item = table.remove(settling)
    local id, good = item[1], item[2]
    local successors = redis.call('HGET', JOB .. id, 'succ')
    for s in string.gmatch(successors or '', '[^,]+') do
      if redis.call('SREM', PENDING .. s, id) == 1 then
        local r = redis.call('HMGET', JOB .. s, 's', 'kind', 'need', 'total', 'bad', 'sub')
        if r[1] and not FINAL[r[1]] then
          if r[2] or r[6] then
            local bad = good and tonumber(r[5] or 0) or redis.call('HINCRBY', JOB .. s, 'bad', 1)
            if tonumber(r[4] or 1) - bad < tonumber(r[3] or 1) then
              for _, p in ipairs(redis.call('SMEMBERS', PENDING .. s)) do stopping[#stopping + 1] = {p, true} end
              conclude_join(s, false, id)
              stop_all('another step of its group failed')
            elseif redis.call('SCARD', PENDING .. s) == 0 then
              conclude_join(s, true)
            end
          elseif not good then
            local wf = redis.call('HGET', JOB .. s, 'wf')
            local _, why = outcome_of(wf, id)
            conclude(s, 'cancelled', as_error('UpstreamFailed', 'the step before it did not succeed: ' .. id), nil, why)
          elseif redis.call('SCARD', PENDING .. s) == 0 then
            release(s)
          end
        end
      end
    end
  end
end

-- Starts a staged workflow under `parent`; false if it was started before or its staging was swept away.
local function start_workflow(wf, parent)
  if redis.call('ZREM', STAGED, wf) ~= 1 then return false end
  local base = WORKFLOW .. wf
  redis.call('SADD', PENDING .. parent, redis.call('HGET', base, 'last'))
  redis.call('HSET', JOB .. parent, 'sub', wf, 's', 'running', 'bad', 0, 'need', 1, 'total', 1)
  redis.call('ZADD', WORKFLOWS, now, parent)
  for _, root in ipairs(redis.call('LRANGE', base .. WORKFLOW_ROOTS, 0, -1)) do release(root) end
  return true
end

local function flush()
  while #settling > 0 or #stopping > 0 do
    settle_all()
    stop_all('its workflow has ended')
  end
  wake_all()
end
