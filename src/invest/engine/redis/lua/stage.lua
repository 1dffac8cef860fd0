-- ARGV: workflow, last node, then per node id, kind ("" or join), name, queue, priority, delay ms, expires ms after due, ttl ms,
-- predecessor, successors, members, need, total, mode, "1" if it starts at once, pending (comma-joined), envelope up to its time.
-- A page of a workflow's nodes: nothing runs until it is started. A page that is sent again changes nothing.
local FIELDS = 17
return function(ARGV)
  local wf = ARGV[1]
  local base = WORKFLOW .. wf
  if redis.call('HGET', base, WORKFLOW_STARTED) then return 0 end
  redis.call('ZADD', STAGED, now, wf)
  redis.call('HSET', base, WORKFLOW_LAST, ARGV[2])
  local nodes, roots, names, jobs = {}, {}, {}, 0
  for i = 3, #ARGV, FIELDS do
    local id, kind, name = ARGV[i], ARGV[i + 1], ARGV[i + 2]
    if redis.call('EXISTS', JOB .. id) == 0 then
      local r = {F.name, name, F.queue, ARGV[i + 3], F.priority, ARGV[i + 4], F.state, 'blocked', F.enqueued, NOW, F.workflow, wf,
        F.successors, ARGV[i + 9]}
      local function set(field, value) if value ~= '' then r[#r + 1] = field; r[#r + 1] = value end end
      set(F.kind, kind)
      set(F.delay, ARGV[i + 5]); set(F.expires_after, ARGV[i + 6]); set(F.result_ttl, ARGV[i + 7]); set(F.predecessor, ARGV[i + 8])
      if kind == 'join' then
        set(F.members, ARGV[i + 10]); set(F.need, ARGV[i + 11]); set(F.total, ARGV[i + 12]); set(F.mode, ARGV[i + 13])
      else
        redis.call('SET', ARQ_JOB .. id, ARGV[i + 16] .. NOW .. '}')
        names[name] = ARGV[i + 3]
        jobs = jobs + 1
      end
      redis.call('HSET', JOB .. id, unpack(r))
      nodes[#nodes + 1] = id
      if ARGV[i + 14] == '1' then roots[#roots + 1] = id end
      for p in string.gmatch(ARGV[i + 15], '[^,]+') do redis.call('SADD', PENDING .. id, p) end
    end
  end
  if #nodes > 0 then redis.call('RPUSH', base .. WORKFLOW_NODES, unpack(nodes)) end
  if #roots > 0 then redis.call('RPUSH', base .. WORKFLOW_ROOTS, unpack(roots)) end
  for name, queue in pairs(names) do redis.call('HSET', NAMES, name, queue) end
  if jobs > 0 then redis.call('HINCRBY', base, WORKFLOW_TOTAL, jobs) end
  return 1
end
