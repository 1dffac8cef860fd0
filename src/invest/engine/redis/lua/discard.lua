-- ARGV: the request's own id, a workflow whose steps may go ("": none), dead letters. Steps of workflows are passed over: a retry
-- of the workflow needs them. Returns {ids discarded, ids passed over}; a second try finds none.
return function(ARGV)
  local known = answered(ARGV[1])
  if known then return known end
  local gone, passed = {}, {}
  for i = 3, #ARGV do
    local id = ARGV[i]
    local r = redis.call('HMGET', JOB .. id, F.name, F.queue, F.workflow, F.sub)
    if r[1] and r[3] and r[3] ~= ARGV[2] then
      passed[#passed + 1] = id
    elseif r[1] and redis.call('ZREM', FAILED .. r[1], id) == 1 then
      redis.call('DEL', ARQ_JOB .. id)
      redis.call('HSET', JOB .. id, F.discarded, '1')
      redis.call('PEXPIRE', JOB .. id, DAY)
      if r[4] then expire_later(r[4], DAY) end
      emit('discarded', id, r[1], r[2])
      gone[#gone + 1] = id
    end
  end
  flush()
  return answer(ARGV[1], {gone, passed})
end
