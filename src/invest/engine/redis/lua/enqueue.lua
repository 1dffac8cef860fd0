-- ARGV: per call id, unique key, name, queue, priority, delay ms, at ms, expires ms, ttl ms,
-- envelope up to its time. Returns per call {id, 1 if new}.
local FIELDS = 10
local replies, names = {}, {}
for i = 1, #ARGV, FIELDS do
  local id, unique, name, queue, priority = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]
  local holder = unique ~= '' and redis.call('GET', UNIQUE .. unique)
  if holder then
    local state = redis.call('HGET', JOB .. holder, 's')
    if not state or FINAL[state] then holder = false end
  end
  if not holder and redis.call('EXISTS', JOB .. id) == 1 then holder = id end
  if not holder and not redis.call('SET', ARQ_JOB .. id, ARGV[i + 9] .. NOW .. '}', 'NX') then holder = id end
  if holder then
    replies[#replies + 1] = {holder, 0}
  else
    local due = now + tonumber(ARGV[i + 5])
    if ARGV[i + 6] ~= '' then due = math.max(now, tonumber(ARGV[i + 6])) end
    local r = {'n', name, 'q', queue, 'p', priority, 's', 'queued', 'et', NOW, 'due', string.format('%d', due), 'ttl', ARGV[i + 8]}
    if ARGV[i + 7] ~= '' then r[#r + 1] = 'x'; r[#r + 1] = string.format('%d', due + tonumber(ARGV[i + 7])) end
    if unique ~= '' then
      redis.call('SET', UNIQUE .. unique, id)
      r[#r + 1] = 'u'; r[#r + 1] = unique
    end
    redis.call('HSET', JOB .. id, unpack(r))
    put(id, name, queue, priority, due)
    emit('queued', id, name, queue)
    if not names[name] then
      redis.call('HSET', NAMES, name, queue)
      names[name] = true
    end
    replies[#replies + 1] = {id, 1}
  end
end
wake_all()
return replies
