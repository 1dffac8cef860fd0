-- ARGV: workflow, last node, then per node id, kind ("" or join), name, queue, priority, delay ms, ttl ms, predecessor,
-- successors, members, need, total, mode, "1" if it starts at once, pending (comma-joined), envelope up to its time.
-- A page of a workflow's nodes: nothing runs until it is started.
local FIELDS = 16
local wf = ARGV[1]
local base = WORKFLOW .. wf
redis.call('ZADD', STAGED, now, wf)
redis.call('HSET', base, 'last', ARGV[2])
for i = 3, #ARGV, FIELDS do
  local id, kind, name = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local r = {'n', name, 'q', ARGV[i + 3], 'p', ARGV[i + 4], 's', 'blocked', 'et', NOW, 'wf', wf, 'succ', ARGV[i + 8]}
  local function set(field, value) if value ~= '' then r[#r + 1] = field; r[#r + 1] = value end end
  set('kind', kind)
  set('delay', ARGV[i + 5])
  set('ttl', ARGV[i + 6])
  set('pred', ARGV[i + 7])
  if kind == 'join' then
    set('mem', ARGV[i + 9]); set('need', ARGV[i + 10]); set('total', ARGV[i + 11]); set('mode', ARGV[i + 12])
  else
    redis.call('SET', ARQ_JOB .. id, ARGV[i + 15] .. NOW .. '}')
    redis.call('HSET', NAMES, name, ARGV[i + 3])
    redis.call('HINCRBY', base, 'total', 1)
  end
  redis.call('HSET', JOB .. id, unpack(r))
  redis.call('RPUSH', base .. WORKFLOW_NODES, id)
  if ARGV[i + 13] == '1' then redis.call('RPUSH', base .. WORKFLOW_ROOTS, id) end
  for p in string.gmatch(ARGV[i + 14], '[^,]+') do redis.call('SADD', PENDING .. id, p) end
end
return 'ok'
