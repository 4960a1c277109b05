-- Reservations: a hash each at <base>res:<id>. s state (1 HELD, 2 COMMITTED, 3 FULFILLED, 4 RELEASED,
-- 5 EXPIRED), v fingerprint of the content, c grant time (ms), d ttl (ms), e expiry (ms), g sequence of the
-- grant, k term, n number of lines, p end of retention (ms). Every line i has
--   l<i> "requested granted backordered available flags sku" as granted; flags: 1 counted, 2 notify
--   o<i> "covered backordered fulfilled" as it is now, and after a reacquire "flags" of the present term;
--        absent while as granted
--   x<i> "restock_time\nsubstitute\n..." where the line was backordered under such a policy; y<i> the same
--        of the present term after a reacquire
-- and after a reacquire b when the present term began (ms).
-- Small fields on purpose: while every value is at most 64 bytes a hash is stored as one flat listpack.
local HELD, COMMITTED, FULFILLED, RELEASED, EXPIRED = 1, 2, 3, 4, 5
local COUNTED, NOTIFY = 1, 2
local LINE = '^(%d+) (%d+) (%d+) (%-?%d+) (%d) (.*)$'
local OPEN = '^(%d+) (%d+) (%d+) ?(%d*)$'

local records = {}         -- by id, as read and as decided so far
local changed_records = {} -- those to write

-- record_of makes a record of the fields that were read, nil where there are none or retention is over.
local function record_of(id, key, fields)
  local r = { id = id, key = key }
  if not fields.s then
    return r
  end
  local forget = tonumber(fields.p)
  if forget and forget <= now then
    r.forgotten = true
    return r
  end
  r.forget = forget
  r.exists = true
  r.stored_state = tonumber(fields.s)
  r.state = r.stored_state
  r.fingerprint = fields.v
  r.created = tonumber(fields.c or 0)
  r.ttl = tonumber(fields.d or 0)
  r.expires = tonumber(fields.e or 0)
  r.stored_expires = r.expires
  r.sequence = tonumber(fields.g or 0)
  r.term = tonumber(fields.k or 0)
  r.term_began = tonumber(fields.b)
  r.count = tonumber(fields.n or 0)
  r.fields = fields
  return r
end

-- record returns a reservation, read at most once. exists is nil where there is none.
local function record(id)
  local r = records[id]
  if not r then
    local key = base .. 'res:' .. id
    r = record_of(id, key, to_fields(redis.call('HGETALL', key)))
    records[id] = r
  end
  return r
end

-- lines_of returns a reservation's lines, parsed at most once.
local function lines_of(r)
  if r.lines then
    return r.lines
  end
  local lines = {}
  for i = 1, r.count do
    local requested, granted, backordered, available, flags, sku =
      string.match(r.fields['l' .. i], LINE)
    local line = {
      sku = sku, requested = tonumber(requested), granted = tonumber(granted),
      backordered_first = tonumber(backordered), available = tonumber(available),
      flags = tonumber(flags), extras = r.fields['x' .. i],
    }
    line.counted = line.flags % 2 == COUNTED
    local open = r.fields['o' .. i]
    if open then
      local covered, waiting, fulfilled, flags_now = string.match(open, OPEN)
      line.covered, line.backordered = tonumber(covered), tonumber(waiting)
      line.fulfilled, line.flags_now = tonumber(fulfilled), tonumber(flags_now)
      line.extras_now = line.flags_now and (r.fields['y' .. i] or '')
    else
      line.covered, line.backordered = line.granted - line.backordered_first, line.backordered_first
      line.fulfilled = 0
    end
    lines[i] = line
  end
  r.lines = lines
  return lines
end

local function is_due(r)
  return r.state == HELD and r.expires <= now
end

local function is_finished(r)
  return r.state >= FULFILLED
end

