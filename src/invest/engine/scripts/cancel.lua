-- ARGV: why, then ids. Returns per id "cancelled", "asked" (it is running and was told), "final" or "unknown".
redis.call('DEL', OOM_GUARD)
local replies = {}
for i = 2, #ARGV do
  local state = redis.call('HGET', JOB .. ARGV[i], 's')
  if not state then
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
