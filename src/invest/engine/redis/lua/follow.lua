-- ARGV: the job to follow, then of the follower id, name, queue, priority, ttl ms, envelope up to its time. The follower is
-- released when the job ends, however it ends, or at once if it has ended. Returns 1, or 0 if the follower was there before.
return function(ARGV)
  local task, id, name, queue, priority = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
  if not redis.call('SET', ARQ_JOB .. id, ARGV[7] .. NOW .. '}', 'NX') or redis.call('EXISTS', JOB .. id) == 1 then return 0 end
  local state = redis.call('HGET', JOB .. task, F.state)
  local ended = not state or FINAL[state]
  redis.call('HSET', JOB .. id, F.name, name, F.queue, queue, F.priority, priority, F.state, ended and 'queued' or 'blocked',
    F.enqueued, NOW, F.due, NOW, F.result_ttl, ARGV[6])
  redis.call('HSET', NAMES, name, queue)
  if ended then
    put(id, name, queue, priority, now)
  else
    redis.call('SADD', FOLLOWERS .. task, id)
    redis.call('HSET', JOB .. task, F.followed, '1')
  end
  emit('queued', id, name, queue)
  flush()
  return 1
end
