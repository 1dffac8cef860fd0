-- ARGV: the request's own id, why, then ids. Returns per id "cancelled", "asked" (it is running and was told), "final" or "unknown".
return function(ARGV)
  local known = answered(ARGV[1])
  if known then return known end
  local replies = {}
  for i = 3, #ARGV do
    local id = ARGV[i]
    local state = redis.call('HGET', JOB .. id, F.state)
    if not state and redis.call('EXISTS', ARQ_JOB .. id) == 1 then
      redis.call('ZADD', ARQ_ABORT, now + DAY, id)  -- a stock client's, not yet seen by a worker: ended when claimed
      replies[#replies + 1] = 'asked'
    elseif not state then
      replies[#replies + 1] = 'unknown'
    elseif FINAL[state] then
      replies[#replies + 1] = 'final'
    else
      replies[#replies + 1] = stop(id, false, ARGV[2]) or 'final'
    end
  end
  flush()
  return answer(ARGV[1], replies)
end
