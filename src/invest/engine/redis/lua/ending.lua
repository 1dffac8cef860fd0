-- How jobs end: results, indexes, outcomes for those that wait.
local INLINE_MEMBERS, INLINE_BYTES = 1000, 1000000  -- a group's longer list is passed by reference

local function later(...) todo[#todo + 1] = {...} end

-- The beginning of arq's result envelope for a job that ends without a worker.
local function head_of(id, queue)
  local body = redis.pcall('GET', ARQ_JOB .. id)
  local ours = type(body) == 'string' and body:sub(1, 9) == '{"t":null' and body:sub(-1) == '}'
  if not ours then
    local good, envelope = pcall(cjson.decode, type(body) == 'string' and body or '')
    if not good or type(envelope) ~= 'table' or body:sub(1, 1) ~= '{' or body:sub(-1) ~= '}' then
      body = '{"t":null,"f":"?","a":[],"k":{},"et":' .. NOW .. '}'
    end
  end
  return body:sub(1, -2) .. ',"st":' .. NOW .. ',"q":' .. cjson.encode(ENVELOPE_QUEUE .. queue) .. ',"id":' .. cjson.encode(id)
end

-- The parts of a workflow live until it has ended, and then as long as anything that may read them.
local function expire_later(wf, ttl)
  if redis.call('EXISTS', WORKFLOW .. wf) == 1 then
    redis.call('HSET', WORKFLOW .. wf, WORKFLOW_ENDING, '1')
    later('expire', wf, ttl, 0)
  end
end

local ENDING_FIELDS = {F.state, F.name, F.queue, F.priority, F.workflow, F.unique, F.result_ttl, F.kind, F.sub, F.result_head,
  F.followed}

local function keep_until(state, kind, sub, ttl)
  if state == 'succeeded' then return ttl end
  if state == 'cancelled' then return (kind or sub) and CANCELLED_TTL or math.max(ttl, DAY) end
  return kind and FAILED_TTL or nil  -- a dead letter stays until it is replayed, discarded, or swept after thirty days
end

-- The outcome as those that wait for it read it: {"ok": value}, {"ref": where the list is}, {"err": error}, {"off": error}.
local function outcome_text(state, value, ref)
  local tag = state == 'succeeded' and (ref and 'ref' or 'ok') or state == 'cancelled' and 'off' or 'err'
  return '{"' .. tag .. '":' .. value .. '}'
end

-- A job or workflow ends. `value` is the JSON of its result, or of its error. `how`: record (the fields above, already read),
-- head (of the result envelope), ref (the value is a reference), outcome (what dependents are told instead), attempts.
local function conclude(id, state, value, how)
  how = how or {}
  local j = JOB .. id
  local r = how.record or redis.call('HMGET', j, unpack(ENDING_FIELDS))
  if not r[1] or FINAL[r[1]] then return end
  local name, queue, wf, kind, sub = r[2] or '?', r[3] or '', r[5], r[8], r[9]
  local good = state == 'succeeded'
  budget = budget - 4
  if kind == 'join' then
    redis.call('HSET', j, F.state, state, F.finished, NOW)
  else
    local ttl = math.max(1, tonumber(r[7]) or 3600000)
    local head = how.head or r[10] or head_of(id, queue)
    if good then redis.call('DEL', ARQ_IN_PROGRESS .. id, ARQ_JOB .. id) else redis.call('DEL', ARQ_IN_PROGRESS .. id) end
    if kind ~= 'workflow' then leave(id, r[1], name, queue, r[4]) end
    redis.call('SET', ARQ_RESULT .. id, head .. (good and ',"s":true' or ',"s":false') .. (state == 'cancelled' and ',"c":true' or '')
      .. (how.ref and ',"ref":true' or '') .. ',"r":' .. value .. ',"ft":' .. NOW .. '}', 'PX', ttl)
    if how.attempts then
      redis.call('HSET', j, F.state, state, F.finished, NOW, F.token, '', F.attempts, how.attempts)
    else
      redis.call('HSET', j, F.state, state, F.finished, NOW, F.token, '')
    end
    if not good then redis.call('HSET', j, F.error, value) end
    if kind ~= 'workflow' then redis.call('ZADD', ENDED[state] .. name, now, id) end
    local keep = not wf and keep_until(state, kind, sub, ttl)
    if keep then
      redis.call('PEXPIRE', j, keep)
      if not good then redis.call('PEXPIRE', ARQ_JOB .. id, keep) end
      forget_later(kind == 'workflow' and 'w' or state, id, name, keep)
    end
    if r[6] and redis.call('GET', UNIQUE .. r[6]) == id then redis.call('DEL', UNIQUE .. r[6]) end
    emit(state, id, name, queue)
    local said = good and not how.ref and #value <= TOLD_MAX and 'succeeded ' .. value or state
    redis.call('PUBLISH', FINISHED .. id, said)
    if #id == 32 then redis.call('PUBLISH', ENDS .. id:sub(13, 16), id .. ' ' .. said) end
    if r[11] then later('follow', id) end
    if sub and not wf then expire_later(sub, keep or FAILED_TTL) end
  end
  if wf then
    if kind ~= 'join' then redis.call('HINCRBY', WORKFLOW .. wf, WORKFLOW_ENDED, 1) end
    redis.call('HSET', WORKFLOW .. wf .. WORKFLOW_OUTCOMES, id, how.outcome or outcome_text(state, value, how.ref))
    later('settle', id, good, 0)
  end
end

-- The tag of an outcome (ok, ref, err, off), its value, and the text itself.
local function outcome_of(wf, id)
  local text = wf and id and redis.call('HGET', WORKFLOW .. wf .. WORKFLOW_OUTCOMES, id)
  if not text then
    local lost = as_error('Lost', 'the outcome of ' .. (id or 'a step') .. ' is gone')
    return 'err', lost, '{"err":' .. lost .. '}'
  end
  local tag = text:match('^{"(%a+)":')
  return tag, text:sub(#tag + 5, -2), text
end

-- The members' outcomes as one JSON list, or a reference to them where that would be long. Second: whether it is one.
local function assemble(id, wf, members, mode)
  local reference = '{"$members":' .. cjson.encode(id) .. ',"workflow":' .. cjson.encode(wf) .. '}'
  if members == false then return reference, true end
  local parts, size = {}, 0
  for member in string.gmatch(members, '[^,]+') do
    local tag, value = outcome_of(wf, member)
    if tag == 'ref' then return reference, true end
    if mode == 'outcomes' then
      value = '{"job_id":' .. cjson.encode(member) .. (tag == 'ok' and ',"ok":true,"value":' or ',"ok":false,"error":') .. value .. '}'
    end
    size = size + #value + 1
    if size > INLINE_BYTES then return reference, true end
    parts[#parts + 1] = value
  end
  return '[' .. table.concat(parts, ',') .. ']', false
end

-- A group's members, comma-joined; false where they are so many that only a reference to them is passed on.
local function members_of(id, inline)
  if inline then return inline end
  local count = redis.call('LLEN', MEMBERS .. id)
  if count > INLINE_MEMBERS then return false end
  return table.concat(redis.call('LRANGE', MEMBERS .. id, 0, -1), ',')
end

-- A join (a group's end) or a parent (a workflow, or a job that handed over) has all it waited for, or can't have it any more.
local function conclude_composite(id, good, cause)
  local r = redis.call('HMGET', JOB .. id, F.kind, F.workflow, F.sub, F.members, F.mode, F.predecessor)
  budget = budget - 2
  if r[1] == 'join' then
    if good and r[6] and redis.call('HGET', JOB .. r[6], F.state) ~= 'succeeded' then good, cause = false, r[6] end
    if good then
      local value, ref = assemble(id, r[2], members_of(id, r[4]), r[5])
      budget = budget - math.floor(#value / 2000)
      return conclude(id, 'succeeded', value, {ref = ref})
    end
    local tag, why = outcome_of(r[2], cause)
    return conclude(id, tag == 'off' and 'cancelled' or 'failed', why)
  end
  local tag, value = outcome_of(r[3], redis.call('HGET', WORKFLOW .. r[3], WORKFLOW_LAST))
  if tag == 'ok' or tag == 'ref' then return conclude(id, 'succeeded', value, {ref = tag == 'ref'}) end
  conclude(id, tag == 'off' and 'cancelled' or 'failed', value)
end
