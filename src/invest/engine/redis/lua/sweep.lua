-- ARGV: most to handle at once, then job names. Forgets what is past keeping: index entries of expired records, workflows that
-- were laid down but never started, workers that fell silent. Called by every worker now and then; returns how many went.
redis.call('DEL', OOM_GUARD)
local most, count = tonumber(ARGV[1]), 0
local function trim(key, before)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', key, '-inf', before, 'LIMIT', 0, most)) do
    if redis.call('EXISTS', JOB .. id) == 0 then
      redis.call('ZREM', key, id)
      count = count + 1
    end
  end
end
for i = 2, #ARGV do
  for _, index in ipairs({DONE, CANCELLED}) do trim(index .. ARGV[i], now - 60000) end
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', FAILED .. ARGV[i], '-inf', now - FAILED_TTL, 'LIMIT', 0, most)) do
    redis.call('ZREM', FAILED .. ARGV[i], id)
    redis.call('DEL', JOB .. id, ARQ_JOB .. id)
    count = count + 1
  end
end
trim(WORKFLOWS, now - 60000)
redis.call('ZREMRANGEBYSCORE', WORKERS, '-inf', now - 60000)
for _, wf in ipairs(redis.call('ZRANGEBYSCORE', STAGED, '-inf', now - 600000, 'LIMIT', 0, 10)) do
  local base = WORKFLOW .. wf
  for _, node in ipairs(redis.call('LRANGE', base .. WORKFLOW_NODES, 0, -1)) do
    redis.call('DEL', JOB .. node, ARQ_JOB .. node, PENDING .. node)
  end
  redis.call('DEL', base, base .. WORKFLOW_NODES, base .. WORKFLOW_ROOTS, base .. WORKFLOW_OUTCOMES)
  redis.call('ZREM', STAGED, wf)
  count = count + 1
end
return count
