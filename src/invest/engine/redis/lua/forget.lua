-- ARGV: most to handle at once. Index entries of jobs whose records have expired go, as noted when the expiry was set: whatever
-- lives longer in the same index, and also for names that nobody declares any more. Returns 1 if there may be more.
return function(ARGV)
  local most = tonumber(ARGV[1])
  local bucket = redis.call('ZRANGEBYSCORE', FORGETTING, '-inf', math.floor((now - 1000) / BUCKET), 'LIMIT', 0, 1)[1]
  if not bucket then return 0 end
  local list = FORGET .. bucket
  local notes = redis.call('LPOP', list, most)
  for _, note in ipairs(notes or {}) do
    local state, size = note:sub(1, 1), tonumber(note:sub(2, 4))
    local name, id = note:sub(5, 4 + size), note:sub(5 + size)
    local lives = redis.call('PTTL', JOB .. id)
    if lives > 0 then
      forget_later(state, id, name, lives)
    elseif lives == -2 then
      if state == 's' or state == '*' then redis.call('ZREM', DONE .. name, id) end
      if state == 'f' or state == '*' then redis.call('ZREM', FAILED .. name, id) end
      if state == 'c' or state == '*' then redis.call('ZREM', CANCELLED .. name, id) end
      redis.call('ZREM', WORKFLOWS, id)
    end
  end
  if redis.call('EXISTS', list) == 0 then redis.call('ZREM', FORGETTING, bucket) end
  flush()
  return 1
end
