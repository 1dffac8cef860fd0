-- ARGV: per job id, token, progress (JSON without its time).
for i = 1, #ARGV, 3 do
  local r = redis.call('HMGET', JOB .. ARGV[i], 'tk', 'n', 'q')
  if r[1] == ARGV[i + 1] then
    local text = ARGV[i + 2] .. NOW .. '}'
    redis.call('HSET', JOB .. ARGV[i], 'pr', text)
    emit('progress', ARGV[i], r[2], r[3], text)
  end
end
return 'ok'
