-- What a call to a host came to. KEYS: host state. ARGV: 'ok' | 'fail' | 'pause', threshold, open ms, open max ms, pause ms.
-- Returns the ms the host stays closed.
local t = redis.call('TIME')
local now = t[1] * 1000 + t[2] / 1000
if ARGV[1] == 'ok' then
  redis.call('HDEL', KEYS[1], 'fails', 'opens', 'probe')
  return 0
end
redis.call('PEXPIRE', KEYS[1], 86400000)
if ARGV[1] == 'pause' then
  local known = tonumber(redis.call('HGET', KEYS[1], 'until') or '0')
  local till = math.max(known, now + tonumber(ARGV[5]))
  redis.call('HSET', KEYS[1], 'until', string.format('%.0f', till))
  return math.ceil(till - now)
end
local fails = redis.call('HINCRBY', KEYS[1], 'fails', 1)
redis.call('HDEL', KEYS[1], 'probe')
local closed_until = tonumber(redis.call('HGET', KEYS[1], 'until') or '0')
if fails < tonumber(ARGV[2]) then return 0 end
if now < closed_until then return math.ceil(closed_until - now) end
local opens = redis.call('HINCRBY', KEYS[1], 'opens', 1)
local span = math.min(tonumber(ARGV[3]) * 2 ^ (opens - 1), tonumber(ARGV[4]))
redis.call('HSET', KEYS[1], 'until', string.format('%.0f', now + span))
return math.ceil(span)
