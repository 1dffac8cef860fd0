-- ARGV: worker, lease ms, free slots, number of queues, per queue name and its own free slots,
-- then per limited job name, max running (0: none), ms between starts (0: none).
-- Returns {claimed, ms until the next one is due (-1: none), now}; a claimed one is
-- {id, payload, delivery, attempts, hand-backs, enqueued, name, queue, workflow, predecessor, first seen unknown}.
redis.call('DEL', OOM_GUARD)
local worker, lease, free, queues = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local limits, claimed, next_due = {}, {}, nil
for i = 5 + 2 * queues, #ARGV, 3 do limits[ARGV[i]] = {tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])} end
local aborts = redis.call('EXISTS', ARQ_ABORT) == 1
if aborts then redis.call('ZREMRANGEBYSCORE', ARQ_ABORT, '-inf', now - 60000) end  -- as arq does: asked long ago, never met

-- A stock client put it on the queue: it has a body, but no record yet.
local function adopt(id, queue, body)
  local ok, envelope = pcall(cjson.decode, body or '')
  local name = ok and type(envelope) == 'table' and type(envelope.f) == 'string' and #envelope.f <= 100 and envelope.f or '?'
  redis.call('DEL', JOB .. id)
  redis.call('HSET', JOB .. id, 'n', name, 'q', queue, 'p', 0, 's', 'queued', 'et', NOW, 'due', NOW)
  redis.call('PERSIST', ARQ_JOB .. id)
  redis.call('HSET', NAMES, name, queue)
  emit('queued', id, name, queue)
  return {'queued', name, false, false, false, false, false, false, false, NOW, false, false, NOW, false}
end

-- Whether a limit of its name holds the job back; if so it has been put where it will be found again.
local function held_back(key, id, name, due, reserved, index)
  local limit = limits[name]
  if not limit then return false end
  if limit[1] > 0 and redis.call('ZCARD', RUNNING .. name) >= limit[1] and not redis.call('ZSCORE', RUNNING .. name, id) then
    redis.call('ZREM', key, id)
    redis.call('ZADD', PARKED .. name, due or now, id)
    return true
  end
  if limit[2] > 0 and not reserved then
    local allowed = tonumber(redis.call('GET', RATE .. name)) or 0
    local start = math.max(allowed, now)
    redis.call('SET', RATE .. name, string.format('%d', start + limit[2]), 'PX', start + limit[2] - now + 1000)
    if start > now then
      redis.call('HSET', JOB .. id, 'rs', '1', 'due', string.format('%d', start))
      redis.call('ZADD', key, 'XX', start, id)
      redis.call('ZADD', index, start, id)
      return true
    end
  end
  return false
end

local function ended_early(id, r, index)
  local why = nil
  if aborts then
    local at = redis.call('ZSCORE', ARQ_ABORT, id)
    if at then
      redis.call('ZREM', ARQ_ABORT, id)
      why = {'Cancelled', 'cancelled before it started'}
    end
  end
  if not why and r[4] and now > tonumber(r[4]) then why = {'Expired', 'it could not start in time'} end
  if not why then return false end
  redis.call('ZREM', index, id)
  leave_running(id, r[2])
  conclude(id, 'cancelled', as_error(why[1], why[2]))
  return true
end

local function take(key, queue, id)
  local j = JOB .. id
  local r = redis.pcall('HMGET', j, 's', 'n', 'd', 'x', 'rs', 'st', 'w', 'a', 'b', 'et', 'wf', 'pred', 'due', 'unk')
  local body = redis.pcall('GET', ARQ_JOB .. id)
  if type(body) ~= 'string' then body = false end
  if r.err or not r[1] or FINAL[r[1]] then r = adopt(id, queue, body) end
  local name = r[2]
  local index = (r[1] == 'retrying' and RETRYING or WAITING) .. name
  if ended_early(id, r, index) or held_back(key, id, name, r[13], r[5], index) then return end
  local got = redis.pcall('SET', ARQ_IN_PROGRESS .. id, worker, 'PX', lease, 'NX')
  if not got or got.err then
    redis.call('ZADD', key, 'XX', now + math.max(redis.call('PTTL', ARQ_IN_PROGRESS .. id), 50), id)
    return
  end
  local delivery = (tonumber(r[3]) or 0) + 1
  if r[1] == 'running' then
    local lost = cjson.encode({kind = 'lost', delivery = delivery - 1, started_at = tonumber(r[6]), ended_at = now, worker = r[7]})
    local history = redis.call('HGET', j, 'h')
    redis.call('HSET', j, 'h', history and (history .. ',' .. lost) or lost)
    emit('lost', id, name, queue, r[7] or '')
  end
  if r[5] then redis.call('HDEL', j, 'rs') end
  redis.call('ZADD', key, 'XX', now + lease, id)
  redis.call('HSET', j, 's', 'running', 'st', NOW, 'w', worker, 'd', delivery, 'tk', worker .. ':' .. delivery)
  redis.call('ZREM', index, id)
  redis.call('ZADD', RUNNING .. name, now, id)
  emit('started', id, name, queue, worker)
  claimed[#claimed + 1] = {id, body, delivery, r[8], r[9], r[10], name, queue, r[11], r[12], r[14]}
end

for q = 0, queues - 1 do
  local queue, own = ARGV[5 + 2 * q], tonumber(ARGV[6 + 2 * q])
  for _, priority in ipairs({1, 0, -1}) do
    local key, budget = queue_key(queue, priority), 2000
    local before = #claimed
    while free > 0 and own > 0 and budget > 0 do
      local due = redis.pcall('ZRANGEBYSCORE', key, '-inf', NOW, 'LIMIT', 0, math.min(free, own, 500))
      if due.err or #due == 0 then break end
      for _, id in ipairs(due) do take(key, queue, id) end
      local got = #claimed - before
      free, own, before, budget = free - got, own - got, #claimed, budget - #due
    end
    local head = redis.pcall('ZRANGE', key, 0, 0, 'WITHSCORES')
    if own > 0 and not head.err and head[2] and (not next_due or tonumber(head[2]) < next_due) then next_due = tonumber(head[2]) end
  end
end
flush()
return {claimed, next_due and math.max(0, next_due - now) or -1, NOW}
