-- Admission to one host, for all workers at once: breaker, monthly budget, token bucket (GCRA, in ms).
-- KEYS: host state, budget counter. ARGV: interval ms, burst, n, max wait ms, budget (-1: none), threshold, probe ms.
-- Returns {verdict, ms, failures}: ok (wait ms, then ask), open, busy, budget.
local t = redis.call('TIME')
local now = t[1] * 1000 + t[2] / 1000
local interval, burst, n = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local state = redis.call('HMGET', KEYS[1], 'tat', 'until', 'fails', 'probe')
local closed_until, fails = tonumber(state[2] or '0'), tonumber(state[3] or '0')
if now < closed_until then return {'open', math.ceil(closed_until - now), fails} end
local probing = fails >= tonumber(ARGV[6])
if probing then
  local probe = tonumber(state[4] or '0')
  if now < probe then return {'open', math.ceil(probe - now), fails} end
  n = 1
end
local budget = tonumber(ARGV[5])
if budget >= 0 then
  local used = tonumber(redis.call('GET', KEYS[2]) or '0')
  if used + n > budget then return {'budget', 0, fails} end
end
local tat = math.max(tonumber(state[1] or '0'), now) + n * interval
local wait = math.max(0, tat - burst * interval - now)
if wait > tonumber(ARGV[4]) then return {'busy', math.ceil(wait), fails} end
redis.call('HSET', KEYS[1], 'tat', string.format('%.3f', tat))
if probing then redis.call('HSET', KEYS[1], 'probe', string.format('%.0f', now + tonumber(ARGV[7]))) end
redis.call('PEXPIRE', KEYS[1], 86400000)
if budget >= 0 then
  redis.call('INCRBY', KEYS[2], n)
  redis.call('EXPIRE', KEYS[2], 3456000)
end
return {'ok', math.ceil(wait), fails, n}
