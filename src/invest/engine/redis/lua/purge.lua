-- ARGV: queue, most to remove, job names of the queue. Cancels what waits on this queue alone; returns how many.
redis.call('DEL', OOM_GUARD)
local left, count = tonumber(ARGV[2]), 0
for i = 3, #ARGV do
  for _, index in ipairs({WAITING, RETRYING}) do
    if left > 0 then
      for _, id in ipairs(redis.call('ZRANGE', index .. ARGV[i], 0, left - 1)) do
        redis.call('ZREM', index .. ARGV[i], id)
        stopping[1] = {id, false}
        local _, done = stop_all('purged')
        count, left = count + done, left - 1
      end
    end
  end
end
for _, priority in ipairs({1, 0, -1}) do  -- what a stock client put there and no worker has seen yet
  local key = queue_key(ARGV[1], priority)
  for _, id in ipairs(redis.call('ZRANGE', key, 0, math.max(left, 0))) do
    if redis.call('EXISTS', JOB .. id) == 0 then
      redis.call('ZREM', key, id)
      redis.call('DEL', ARQ_JOB .. id)
      count = count + 1
    end
  end
end
flush()
return count
