-- ARGV: job name ("": what belongs to no name), "limited", "unlimited" or "unknown" to the worker, which round it is.
-- Finds and mends what should not be, a page of each set per round: entries that outlived their job, waiting jobs that are on no
-- queue, jobs held back for a limit that is no more. Returns how many were mended.
local SHOWN = 40
local name, limit, round, count

local function page(key)
  local size = redis.call('ZCARD', key)
  if size == 0 then return {} end
  local from = (round * SHOWN) % size
  return redis.call('ZRANGE', key, from, from + SHOWN - 1)
end

local function drop(key, id)
  redis.call('ZREM', key, id)
  count = count + 1
end

local function mend_waiting(state)
  local key = WAITS[state] .. name
  for _, id in ipairs(page(key)) do
    local r = redis.call('HMGET', JOB .. id, F.state, F.queue, F.priority, F.due)
    if r[1] ~= state then
      drop(key, id)
    elseif not redis.call('ZSCORE', queue_key(r[2], r[3]), id) and not redis.call('ZSCORE', PARKED .. name, id) then
      put(id, name, r[2], r[3], tonumber(r[4]) or now, WAITS[state])
      count = count + 1
    end
  end
end

local function mend_parked()
  local key = PARKED .. name
  if redis.call('EXISTS', key) == 0 then return end
  local seen = tonumber(redis.call('HGET', LIMITS, name) or 0)
  local free = limit == 'unlimited' or limit == 'unknown' and seen < now - 60000
  for _, id in ipairs(free and redis.call('ZRANGE', key, 0, 200) or page(key)) do
    local r = redis.call('HMGET', JOB .. id, F.state, F.queue, F.priority, F.due)
    if not WAITS[r[1]] then
      drop(key, id)
    elseif free then
      drop(key, id)
      redis.call('ZADD', queue_key(r[2], r[3]), tonumber(r[4]) or now, id)
      wakes[r[2]] = true
    end
  end
end

local function mend_name()
  if limit == 'limited' then redis.call('HSET', LIMITS, name, NOW) end
  mend_waiting('queued')
  mend_waiting('retrying')
  mend_parked()
  for _, id in ipairs(page(RUNNING .. name)) do
    if redis.call('HGET', JOB .. id, F.state) ~= 'running' then drop(RUNNING .. name, id) end
  end
  for _, index in ipairs({DONE, CANCELLED, FAILED}) do
    for _, id in ipairs(redis.call('ZRANGE', index .. name, 0, SHOWN - 1)) do
      if redis.call('EXISTS', JOB .. id) == 0 then drop(index .. name, id) end
    end
  end
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', FAILED .. name, '-inf', now - FAILED_TTL, 'LIMIT', 0, SHOWN)) do
    drop(FAILED .. name, id)
    if not redis.call('HGET', JOB .. id, F.workflow) then redis.call('DEL', JOB .. id, ARQ_JOB .. id) end
  end
end

local function known(id)
  local state = redis.call('HGET', JOB .. id, F.state)
  if state then return not FINAL[state] end
  return redis.call('EXISTS', ARQ_JOB .. id) == 1
end

local function mend_rest()
  redis.call('ZREMRANGEBYSCORE', WORKERS, '-inf', now - 60000)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', ARQ_ABORT, '-inf', now - 60000, 'LIMIT', 0, SHOWN)) do
    if known(id) then redis.call('ZADD', ARQ_ABORT, 'XX', now, id) else drop(ARQ_ABORT, id) end  -- a cancel stands until it was met
  end
  for _, id in ipairs(page(WORKFLOWS)) do
    if redis.call('EXISTS', JOB .. id) == 0 then drop(WORKFLOWS, id) end
  end
  for _, wf in ipairs(redis.call('ZRANGEBYSCORE', STAGED, '-inf', now - 600000, 'LIMIT', 0, 10)) do
    drop(STAGED, wf)
    later('drop', wf)
  end
end

return function(ARGV)
  name, limit, round, count = ARGV[1], ARGV[2], tonumber(ARGV[3]), 0
  if name == '' then mend_rest() else mend_name() end
  flush()
  return count
end
