-- ARGV: per job id, token, progress (JSON without its time). It has a stream of its own: it must not push history out.
return function(ARGV)
  for i = 1, #ARGV, 3 do
    local r = redis.call('HMGET', JOB .. ARGV[i], F.token, F.name, F.queue)
    if r[1] == ARGV[i + 1] then
      local text = ARGV[i + 2] .. NOW .. '}'
      redis.call('HSET', JOB .. ARGV[i], F.progress, text)
      redis.call('XADD', PROGRESS_EVENTS, 'MAXLEN', '~', PROGRESS_CAP, '*', 'e', 'progress', 'id', ARGV[i], 'n', r[2], 'q', r[3], 'x', text)
    end
  end
  return 'ok'
end
