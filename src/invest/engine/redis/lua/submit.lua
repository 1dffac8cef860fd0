-- ARGV: workflow (staged; also its own id as a job), kind (chain, group, chord), ttl ms, head of its result envelope up to
-- its time, plan ("": too large to keep), the request's own id. Starts it, once. Returns 1, also to the same request sent
-- again; 0 if another started it before. Second: items on the to-do list.
return function(ARGV)
  local id = ARGV[1]
  local known = redis.call('HMGET', JOB .. id, F.state, F.request)
  if known[1] then return {known[2] == ARGV[6] and 1 or 0, redis.call('LLEN', TODO)} end
  if not redis.call('ZSCORE', STAGED, id) then return {0, 0} end
  redis.call('HSET', JOB .. id, F.name, ARGV[2], F.queue, '', F.priority, 0, F.state, 'running', F.kind, 'workflow', F.enqueued, NOW,
    F.started, NOW, F.result_ttl, ARGV[3], F.request, ARGV[6],
    F.result_head, ARGV[4] .. NOW .. ',"st":' .. NOW .. ',"q":"","id":' .. cjson.encode(id))
  start_workflow(id, id)
  if ARGV[5] ~= '' then redis.call('SET', WORKFLOW .. id .. WORKFLOW_PLAN, ARGV[5]) end
  emit('workflow', id, ARGV[2], '')
  flush()
  return {1, redis.call('LLEN', TODO)}
end
