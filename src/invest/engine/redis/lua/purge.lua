-- ARGV: the request's own id, queue, most to look at, job names of the queue. Cancels what waits on this queue alone.
-- Returns {how many were cancelled, 1 if there may be more}.
return function(ARGV)
  local known = answered(ARGV[1])
  if known then return known end
  local queue, left, count = ARGV[2], tonumber(ARGV[3]), 0
  for i = 4, #ARGV do
    for _, index in ipairs({WAITING, RETRYING}) do
      if left > 0 then
        for _, id in ipairs(redis.call('ZRANGE', index .. ARGV[i], 0, left - 1)) do
          left = left - 1
          if stop(id, false, 'purged') ~= 'cancelled' then redis.call('ZREM', index .. ARGV[i], id) else count = count + 1 end
        end
      end
    end
  end
  for _, priority in ipairs({1, 0, -1}) do  -- what a stock client put there and no worker has seen yet
    local key = queue_key(queue, priority)
    for _, id in ipairs(left > 0 and redis.call('ZRANGE', key, 0, left - 1) or {}) do
      if redis.call('EXISTS', JOB .. id) == 0 then
        redis.call('ZREM', key, id)
        redis.call('DEL', ARQ_JOB .. id)
        count = count + 1
        left = left - 1
      end
    end
  end
  flush()
  return answer(ARGV[1], {count, left <= 0 and 1 or 0})
end