local function change_record(r)
  if not r.changed then
    r.changed = true
    changed_records[#changed_records + 1] = r
  end
end

-- finish_record ends a reservation in a state; its retention begins.
local function finish_record(r, state)
  r.state = state
  r.forget = now + retention
  change_record(r)
end

-- ended_state returns what a reservation becomes when its last open unit goes.
local function ended_state(r)
  for _, line in ipairs(lines_of(r)) do
    if line.fulfilled > 0 then
      return FULFILLED
    end
  end
  return RELEASED
end

-- record_index returns which sorted set lists a reservation in a state, and by which score.
local function record_index(state, r)
  if state == HELD then
    return KEYS[5], r.expires
  elseif state == COMMITTED then
    return KEYS[6], r.created
  end
  return KEYS[7], r.forget
end

local function append_pair(list, name, value)
  list[#list + 1] = name
  list[#list + 1] = value
end

-- open_field returns a line's o field.
local function open_field(line)
  local open = text(line.covered) .. ' ' .. text(line.backordered) .. ' ' .. text(line.fulfilled)
  return line.flags_now and open .. ' ' .. line.flags_now or open
end

-- full_record returns every field of a reservation that is new.
local function full_record(r)
  local list = { 's', text(r.state), 'c', text(r.created), 'g', text(r.sequence), 'k', text(r.term),
    'n', text(r.count) }
  if r.fingerprint then append_pair(list, 'v', r.fingerprint) end
  if r.ttl > 0 then
    append_pair(list, 'd', r.ttl)
    append_pair(list, 'e', r.expires)
  end
  if r.forget then append_pair(list, 'p', r.forget) end
  if r.term_began then append_pair(list, 'b', r.term_began) end
  for i, line in ipairs(r.lines) do
    append_pair(list, 'l' .. text(i), text(line.requested) .. ' ' .. text(line.granted) .. ' '
      .. text(line.backordered_first) .. ' ' .. text(line.available) .. ' ' .. text(line.flags) .. ' '
      .. line.sku)
    if line.extras then append_pair(list, 'x' .. i, line.extras) end
    if line.moved then
      append_pair(list, 'o' .. i, open_field(line))
      if line.extras_now then append_pair(list, 'y' .. i, line.extras_now) end
    end
  end
  return list
end

-- moved_fields returns the fields of a known reservation that have changed.
local function moved_fields(r)
  local list = {}
  if r.state ~= r.stored_state then
    append_pair(list, 's', text(r.state))
  end
  if r.expires ~= r.stored_expires then
    append_pair(list, 'e', text(r.expires))
  end
  if r.forget or r.term_began then
    append_pair(list, 'p', r.forget and text(r.forget) or '')
  end
  if r.term_began then
    append_pair(list, 'k', text(r.term))
    append_pair(list, 'b', text(r.term_began))
  end
  for i, line in ipairs(r.lines or {}) do
    if line.moved then
      append_pair(list, 'o' .. text(i), open_field(line))
      if line.extras_now then
        append_pair(list, 'y' .. i, line.extras_now)
      end
    end
  end
  return list
end

-- write_records gives every changed reservation its final state and its place in the one index of that
-- state, and takes it out of the other.
local function write_records()
  local indexes = { KEYS[5], KEYS[6], KEYS[7] }
  local added = { [KEYS[5]] = {}, [KEYS[6]] = {}, [KEYS[7]] = {} }
  local removed = { [KEYS[5]] = {}, [KEYS[6]] = {}, [KEYS[7]] = {} }
  for _, r in ipairs(changed_records) do
    if r.forgotten then
      redis.call('DEL', r.key)
    end
    unpack_call('HSET', r.key, r.stored_state and moved_fields(r) or full_record(r), 2)
    local index, score = record_index(r.state, r)
    append_pair(added[index], text(score), r.id)
    local old = r.stored_state and record_index(r.stored_state, r) or (r.forgotten and KEYS[7])
    if old and old ~= index then
      local list = removed[old]
      list[#list + 1] = r.id
    end
  end
  for _, key in ipairs(indexes) do
    unpack_call('ZADD', key, added[key], 2)
  end
  for _, key in ipairs(indexes) do
    unpack_call('ZREM', key, removed[key], 1)
  end
end

-- record_reply appends a reservation as it is to a reply: state, grant and expiry, ms, term, number of
-- lines, and of each line sku, requested, covered, backordered, fulfilled, released, flags and extras.
local function record_reply(reply, r)
  local at = #reply
  reply[at + 1], reply[at + 2], reply[at + 3] = r.state, r.created, r.expires
  reply[at + 4], reply[at + 5] = r.term, r.count
  at = at + 5
  for _, line in ipairs(lines_of(r)) do
    reply[at + 1], reply[at + 2], reply[at + 3] = line.sku, line.requested, line.covered
    reply[at + 4], reply[at + 5] = line.backordered, line.fulfilled
    reply[at + 6] = line.granted - line.covered - line.backordered - line.fulfilled
    reply[at + 7] = line.flags_now or line.flags
    reply[at + 8] = line.extras_now or line.extras or ''
    at = at + 8
  end
  return reply
end
