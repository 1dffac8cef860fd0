-- ARGV: dead letter, id of its new run, envelope up to its time ("": the payload as it is), unique key ("": the one it had).
-- A double click acts once, and the same request sent again is told of its run. Returns {"new", the new id},
-- {"held", id of the job that has its unique key}, {"none"} if it is no dead letter (any more), {"workflow"} if it is a step of
-- one, or {"gone"} if its payload is.
return function(ARGV)
  local old, id = ARGV[1], ARGV[2]
  local r = redis.call('HMGET', JOB .. old, F.name, F.queue, F.priority, F.result_ttl, F.workflow, F.unique, F.replayed_as)
  if r[7] == id then return {'new', id} end
  if not r[1] then return {'none'} end
  if r[5] then return {'workflow'} end
  if not redis.call('ZSCORE', FAILED .. r[1], old) then return {'none'} end
  local body = ARGV[3] ~= '' and (ARGV[3] .. NOW .. '}') or redis.call('GET', ARQ_JOB .. old)
  if not body then return {'gone'} end
  local unique = ARGV[4] ~= '' and ARGV[4] or r[6]
  local holder = held(unique, id)
  if holder then return {'held', holder} end
  redis.call('ZREM', FAILED .. r[1], old)
  redis.call('SET', ARQ_JOB .. id, body)
  redis.call('HSET', JOB .. id, F.name, r[1], F.queue, r[2], F.priority, r[3], F.state, 'queued', F.enqueued, NOW, F.due, NOW,
    F.result_ttl, r[4] or 3600000, F.replay_of, old)
  if unique then
    redis.call('SET', UNIQUE .. unique, id)
    redis.call('HSET', JOB .. id, F.unique, unique)
  end
  redis.call('HSET', JOB .. old, F.replayed_as, id)
  redis.call('PEXPIRE', JOB .. old, CANCELLED_TTL)
  redis.call('PEXPIRE', ARQ_JOB .. old, CANCELLED_TTL)
  put(id, r[1], r[2], r[3], now)
  emit('queued', id, r[1], r[2])
  emit('replayed', old, r[1], r[2], id)
  flush()
  return {'new', id}
end
