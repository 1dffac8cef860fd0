-- ARGV: worker, lease ms, heartbeat ttl ms, heartbeat (JSON), then per held job id, token.
-- Returns {ids no longer held, ids asked to stop}.
return function(ARGV)
  local worker, lease = ARGV[1], tonumber(ARGV[2])
  redis.call('ZADD', WORKERS, now, worker)
  redis.call('SET', WORKER .. worker, ARGV[4], 'PX', ARGV[3])
  local lost, asked = {}, {}
  local aborts = redis.call('EXISTS', ARQ_ABORT) == 1
  for i = 5, #ARGV, 2 do
    local id = ARGV[i]
    local r = redis.call('HMGET', JOB .. id, F.token, F.queue, F.priority)
    if r[1] ~= ARGV[i + 1] then
      lost[#lost + 1] = id
    else
      redis.call('SET', ARQ_IN_PROGRESS .. id, worker, 'PX', lease)
      redis.call('ZADD', queue_key(r[2], r[3]), 'XX', now + lease, id)
      if aborts and redis.call('ZSCORE', ARQ_ABORT, id) then asked[#asked + 1] = id end
    end
  end
  return {lost, asked}
end
