-- ARGV: how many jobs of each index are wanted (waiting due, waiting later, retrying, running, done, failed, cancelled:
-- ids by score, ended ones newest first), then job names. Reads alone.
-- Returns {now, counts of each name one after the other (nine: waiting due, waiting later, retrying due, retrying, running,
-- failed, done, parked, cancelled), of each index {id, score, id, score, …}}.
return function(ARGV)
  local indexes = {
    {WAITING, '-inf', NOW}, {WAITING, '(' .. NOW, '+inf'}, {RETRYING, '-inf', '+inf'}, {RUNNING, '-inf', '+inf'},
    {DONE}, {FAILED}, {CANCELLED},
  }
  local first, counts, heads = #indexes + 1, {}, {}
  for i = first, #ARGV do
    local name = ARGV[i]
    counts[#counts + 1] = redis.call('ZCOUNT', WAITING .. name, '-inf', NOW)
    counts[#counts + 1] = redis.call('ZCOUNT', WAITING .. name, '(' .. NOW, '+inf')
    counts[#counts + 1] = redis.call('ZCOUNT', RETRYING .. name, '-inf', NOW)
    for _, index in ipairs({RETRYING, RUNNING, FAILED, DONE, PARKED, CANCELLED}) do
      counts[#counts + 1] = redis.call('ZCARD', index .. name)
    end
  end
  for place, index in ipairs(indexes) do
    local most, ended, found, flat = tonumber(ARGV[place]), index[2] == nil, {}, {}
    for i = first, most > 0 and #ARGV or 0 do
      local key = index[1] .. ARGV[i]
      local rows = ended and redis.call('ZREVRANGE', key, 0, most - 1, 'WITHSCORES')
        or redis.call('ZRANGEBYSCORE', key, index[2], index[3], 'WITHSCORES', 'LIMIT', 0, most)
      for r = 1, #rows, 2 do found[#found + 1] = {rows[r], tonumber(rows[r + 1])} end
    end
    table.sort(found, function(a, b)
      if a[2] ~= b[2] then return (a[2] > b[2]) == ended end
      return a[1] ~= b[1] and (a[1] > b[1]) == ended
    end)
    for n = 1, math.min(most, #found) do
      flat[#flat + 1] = found[n][1]
      flat[#flat + 1] = string.format('%.0f', found[n][2])
    end
    heads[place] = flat
  end
  return {NOW, counts, unpack(heads)}
end
