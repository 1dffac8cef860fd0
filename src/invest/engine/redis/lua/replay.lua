-- ARGV: dead letter, id of its new run, envelope up to its time ("": the payload as it is). A double click acts once.
-- Returns the new id, "" if it is no dead letter (any more), or "workflow" if it is a step of one.
local old, id = ARGV[1], ARGV[2]
local r = redis.call('HMGET', JOB .. old, 'n', 'q', 'p', 'ttl', 'wf', 'sub')
if not r[1] then return '' end
if r[5] then return 'workflow' end
if redis.call('ZREM', FAILED .. r[1], old) ~= 1 then return '' end
local body = ARGV[3] ~= '' and (ARGV[3] .. NOW .. '}') or redis.call('GET', ARQ_JOB .. old)
if not body then
  redis.call('ZADD', FAILED .. r[1], now, old)
  return 'gone'
end
redis.call('SET', ARQ_JOB .. id, body)
redis.call('HSET', JOB .. id, 'n', r[1], 'q', r[2], 'p', r[3], 's', 'queued', 'et', NOW, 'due', NOW, 'ttl', r[4] or 3600000, 'ro', old)
redis.call('HSET', JOB .. old, 'ra', id)
redis.call('PEXPIRE', JOB .. old, 7 * DAY)
redis.call('PEXPIRE', ARQ_JOB .. old, 7 * DAY)
put(id, r[1], r[2], r[3], now)
emit('queued', id, r[1], r[2])
emit('replayed', old, r[1], r[2], id)
flush()
return id
