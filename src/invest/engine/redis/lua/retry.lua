-- ARGV: workflow (or job that handed over). Runs again what did not succeed in it; what did is kept.
-- Returns "ok", "unknown", "running" (it, or a step told to stop, has not ended) or "succeeded".
local parent = ARGV[1]
local p = redis.call('HMGET', JOB .. parent, 's', 'sub', 'n', 'q', 'kind', 'wf')
if not p[1] or not p[2] then return 'unknown' end
if p[1] == 'succeeded' then return 'succeeded' end
if not FINAL[p[1]] or p[6] then return 'running' end
local wf = p[2]
local base = WORKFLOW .. wf
local nodes = redis.call('LRANGE', base .. WORKFLOW_NODES, 0, -1)
if #nodes == 0 then return 'unknown' end
for _, id in ipairs(nodes) do
  local s = redis.call('HGET', JOB .. id, 's')
  if not s then return 'unknown' end
  if s == 'running' or s == 'queued' or s == 'retrying' then return 'running' end
end
for _, part in ipairs({'', WORKFLOW_NODES, WORKFLOW_ROOTS, WORKFLOW_OUTCOMES, WORKFLOW_PLAN}) do
  redis.call('PERSIST', base .. part)
end
local again, succeeded = {}, {}
for _, id in ipairs(nodes) do
  redis.call('PERSIST', JOB .. id)
  local r = redis.call('HMGET', JOB .. id, 's', 'n', 'kind', 'd')
  if r[1] == 'succeeded' then
    succeeded[id] = true
  else
    again[#again + 1] = id
    redis.call('HSET', JOB .. id, 's', 'blocked', 'a', 0, 'bad', 0, 'b', r[4] or 0)
    redis.call('HDEL', base .. WORKFLOW_OUTCOMES, id)
    redis.call('DEL', ARQ_RESULT .. id, PENDING .. id)
    redis.call('PERSIST', ARQ_JOB .. id)
    if r[3] ~= 'join' then
      redis.call('ZREM', FAILED .. r[2], id)
      redis.call('ZREM', CANCELLED .. r[2], id)
      redis.call('HINCRBY', base, 'ended', -1)
    end
  end
end
redis.call('DEL', ARQ_RESULT .. parent, PENDING .. parent)
redis.call('PERSIST', JOB .. parent)
redis.call('PERSIST', ARQ_JOB .. parent)
redis.call('HSET', JOB .. parent, 's', 'running', 'bad', 0)
if p[5] ~= 'workflow' then redis.call('ZREM', INDEX[p[1]] .. p[3], parent) end
redis.call('SADD', PENDING .. parent, redis.call('HGET', base, 'last'))
local ready = {}
for _, id in ipairs(again) do
  local r = redis.call('HMGET', JOB .. id, 'kind', 'pred', 'mem')
  local waits = r[1] == 'join' and r[3] or r[2]
  if r[1] == 'join' and not r[3] then waits = r[2] end
  for before in string.gmatch(waits or '', '[^,]+') do
    if not succeeded[before] then redis.call('SADD', PENDING .. id, before) end
  end
  if redis.call('SCARD', PENDING .. id) == 0 then ready[#ready + 1] = id end
end
for _, id in ipairs(ready) do release(id) end
emit('retried', parent, p[3], p[4])
flush()
return 'ok'
