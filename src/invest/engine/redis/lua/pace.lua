-- ARGV: end of the newest span (ms), length of a span (ms), how many spans, job names. Reads alone.
-- Returns {succeeded of each span, failed of each span}, the oldest span first.
return function(ARGV)
  local till, each, count, found = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), {}
  for place, index in ipairs({DONE, FAILED}) do
    local sums = {}
    for span = 1, count do
      local from = till - each * (count - span + 1)
      local low, high, sum = string.format('(%.0f', from), string.format('%.0f', from + each), 0
      for i = 4, #ARGV do sum = sum + redis.call('ZCOUNT', index .. ARGV[i], low, high) end
      sums[span] = sum
    end
    found[place] = sums
  end
  return found
end
