-- What follows from an end, in slices: a script does `SLICE` units of it and leaves the rest on the to-do list, whose items any
-- worker or client takes up (proceed.lua). Items name ids only, and each can be done again without harm.
local PAGE = 50

local function release(id)
  local r = redis.call('HMGET', JOB .. id, F.state, F.name, F.queue, F.priority, F.kind, F.delay, F.expires_after)
  budget = budget - 1
  if r[1] ~= 'blocked' then return end
  if r[5] == 'join' then return conclude_composite(id, true) end
  local due = now + (tonumber(r[6]) or 0)
  local set = {F.state, 'queued', F.due, string.format('%d', due)}
  if r[7] then set[5] = F.expires_at; set[6] = string.format('%d', due + tonumber(r[7])) end
  redis.call('HSET', JOB .. id, unpack(set))
  put(id, r[2], r[3], r[4], due)
  emit('queued', id, r[2], r[3])
end

-- Cancels one job. `upward` also cancels what a blocked job waits for. Returns "cancelled", "asked" (it runs) or nil.
local function stop(id, upward, why)
  local r = redis.call('HMGET', JOB .. id, F.state, F.kind, F.sub, F.token)
  budget = budget - 1
  if not r[1] or FINAL[r[1]] then return nil end
  local composite = r[2] or (r[3] and r[1] == 'running' and (r[4] or '') == '')
  if composite or (upward and r[1] == 'blocked') then later('drain', id, why) end
  if r[1] == 'running' and not composite then
    redis.call('ZADD', ARQ_ABORT, now, id)
    redis.call('PUBLISH', CONTROL, 'cancel ' .. id)
    return 'asked'
  end
  conclude(id, 'cancelled', as_error('Cancelled', why))
  return 'cancelled'
end

-- `id` ended: tells `s`, which waits for it. A set is emptied, never a counter lowered: telling twice changes nothing.
local function tell(s, id, good)
  budget = budget - 1
  if redis.call('SREM', PENDING .. s, id) == 0 then return end
  local r = redis.call('HMGET', JOB .. s, F.state, F.kind, F.need, F.total, F.bad, F.sub, F.workflow)
  if not r[1] or FINAL[r[1]] then return end
  if r[2] or r[6] then
    local bad = good and tonumber(r[5] or 0) or redis.call('HINCRBY', JOB .. s, F.bad, 1)
    if tonumber(r[4] or 1) - bad < tonumber(r[3] or 1) then
      conclude_composite(s, false, id)
      later('drain', s, 'another step of its group failed')
    elseif redis.call('SCARD', PENDING .. s) == 0 then
      conclude_composite(s, true)
    end
  elseif not good then
    local _, _, text = outcome_of(r[7], id)
    conclude(s, 'cancelled', as_error('UpstreamFailed', 'the step before it did not succeed: ' .. id), {outcome = text})
  elseif redis.call('SCARD', PENDING .. s) == 0 then
    release(s)
  end
end

local DO = {}

function DO.settle(id, good, from)
  local r = redis.call('HMGET', JOB .. id, F.successors, F.many_successors)
  if not r[2] then
    for s in string.gmatch(r[1] or '', '[^,]+') do tell(s, id, good) end
    return
  end
  local page = redis.call('LRANGE', SUCCESSORS .. id, from, from + PAGE - 1)
  for _, s in ipairs(page) do tell(s, id, good) end
  if #page == PAGE then later('settle', id, good, from + PAGE) end
end

-- Those that follow a job (follow.lua) are released by its end.
function DO.follow(id)
  local popped = redis.call('SPOP', FOLLOWERS .. id, PAGE)
  for _, follower in ipairs(popped) do release(follower) end
  if #popped == PAGE then later('follow', id) end
end

function DO.drain(id, why)
  local popped = redis.call('SPOP', PENDING .. id, PAGE)
  for _, p in ipairs(popped) do stop(p, true, why) end
  if #popped == PAGE then later('drain', id, why) end
end

function DO.roots(wf, from)
  local page = redis.call('LRANGE', WORKFLOW .. wf .. WORKFLOW_ROOTS, from, from + PAGE - 1)
  for _, root in ipairs(page) do release(root) end
  if #page == PAGE then later('roots', wf, from + PAGE) end
end

local PARTS = {'', WORKFLOW_NODES, WORKFLOW_ROOTS, WORKFLOW_OUTCOMES, WORKFLOW_PLAN}
local NODE_KEYS = {JOB, ARQ_JOB, PENDING, MEMBERS, SUCCESSORS}

