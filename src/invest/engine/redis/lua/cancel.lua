-- ARGV: why, then ids. Returns per id "cancelled", "asked" (it is running and was told), "final" or "unknown".
redis.call('DEL', OOM_GUARD)
local replies = {}
for i = 2, #ARGV do
  local state = redis.call('HGET', JOB .. ARGV[i], 's')
  if not state and redis.call('EXISTS', ARQ_JOB .. ARGV[i]) == 1 then
    redis.call('ZADD', ARQ_ABORT, now + DAY, ARGV[i])  -- a stock client's, not yet seen by a worker: ended when claimed
    replies[#replies + 1] = 'asked'
  elseif not state then
    replies[#replies + 1] = 'unknown'
  elseif FINAL[state] then
    replies[#replies + 1] = 'final'
  else
    stopping[1] = {ARGV[i], false}
    local _, done = stop_all(ARGV[1])
    replies[#replies + 1] = done > 0 and 'cancelled' or 'asked'
  end
end
flush()
return replies
