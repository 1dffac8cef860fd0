-- ARGV: worker, lease ms, free slots, number of queues, per queue name and its own free slots,
-- then per limited job name, queue, max running (0: none), ms between starts (0: none).
-- Returns {claimed, ms until the next one is due (-1: none), now, items on the to-do list}; a claimed one is
-- {id, payload, delivery, attempts, hand-backs, enqueued, name, queue, workflow, predecessor, first seen unknown}.
local AGE, SHARE = 3000, 8  -- a job passed over for 3 s by more urgent ones gets every eighth start
local MOST, LOOKS = 200, 500  -- jobs claimed, and jobs looked at, by one script
local worker, lease, free, limits, claimed, next_due, aborts, left, looks

local function soon(due) if not next_due or due < next_due then next_due = due end end

-- Among `free` starts, how many belong to those that more urgent ones passed over.
local function share(counter, wanted)
  local count = redis.call('HINCRBY', TURNS, counter, wanted)
  return math.floor(count / SHARE) - math.floor((count - wanted) / SHARE)
end

-- A limit's state is what runs and when the last one started: nothing is handed on, so nothing can be lost.
local function turns(limit)
  if not limit.read then
    limit.read = true
    limit.running = limit.most > 0 and redis.call('ZCARD', RUNNING .. limit.name) or 0
    limit.last = limit.gap > 0 and tonumber(redis.call('GET', RATE .. limit.name) or 0) or 0
  end
  local room = limit.most > 0 and limit.most - limit.running or MOST
  if room > 0 and limit.gap > 0 then
    if limit.last + limit.gap > now then return 0, limit.last + limit.gap end
    room = 1
  end
  return room
end

-- A stock client put it on the queue: it has a body, but no record yet.
local function adopt(id, queue, body)
  local ok, envelope = pcall(cjson.decode, body or '')
  local name = ok and type(envelope) == 'table' and type(envelope.f) == 'string' and #envelope.f <= 100 and envelope.f or '?'
  redis.call('DEL', JOB .. id)
  redis.call('HSET', JOB .. id, F.name, name, F.queue, queue, F.priority, 0, F.state, 'queued', F.enqueued, NOW, F.due, NOW)
  redis.call('PERSIST', ARQ_JOB .. id)
  redis.call('HSET', NAMES, name, queue)
  emit('queued', id, name, queue)
  local asked = aborts and tonumber(redis.call('ZSCORE', ARQ_ABORT, id) or 0) or 0
  if asked > 0 and asked < now - 60000 then redis.call('ZREM', ARQ_ABORT, id) end  -- of an earlier job of that id
  return {'queued', name, false, false, false, false, false, false, NOW, false, false, NOW, false, false}
end

-- Whether a limit of its name holds the job back; if so it has been put where it will be found again.
local function held_back(key, id, r)
  local limit = limits[r[2]]
  if not limit then return false end
  local room, due = turns(limit)
  if r[1] == 'running' then  -- its worker died: the turn is still its own
    if limit.gap == 0 or limit.last + limit.gap <= now then return false end
    redis.call('ZADD', key, 'XX', limit.last + limit.gap, id)
    return true
  end
  if room > 0 then return false end
  redis.call('ZREM', key, id)
  redis.call('ZADD', PARKED .. r[2], (tonumber(r[12]) or now) - level(r[14]) * BAND, id)
  if due then soon(due) end
  return true
end

local function ended_early(id, r)
  local kind, why
  if aborts and redis.call('ZSCORE', ARQ_ABORT, id) then
    redis.call('ZREM', ARQ_ABORT, id)
    kind, why = 'Cancelled', 'cancelled before it started'
  elseif r[4] and now > tonumber(r[4]) then
    kind, why = 'Expired', 'it could not start in time'
  elseif left > 0 and r[10] and redis.call('HGET', WORKFLOW .. r[10], WORKFLOW_ENDING) then
    kind, why = 'Cancelled', 'its workflow has ended'
  end
  if kind then conclude(id, 'cancelled', as_error(kind, why)) end
  return kind
end

local function started(key, id, r)
  local limit = limits[r[2]]
  if r[1] ~= 'running' then redis.call('ZREM', WAITS[r[1]] .. r[2], id) end
  redis.call('ZADD', RUNNING .. r[2], now, id)
  if not limit then return end
  if r[1] ~= 'running' then limit.running = limit.running + 1 end
  if limit.gap > 0 then
    limit.last = now
    redis.call('SET', RATE .. r[2], NOW, 'PX', limit.gap + DAY)
  end
end