function DO.expire(wf, ttl, from)
  local base = WORKFLOW .. wf
  local page = redis.call('LRANGE', base .. WORKFLOW_NODES, from, from + PAGE - 1)
  for _, node in ipairs(page) do
    local r = redis.call('HMGET', JOB .. node, F.state, F.name, F.kind, F.sub)
    if r[1] and not FINAL[r[1]] then stop(node, false, 'its workflow has ended') end  -- nobody waits for it any more
    for _, key in ipairs(NODE_KEYS) do redis.call('PEXPIRE', key .. node, ttl) end
    if r[1] and r[3] ~= 'join' then forget_later('*', node, r[2] or '?', ttl) end
    if r[4] then expire_later(r[4], ttl) end
    budget = budget - 1
  end
  if #page == PAGE then return later('expire', wf, ttl, from + PAGE) end
  redis.call('HDEL', base, WORKFLOW_ENDING)
  for _, part in ipairs(PARTS) do redis.call('PEXPIRE', base .. part, ttl) end
end

function DO.persist(wf, from)
  local base = WORKFLOW .. wf
  if from == 0 then for _, part in ipairs(PARTS) do redis.call('PERSIST', base .. part) end end
  local page = redis.call('LRANGE', base .. WORKFLOW_NODES, from, from + PAGE - 1)
  for _, node in ipairs(page) do
    for _, key in ipairs(NODE_KEYS) do redis.call('PERSIST', key .. node) end
    local sub = redis.call('HGET', JOB .. node, F.sub)
    if sub then later('persist', sub, 0) end
    budget = budget - 1
  end
  if #page == PAGE then later('persist', wf, from + PAGE) end
end

-- Whether a retry may go on: nobody has cancelled it meanwhile, and it is not another one's.
local function retrying(parent, wf, request)
  local r = redis.call('HMGET', JOB .. parent, F.state, F.sub)
  return r[1] == 'running' and r[2] == wf and redis.call('HGET', WORKFLOW .. wf, WORKFLOW_RETRY) == request
end

-- What succeeded is kept, and what failed within a group that succeeded all the same.
local function kept(id, state, successors, many)
  if state == 'succeeded' then return true end
  if many then successors = redis.call('LINDEX', SUCCESSORS .. id, 0) end
  local all = false
  for s in string.gmatch(successors or '', '[^,]+') do
    local r = redis.call('HMGET', JOB .. s, F.state, F.kept)
    if r[1] ~= 'succeeded' and r[2] ~= '1' then return false end
    all = true
  end
  return all
end

-- First from the last node to the first: those to run again are blocked and forget how they ended.
function DO.reset(wf, parent, request, from)
  if not retrying(parent, wf, request) then return end
  local base = WORKFLOW .. wf
  local page = redis.call('LRANGE', base .. WORKFLOW_NODES, -from - PAGE, -from - 1)
  for i = #page, 1, -1 do
    local id = page[i]
    local r = redis.call('HMGET', JOB .. id, F.state, F.name, F.kind, F.deliveries, F.sub, F.successors, F.many_successors)
    budget = budget - 3
    if not r[1] then return conclude(parent, 'failed', as_error('Lost', 'a step of it has expired: ' .. id)) end
    for _, key in ipairs(NODE_KEYS) do redis.call('PERSIST', key .. id) end
    if kept(id, r[1], r[6], r[7]) then
      redis.call('HSET', JOB .. id, F.kept, '1')
      if r[5] then later('persist', r[5], 0) end
    else
      redis.call('HSET', JOB .. id, F.state, 'blocked', F.attempts, 0, F.bad, 0, F.hand_backs, r[4] or 0, F.token, '')
      redis.call('HDEL', JOB .. id, F.kept, F.sub, F.result_head, F.expires_at, F.unknown_since)
      redis.call('HDEL', base .. WORKFLOW_OUTCOMES, id)
      redis.call('DEL', ARQ_RESULT .. id)
      redis.call('UNLINK', PENDING .. id)
      if r[5] then expire_later(r[5], 60000) end
      if r[3] ~= 'join' then
        redis.call('ZREM', FAILED .. r[2], id)
        redis.call('ZREM', CANCELLED .. r[2], id)
        redis.call('HINCRBY', base, WORKFLOW_ENDED, -1)
      end
    end
  end
  if #page == PAGE then return later('reset', wf, parent, request, from + PAGE) end
  later('relink', wf, parent, request, 0)
