-- ARGV: job name, tick (ms), id for its run, queue, priority, ttl ms, envelope up to its time, next tick (ms or ""), "1" to start
-- it, unique key. Exactly one run per tick, however many schedulers: the first one to come moves `last`.
-- Returns 1 if it started, else 0.
return function(ARGV)
  local name, tick, id = ARGV[1], tonumber(ARGV[2]), ARGV[3]
  local key = SCHEDULE .. name
  local r = redis.call('HMGET', key, 'last', 'paused')
  if r[1] and tonumber(r[1]) >= tick then return 0 end
  redis.call('HSET', key, 'last', ARGV[2], 'next', ARGV[8])
  local unique = ARGV[10]
  if ARGV[9] ~= '1' or r[2] == '1' or held(unique, id) or redis.call('EXISTS', JOB .. id) == 1 then
    redis.call('HSET', key, 'skipped', ARGV[2])  -- also while the run that holds its unique key goes on
    return 0
  end
  redis.call('SET', ARQ_JOB .. id, ARGV[7] .. NOW .. '}')
  redis.call('HSET', JOB .. id, F.name, name, F.queue, ARGV[4], F.priority, ARGV[5], F.state, 'queued', F.enqueued, NOW, F.due, NOW,
    F.result_ttl, ARGV[6])
  if unique ~= '' then
    redis.call('SET', UNIQUE .. unique, id)
    redis.call('HSET', JOB .. id, F.unique, unique)
  end
  redis.call('HSET', key, 'ran', ARGV[2], 'job', id)
  redis.call('HSET', NAMES, name, ARGV[4])
  put(id, name, ARGV[4], ARGV[5], now)
  emit('queued', id, name, ARGV[4])
  flush()
  return 1
end
