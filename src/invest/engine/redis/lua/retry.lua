-- ARGV: the request's own id, workflow (or job that handed over). Runs again what did not succeed in it; what did is kept.
-- Returns "ok", "unknown", "running" (it, or a step told to stop, has not ended), "busy" (what follows from its end is not done:
-- proceed, and ask again), "succeeded", "replayed", "discarded", or "held <job>" (another one has its unique key).
return function(ARGV)
  local request, parent = ARGV[1], ARGV[2]
  local known = answered(request)
  if known then return known end
  local p = redis.call('HMGET', JOB .. parent, F.state, F.sub, F.name, F.queue, F.kind, F.workflow, F.replayed_as, F.discarded, F.unique)
  if not p[1] or not p[2] then return 'unknown' end
  if p[1] == 'succeeded' then return 'succeeded' end
  if not FINAL[p[1]] or p[6] then return 'running' end
  if p[7] then return 'replayed' end
  if p[8] then return 'discarded' end
  local wf = p[2]
  local base = WORKFLOW .. wf
  local w = redis.call('HMGET', base, WORKFLOW_LAST, WORKFLOW_TOTAL, WORKFLOW_ENDED, WORKFLOW_ENDING)
  local last = w[1] and redis.call('HGET', JOB .. w[1], F.state)
  if not last then return 'unknown' end
  if w[4] then return 'busy' end
  if tonumber(w[3] or 0) < tonumber(w[2] or 0) then return redis.call('LLEN', TODO) > 0 and 'busy' or 'running' end
  if not FINAL[last] then return 'busy' end
  local holder = held(p[9], parent)
  if holder then return 'held ' .. holder end
  if p[9] then redis.call('SET', UNIQUE .. p[9], parent) end
  for _, part in ipairs(PARTS) do redis.call('PERSIST', base .. part) end
  redis.call('HSET', base, WORKFLOW_RETRY, request)
  redis.call('DEL', ARQ_RESULT .. parent, PENDING .. parent)
  redis.call('PERSIST', JOB .. parent)
  redis.call('PERSIST', ARQ_JOB .. parent)
  redis.call('HSET', JOB .. parent, F.state, 'running', F.bad, 0, F.token, '')
  redis.call('HDEL', JOB .. parent, F.error)
  if p[5] ~= 'workflow' then redis.call('ZREM', ENDED[p[1]] .. p[3], parent) end
  redis.call('ZADD', WORKFLOWS, 'NX', now, parent)
  redis.call('SADD', PENDING .. parent, w[1])
  emit('retried', parent, p[3], p[4])
  later('reset', wf, parent, request, 0)
  flush()
  return answer(request, 'ok')
end