end

-- Then each waits again for those before it that run again.
function DO.relink(wf, parent, request, from)
  if not retrying(parent, wf, request) then return end
  local page = redis.call('LRANGE', WORKFLOW .. wf .. WORKFLOW_NODES, from, from + PAGE - 1)
  for _, id in ipairs(page) do
    local r = redis.call('HMGET', JOB .. id, F.state, F.kept, F.predecessor, F.successors, F.many_successors)
    budget = budget - 1
    if r[2] ~= '1' then
      if r[3] and redis.call('HGET', JOB .. r[3], F.kept) ~= '1' then redis.call('SADD', PENDING .. id, r[3]) end
      if not r[5] then
        for s in string.gmatch(r[4] or '', '[^,]+') do
          if redis.call('HGET', JOB .. s, F.kept) ~= '1' then redis.call('SADD', PENDING .. s, id) end
        end
      end
    end
  end
  if #page == PAGE then return later('relink', wf, parent, request, from + PAGE) end
  later('rerun', wf, parent, request, 0)
end

-- At last those that wait for nothing start.
function DO.rerun(wf, parent, request, from)
  if not retrying(parent, wf, request) then return end
  local page = redis.call('LRANGE', WORKFLOW .. wf .. WORKFLOW_NODES, from, from + PAGE - 1)
  for _, id in ipairs(page) do
    budget = budget - 1
    if redis.call('HGET', JOB .. id, F.state) == 'blocked' and redis.call('SCARD', PENDING .. id) == 0 then release(id) end
  end
  if #page == PAGE then return later('rerun', wf, parent, request, from + PAGE) end
  local last = redis.call('HGET', WORKFLOW .. wf, WORKFLOW_LAST)
  if redis.call('HGET', JOB .. last, F.kept) == '1' then tell(parent, last, true) end  -- only what follows from it was cut off
end

-- A workflow that was laid down and never started goes.
function DO.drop(wf)
  local base = WORKFLOW .. wf
  if redis.call('HGET', base, WORKFLOW_STARTED) then return end
  local page = redis.call('LRANGE', base .. WORKFLOW_NODES, 0, PAGE - 1)
  for _, node in ipairs(page) do
    for _, key in ipairs(NODE_KEYS) do redis.call('UNLINK', key .. node) end
    budget = budget - 1
  end
  redis.call('LTRIM', base .. WORKFLOW_NODES, PAGE, -1)
  if #page == PAGE then return later('drop', wf) end
  for _, part in ipairs(PARTS) do redis.call('UNLINK', base .. part) end
end

-- Starts a staged workflow under `parent`; false if it was started before or its staging was swept away.
local function start_workflow(wf, parent)
  if redis.call('ZREM', STAGED, wf) ~= 1 then return false end
  redis.call('HSET', WORKFLOW .. wf, WORKFLOW_STARTED, '1')
  redis.call('SADD', PENDING .. parent, redis.call('HGET', WORKFLOW .. wf, WORKFLOW_LAST))
  redis.call('HSET', JOB .. parent, F.sub, wf, F.state, 'running', F.token, '', F.bad, 0, F.need, 1, F.total, 1)
  redis.call('ZADD', WORKFLOWS, now, parent)
  later('roots', wf, 0)
  return true
end

-- The end of every script: what follows from what it did, as far as the slice goes, and the messages.
local function flush()
  local i = 1
  while i <= #todo and budget > 0 do
    local item = todo[i]
    local good, why = pcall(DO[item[1]], unpack(item, 2))
    if not good then redis.log(redis.LOG_WARNING, 'invest: ' .. item[1] .. ' of ' .. tostring(item[2]) .. ': ' .. tostring(why.err or why)) end
    i = i + 1
  end
  for k = i, #todo do redis.call('RPUSH', TODO, cjson.encode(todo[k])) end
  for number, list in pairs(forgotten) do
    local bucket = string.format('%d', number)
    for k = 1, #list, 500 do redis.call('RPUSH', FORGET .. bucket, unpack(list, k, math.min(k + 499, #list))) end
    redis.call('ZADD', FORGETTING, bucket, bucket)
  end
  for queue in pairs(wakes) do redis.call('PUBLISH', WAKE .. queue, '') end
end
