-- ARGV: job name, tick (ms), id for its run, queue, priority, ttl ms, envelope up to its time, next tick (ms), "1" to start it,
-- unique key.
-- Exactly one run per tick, however many schedulers: the first one to come moves `last`. Returns 1 if it started, else 0.
local name, tick, id = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local key = SCHEDULE .. name
local r = redis.call('HMGET', key, 'last', 'paused')
if r[1] and tonumber(r[1]) >= tick then return 0 end
redis.call('HSET', key, 'last', ARGV[2], 'next', ARGV[8])
local holder = ARGV[10] ~= '' and redis.call('GET', UNIQUE .. ARGV[10])
local state = holder and redis.call('HGET', JOB .. holder, 's')
if state and not FINAL[state] then ARGV[9] = '0' end  -- a run that holds the key has not ended: this tick passes
if ARGV[9] ~= '1' or r[2] == '1' or redis.call('EXISTS', JOB .. id) == 1 then
  redis.call('HSET', key, 'skipped', ARGV[2])
  return 0
end
redis.call('SET', ARQ_JOB .. id, ARGV[7] .. NOW .. '}')
redis.call('HSET', JOB .. id, 'n', name, 'q', ARGV[4], 'p', ARGV[5], 's', 'queued', 'et', NOW, 'due', NOW, 'ttl', ARGV[6])
if ARGV[10] ~= '' then
  redis.call('SET', UNIQUE .. ARGV[10], id)
  redis.call('HSET', JOB .. id, 'u', ARGV[10])
end
redis.call('HSET', key, 'ran', ARGV[2], 'job', id)
redis.call('HSET', NAMES, name, ARGV[4])
put(id, name, ARGV[4], ARGV[5], now)
emit('queued', id, name, ARGV[4])
wake_all()
return 1
