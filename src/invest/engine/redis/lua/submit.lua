-- ARGV: workflow (staged; also its own id as a job), kind (chain, group, chord), ttl ms, head of its result envelope up to
-- its time, plan ("": too large to keep). Starts it, once. Returns 1, or 0 if it was started before.
local id = ARGV[1]
if redis.call('EXISTS', JOB .. id) == 1 then return 0 end
redis.call('HSET', JOB .. id, 'n', ARGV[2], 'q', '', 'p', 0, 's', 'running', 'kind', 'workflow', 'et', NOW, 'st', NOW,
  'ttl', ARGV[3], 'head', ARGV[4] .. NOW .. ',"st":' .. NOW .. ',"q":"","id":' .. cjson.encode(id))
if not start_workflow(id, id) then
  redis.call('DEL', JOB .. id)
  return 0
end
if ARGV[5] ~= '' then redis.call('SET', WORKFLOW .. id .. WORKFLOW_PLAN, ARGV[5]) end
emit('workflow', id, ARGV[2], '')
flush()
return 1
