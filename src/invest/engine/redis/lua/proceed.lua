-- Takes up what earlier scripts left on the to-do list. Returns how many items are left.
return function(ARGV)
  while budget > 0 do
    local item = redis.call('LPOP', TODO)
    if not item then break end
    todo = {cjson.decode(item)}
    budget = budget - 1
    local rest = todo[1]
    todo = {}
    local good, why = pcall(DO[rest[1]], unpack(rest, 2))
    if not good then redis.log(redis.LOG_WARNING, 'invest: ' .. rest[1] .. ' of ' .. tostring(rest[2]) .. ': ' .. tostring(why.err or why)) end
    for _, item in ipairs(todo) do redis.call('RPUSH', TODO, cjson.encode(item)) end
  end
  todo = {}
  flush()
  return redis.call('LLEN', TODO)
end
