-- ARGV: per job id, token, action, head of the result envelope, value, delay ms, history entry.
-- Actions: succeeded, failed, cancelled (value: result or error) · retry (after delay) · back (handed back uncharged, after
-- delay) · over (value: staged workflow that goes on for it). Returns per job "ok" or "stale".
redis.call('DEL', OOM_GUARD)  -- a script that has written may go on when Redis is full
local replies = {}
local aborts = redis.call('EXISTS', ARQ_ABORT) == 1
for i = 1, #ARGV, 7 do
  local id, action, value = ARGV[i], ARGV[i + 2], ARGV[i + 4]
  local j = JOB .. id
  local r = redis.call('HMGET', j, 'tk', 'n', 'q', 'p', 'h')
  if r[1] ~= ARGV[i + 1] then
    replies[#replies + 1] = 'stale'
  else
    local name, queue = r[2], r[3]
    if (action == 'retry' or action == 'back') and aborts and redis.call('ZSCORE', ARQ_ABORT, id) then
      action, value = 'cancelled', as_error('Cancelled', 'cancelled while it ran')  -- asked to stop: it does not come back
    end
    if ARGV[i + 6] ~= '' then
      redis.call('HSET', j, 'h', r[5] and (r[5] .. ',' .. ARGV[i + 6]) or ARGV[i + 6])
    end
    leave_running(id, name)
    if action == 'retry' or action == 'back' then
      local due = now + tonumber(ARGV[i + 5])
      redis.call('DEL', ARQ_IN_PROGRESS .. id)
      redis.call('HSET', j, 's', action == 'retry' and 'retrying' or 'queued', 'due', string.format('%d', due), 'tk', '')
      redis.call('HINCRBY', j, action == 'retry' and 'a' or 'b', 1)
      if action == 'back' and value ~= '' then redis.call('HSETNX', j, 'unk', NOW) end
      if action == 'retry' then redis.call('HSET', j, 'e', value) end
      put(id, name, queue, r[4], due, action == 'retry' and RETRYING or WAITING)
      emit(action == 'retry' and 'retrying' or 'handed_back', id, name, queue, ARGV[i + 5])
      replies[#replies + 1] = 'ok'
    elseif action == 'over' then
      if start_workflow(value, id) then
        redis.call('DEL', ARQ_IN_PROGRESS .. id)
        redis.call('ZREM', queue_key(queue, r[4]), id)
        redis.call('HSET', j, 'head', ARGV[i + 3], 'tk', '')
        redis.call('HINCRBY', j, 'a', 1)
        emit('handed_over', id, name, queue, value)
        replies[#replies + 1] = 'ok'
      else
        replies[#replies + 1] = 'stale'
      end
    else
      if action ~= 'cancelled' then redis.call('HINCRBY', j, 'a', 1) end
      if aborts then redis.call('ZREM', ARQ_ABORT, id) end
      conclude(id, action, value, ARGV[i + 3] ~= '' and ARGV[i + 3] or nil)
      replies[#replies + 1] = 'ok'
    end
  end
end
flush()
return replies
