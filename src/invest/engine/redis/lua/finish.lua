-- ARGV: per job id, token, action, head of the result envelope, value, delay ms, history entry.
-- Actions: succeeded, failed, cancelled (value: result or error) · retry (after delay) · back (handed back uncharged, after
-- delay) · over (value: staged workflow that goes on for it). Returns {per job "ok", "stale" or what went wrong, items on the
-- to-do list}: a job whose end cannot be written fails by itself, the others of its batch go through.
local aborts

local function again(id, j, r, action, value, delay)
  local name, queue = r[2], r[3]
  local due = now + tonumber(delay)
  leave(id, 'running', name, queue, r[4])
  redis.call('DEL', ARQ_IN_PROGRESS .. id)
  redis.call('HSET', j, F.state, action == 'retry' and 'retrying' or 'queued', F.due, string.format('%d', due), F.token, '')
  redis.call('HINCRBY', j, action == 'retry' and F.attempts or F.hand_backs, 1)
  if action == 'back' and value ~= '' then redis.call('HSETNX', j, F.unknown_since, NOW) end
  if action == 'retry' then redis.call('HSET', j, F.error, value) end
  put(id, name, queue, r[4], due, action == 'retry' and RETRYING or WAITING)
  emit(action == 'retry' and 'retrying' or 'handed_back', id, name, queue, delay)
  return 'ok'
end

local function over(id, j, r, wf, head)
  if not start_workflow(wf, id) then return 'stale' end
  leave(id, 'running', r[2], r[3], r[4])
  redis.call('DEL', ARQ_IN_PROGRESS .. id)
  redis.call('HSET', j, F.result_head, head)
  redis.call('HINCRBY', j, F.attempts, 1)
  emit('handed_over', id, r[2], r[3], wf)
  return 'ok'
end

local function finish(ARGV, i)
  local id, token, action, head, value = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]
  local j = JOB .. id
  local r = redis.call('HMGET', j, F.state, F.name, F.queue, F.priority, F.workflow, F.unique, F.result_ttl, F.kind, F.sub, F.result_head,
    F.followed, F.token, F.attempts, F.history)
  if r[12] ~= token then return 'stale' end
  if (action == 'retry' or action == 'back' or action == 'over') and aborts and redis.call('ZSCORE', ARQ_ABORT, id) then
    action, value = 'cancelled', as_error('Cancelled', 'cancelled while it ran')  -- asked to stop: it does not go on
  end
  if ARGV[i + 6] ~= '' then redis.call('HSET', j, F.history, keep_history(r[14], ARGV[i + 6])) end
  if action == 'retry' or action == 'back' then return again(id, j, r, action, value, ARGV[i + 5]) end
  if action == 'over' then return over(id, j, r, value, head) end
  if aborts then redis.call('ZREM', ARQ_ABORT, id) end
  local attempts = action ~= 'cancelled' and (tonumber(r[13]) or 0) + 1 or nil
  r[9] = false  -- it ended by itself
  conclude(id, action, value, {record = r, head = head ~= '' and head or nil, attempts = attempts})
  return 'ok'
end

local function unwritten(ARGV, i, why)
  local said = 'its end could not be written: ' .. tostring(type(why) == 'table' and why.err or why)
  local id = ARGV[i]
  local good, worse = pcall(function()
    redis.call('HSET', JOB .. id, F.result_ttl, 3600000, F.state, 'running')
    redis.call('HDEL', JOB .. id, F.history)
    conclude(id, 'failed', as_error('Unwritten', said))
  end)
  return good and said or said .. '; ' .. tostring(type(worse) == 'table' and worse.err or worse)
end

return function(ARGV)
  local replies = {}
  aborts = redis.call('EXISTS', ARQ_ABORT) == 1
  for i = 1, #ARGV, 7 do
    local good, reply = pcall(finish, ARGV, i)
    replies[#replies + 1] = good and reply or unwritten(ARGV, i, reply)
  end
  flush()
  return {replies, redis.call('LLEN', TODO)}
end
