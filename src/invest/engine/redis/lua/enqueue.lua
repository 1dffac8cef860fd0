-- ARGV: the request's own id, "1" for a restore or "n" with notes, then per call id, "1" if the caller chose it, unique key, name, queue, priority,
-- delay ms, at ms, expires ms after due, not after ms, ttl ms, envelope up to its time. Returns per call {id, 1 if new}: new too
-- when this very request made it before. Restored while another job holds its key, a job ends as cancelled.
-- With notes five more per call: a key, what it is set to where the job is new, for how many seconds; a key that counts such bytes, how
-- many. A key may be empty.
local FIELDS, NOTE = 12, 5
local OUTSIDE = JOB:sub(1, #JOB - #'invest:job:')  -- the deployment's prefix
local request, replies, names, aborts

local function make(ARGV, i, id, unique, holder)
  local name, queue, priority = ARGV[i + 3], ARGV[i + 4], ARGV[i + 5]
  local due = now + tonumber(ARGV[i + 6])
  if ARGV[i + 7] ~= '' then due = math.max(now, tonumber(ARGV[i + 7])) end
  redis.call('HSET', JOB .. id, F.name, name, F.queue, queue, F.priority, priority, F.state, 'queued', F.enqueued, NOW,
    F.due, string.format('%d', due), F.result_ttl, ARGV[i + 10])
  local expires = ARGV[i + 9]
  if ARGV[i + 8] ~= '' then expires = string.format('%d', due + tonumber(ARGV[i + 8])) end
  if expires ~= '' then redis.call('HSET', JOB .. id, F.expires_at, expires) end
  if ARGV[i + 1] == '1' then redis.call('HSET', JOB .. id, F.request, request) end
  if unique ~= '' then
    redis.call('HSET', JOB .. id, F.unique, unique)
    if not holder then redis.call('SET', UNIQUE .. unique, id) end
  end
  if aborts then redis.call('ZREM', ARQ_ABORT, id) end  -- asked of an earlier job of that id
  put(id, name, queue, priority, due)
  emit('queued', id, name, queue)
  if not names[name] then
    redis.call('HSET', NAMES, name, queue)
    names[name] = true
  end
  if holder then conclude(id, 'cancelled', as_error('KeyTaken', 'job ' .. holder .. ' took its key while Redis was lost')) end
  replies[#replies + 1] = {id, 1}
end

local function write_note(ARGV, i)
  local key, ttl, counter = ARGV[i], ARGV[i + 2], ARGV[i + 3]
  if key == '' then return end
  redis.call('SET', OUTSIDE .. key, ARGV[i + 1], 'EX', ttl)
  if counter ~= '' then
    redis.call('INCRBY', OUTSIDE .. counter, ARGV[i + 4])
    redis.call('EXPIRE', OUTSIDE .. counter, 2 * ttl)
  end
end

return function(ARGV)
  local restoring, noting = ARGV[2] == '1', ARGV[2] == 'n'
  request, replies, names, aborts = ARGV[1], {}, {}, redis.call('EXISTS', ARQ_ABORT) == 1
  for i = 3, #ARGV, noting and FIELDS + NOTE or FIELDS do
    local id, chosen, unique = ARGV[i], ARGV[i + 1] == '1', ARGV[i + 2]
    local known = chosen and redis.call('HMGET', JOB .. id, F.state, F.request) or {redis.call('HGET', JOB .. id, F.state)}
    local holder = not known[1] and unique ~= '' and held(unique, id) or nil
    if known[1] then
      replies[#replies + 1] = {id, (not chosen or known[2] == request) and 1 or 0}
    elseif holder and not restoring then
      replies[#replies + 1] = {holder, 0}
    elseif not redis.call('SET', ARQ_JOB .. id, ARGV[i + 11] .. NOW .. '}', 'NX') then
      replies[#replies + 1] = {id, 0}
    else
      make(ARGV, i, id, unique, holder)
    end
    if noting and replies[#replies][2] == 1 then write_note(ARGV, i + FIELDS) end
  end
  flush()
  return replies
end
