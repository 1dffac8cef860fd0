-- ARGV: workflow, node, "members" or "successors", how many were there before this page, ids. A page of the edges of a node that
-- has many; a page that is sent again changes nothing. A join waits for its members.
return function(ARGV)
  if redis.call('HGET', WORKFLOW .. ARGV[1], WORKFLOW_STARTED) then return 0 end
  local id, members = ARGV[2], ARGV[3] == 'members'
  local key = (members and MEMBERS or SUCCESSORS) .. id
  if redis.call('LLEN', key) > tonumber(ARGV[4]) then return 0 end
  redis.call('RPUSH', key, unpack(ARGV, 5))
  redis.call('HSET', JOB .. id, members and F.many_members or F.many_successors, '1')
  if members then redis.call('SADD', PENDING .. id, unpack(ARGV, 5)) end
  redis.call('ZADD', STAGED, now, ARGV[1])
  return 1
end
