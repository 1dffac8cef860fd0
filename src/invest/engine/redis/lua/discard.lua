-- ARGV: dead letters. Returns how many were discarded; a second try finds none.
redis.call('DEL', OOM_GUARD)
local count = 0
for i = 1, #ARGV do
  local r = redis.call('HMGET', JOB .. ARGV[i], 'n', 'q')
  if r[1] and redis.call('ZREM', FAILED .. r[1], ARGV[i]) == 1 then
    redis.call('DEL', ARQ_JOB .. ARGV[i])
    redis.call('PEXPIRE', JOB .. ARGV[i], DAY)
    emit('discarded', ARGV[i], r[1], r[2])
    count = count + 1
  end
end
return count