local function take(key, queue, id)
  local j = JOB .. id
  local r = redis.pcall('HMGET', j, F.state, F.name, F.deliveries, F.expires_at, F.started, F.worker, F.attempts, F.hand_backs,
    F.enqueued, F.workflow, F.predecessor, F.due, F.unknown_since, F.priority, F.sub)
  local body = redis.pcall('GET', ARQ_JOB .. id)
  if type(body) ~= 'string' then body = false end
  if r.err or not r[1] or FINAL[r[1]] or r[1] == 'blocked' then r = adopt(id, queue, body) end
  if ended_early(id, r) or held_back(key, id, r) then return end
  local got = redis.pcall('SET', ARQ_IN_PROGRESS .. id, worker, 'PX', lease, 'NX')
  if not got or got.err then
    redis.call('ZADD', key, 'XX', now + math.max(redis.call('PTTL', ARQ_IN_PROGRESS .. id), 50), id)
    return
  end
  local delivery = (tonumber(r[3]) or 0) + 1
  if r[1] == 'running' then
    local lost = cjson.encode({kind = 'lost', delivery = delivery - 1, started_at = tonumber(r[5]), ended_at = now, worker = r[6]})
    redis.call('HSET', j, F.history, keep_history(redis.call('HGET', j, F.history), lost))
    emit('lost', id, r[2], queue, r[6] or '')
  end
  if r[15] then redis.call('HDEL', j, F.sub) end  -- what it handed over to in an earlier life
  redis.call('ZADD', key, 'XX', now + lease, id)
  redis.call('HSET', j, F.state, 'running', F.started, NOW, F.worker, worker, F.deliveries, delivery, F.token, worker .. ':' .. delivery)
  started(key, id, r)
  emit('started', id, r[2], queue, worker)
  claimed[#claimed + 1] = {id, body, delivery, r[7], r[8], r[9], r[2], queue, r[10], r[11], r[13]}
end

-- Puts those whose turn it is back on the queue: the urgent first; those that were passed over for long have their share and
-- start at once.
local function unpark(limit)
  local key = PARKED .. limit.name
  local last = redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')
  if not last[1] then return end
  local room, due = turns(limit)
  if room <= 0 then
    if due then soon(due) end
    return
  end
  room = math.min(room, free)
  local ids = redis.call('ZRANGE', key, 0, room - 1, 'WITHSCORES')
  local band = math.floor(tonumber(last[2]) / BAND + 0.5)
  local old = nil
  if band > math.floor(tonumber(ids[2]) / BAND + 0.5) and share(limit.name, room) > 0 then
    local low = redis.call('ZRANGEBYSCORE', key, (band - 0.5) * BAND, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
    if low[1] and tonumber(low[2]) - band * BAND < now - AGE then
      old = low[1]
      ids[#ids - 1] = old
    end
  end
  for i = 1, #ids, 2 do
    local r = redis.call('HMGET', JOB .. ids[i], F.state, F.queue, F.priority, F.due)
    redis.call('ZREM', key, ids[i])
    if WAITS[r[1]] then
      redis.call('ZADD', queue_key(r[2], r[3]), tonumber(r[4]) or now, ids[i])
      if ids[i] == old then take(queue_key(r[2], r[3]), r[2], old) end
    end
  end
end

local function take_due(key, queue, own)
  local most = math.min(free, own)
  while most > 0 and looks > 0 do
    local before = #claimed
    local due = redis.pcall('ZRANGEBYSCORE', key, '-inf', NOW, 'LIMIT', 0, math.min(most, looks))
    if due.err or #due == 0 then break end
    for _, id in ipairs(due) do take(key, queue, id) end
    looks = looks - #due
    most = most - (#claimed - before)
  end
end

-- The jobs of lower priorities that have waited for long come first for their share of the starts.
local function take_passed_over(keys, heads, queue, own)
  local urgent, old = nil, nil
  for level = 1, 3 do
    local head = heads[level]
    if head and head <= now then
      if urgent and head < now - AGE and (not old or head < heads[old]) then old = level end
      urgent = urgent or level
    end
  end
  if old then
    local part = share(queue, math.min(free, own))
    if part > 0 then take_due(keys[old], queue, part) end
  end
end

return function(ARGV)
  local queues, limited = tonumber(ARGV[4]), {}
  worker, lease, free, looks = ARGV[1], tonumber(ARGV[2]), math.min(tonumber(ARGV[3]), MOST), LOOKS
  limits, claimed, next_due = {}, {}, nil
  for i = 5 + 2 * queues, #ARGV, 4 do
    local limit = {name = ARGV[i], queue = ARGV[i + 1], most = tonumber(ARGV[i + 2]), gap = tonumber(ARGV[i + 3])}
    limits[limit.name] = limit
    limited[#limited + 1] = limit
  end
  aborts = redis.call('EXISTS', ARQ_ABORT) == 1
  left = redis.call('LLEN', TODO)
  local paused = redis.call('EXISTS', PAUSED) == 1
  for q = 0, queues - 1 do
    local queue, own = ARGV[5 + 2 * q], tonumber(ARGV[6 + 2 * q])
    if own > 0 and free > 0 and not (paused and redis.call('SISMEMBER', PAUSED, queue) == 1) then
      local function go(work)
        local before = #claimed
        work()
        free, own = free - (#claimed - before), own - (#claimed - before)
      end
      for _, limit in ipairs(limited) do
        if limit.queue == queue and free > 0 then go(function() unpark(limit) end) end
      end
      local keys, heads = {queue_key(queue, 1), queue_key(queue, 0), queue_key(queue, -1)}, {}
      for level = 1, 3 do
        local head = redis.pcall('ZRANGE', keys[level], 0, 0, 'WITHSCORES')
        heads[level] = not head.err and tonumber(head[2]) or nil
      end
      go(function() take_passed_over(keys, heads, queue, own) end)
      for level = 1, 3 do
        if heads[level] and heads[level] <= now then
          go(function() take_due(keys[level], queue, own) end)
          local head = redis.pcall('ZRANGE', keys[level], 0, 0, 'WITHSCORES')
          heads[level] = not head.err and tonumber(head[2]) or nil
        end
        if heads[level] and own > 0 then soon(heads[level]) end
      end
    end
  end
  flush()
  local brought = claimed
  claimed = nil  -- the payloads need not stay in memory until the next claim
  return {brought, next_due and math.max(0, next_due - now) or -1, NOW, redis.call('LLEN', TODO)}
end
