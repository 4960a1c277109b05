-- Reservations: a hash each at <base>res:<id>.
--   h     "created sequence lines ttl fingerprint", as granted: time of the grant and ttl in ms (0: firm at
--         once), the sequence of the first answer; fingerprint of the content, - where released before reserved
--   s     "state term expires forget began by_release": state 1 HELD, 2 COMMITTED, 3 FULFILLED, 4 RELEASED,
--         5 EXPIRED; expiry and end of retention, ms, 0: none; when the present term began, ms, 0: with the
--         grant; by_release 1 where a whole Release ended it
--   l<i>  "requested granted backordered available flags sku", line i as granted. flags 1: counted, 2: notify;
--         of a line that got less than it asked for followed by ":reason:orderable", reason 1-6 as in
--         LineRefusalReason, orderable -1: unlimited
--   o<i>  "covered backordered fulfilled" as it is now, and after a reacquire "flags" of the present term;
--         absent while as granted. Of a finished reservation only fulfilled counts, absent: 0
--   x<i>  "restock_time\nsubstitutes", \30 between these, where the line was backordered or got less than it
--         asked for under such a policy; y<i> the same of the present term after a reacquire
-- Small fields on purpose: while every value is at most 64 bytes a hash is stored as one flat listpack.
local HELD, COMMITTED, FULFILLED, RELEASED, EXPIRED = 1, 2, 3, 4, 5
local COUNTED, NOTIFY = 1, 2
local HEAD = '^(%d+) (%d+) (%d+) (%d+) (.*)$'
local STATE = '^(%d) (%d+) (%d+) (%d+) (%d+) (%d)$'
local LINE = '^(%d+) (%d+) (%d+) (%-?%d+) (%d)(%S*) (.*)$'
local OPEN = '^(%d+) (%d+) (%d+) ?(%d*)$'

local changed_records = {} -- those to write
local lapses = {}          -- holds reclaimed in short, by id and in their order; see include/lapses.lua

-- new_record returns what stands for a reservation that is not there.
local function new_record(id)
  local r = { id = id, key = base .. 'res:' .. id, exists = false, changed = false }
  records[id] = r
  return r
end

-- open_record takes a record in by its fields h and s; it is not there where its retention is over.
local function open_record(r, head, state)
  if not head then
    return r
  end
  local created, sequence, count, ttl, fingerprint = string.match(head, HEAD)
  local s, term, expires, forget, began, by_release = string.match(state, STATE)
  r.forget = tonumber(forget)
  if r.forget > 0 and r.forget <= now then
    r.forgotten = true
    return r
  end
  r.exists = true
  r.created, r.sequence, r.count = tonumber(created), tonumber(sequence), tonumber(count)
  r.ttl, r.fingerprint = tonumber(ttl), fingerprint
  r.state, r.term, r.expires = tonumber(s), tonumber(term), tonumber(expires)
  r.stored_state = r.state
  r.began, r.by_release = tonumber(began), by_release == '1'
  r.lines, r.moved = {}, {}
  return r
end

-- fields_of returns the fields of a reservation as they are stored, or will be.
local function fields_of(r)
  return granted_fields(r.id) or to_fields(redis.call('HGETALL', r.key))
end


-- parse_line reads a line by its fields.
local function parse_line(r, i, granted_text, open_text)
  local requested, granted, backordered, available, flags, refusal, sku = string.match(granted_text, LINE)
  local line = {
    sku = sku, requested = tonumber(requested), granted = tonumber(granted), text = granted_text,
    backordered_first = tonumber(backordered), available = tonumber(available),
    flags = tonumber(flags), refusal = refusal, fulfilled = 0, moved = false, extras = false,
    covered = 0, backordered = 0, counted = false,
  }
  line.counted = line.flags % 2 == COUNTED
  if open_text then
    local covered, waiting, fulfilled, flags_now = string.match(open_text, OPEN)
    line.covered, line.backordered = tonumber(covered), tonumber(waiting)
    line.fulfilled, line.flags_now = tonumber(fulfilled), tonumber(flags_now)
  elseif r.stored_state < FULFILLED then
    line.covered, line.backordered = line.granted - line.backordered_first, line.backordered_first
  end
  if r.stored_state >= FULFILLED then
    line.covered, line.backordered = 0, 0
  end
  r.lines[i] = line
  work = work + 1
  return line
end

-- lines_of returns a reservation's lines, all of them, each parsed at most once.
local function lines_of(r)
  if r.whole then
    return r.lines
  end
  r.fields = r.fields or fields_of(r)
  local stored = r.fields
  for i = 1, r.count do
    local line = r.lines[i] or parse_line(r, i, stored['l' .. i], stored['o' .. i])
    line.extras = stored['x' .. i] or false
    line.extras_now = line.flags_now and (line.extras_now or stored['y' .. i] or '')
  end
  r.whole = true
  return r.lines
end

-- line_of returns one line; of a record that was not read as a whole only that line is read.
local function line_of(r, i)
  local line = r.lines[i]
  if line then
    return line
  end
  if r.fields then
    return lines_of(r)[i]
  end
  local stored = redis.call('HMGET', r.key, 'l' .. i, 'o' .. i)
  return parse_line(r, i, stored[1], stored[2])
end

-- read_items_of reads the SKUs of reservations together.
local function read_items_of(list)
  local skus, seen = {}, {}
  for _, r in ipairs(list) do
    local lines = lines_of(r)
    for i = 1, r.count do
      local sku = lines[i].sku
      if lines[i].counted and not items[sku] and not seen[sku] then
        seen[sku] = true
        skus[#skus + 1] = sku
      end
    end
  end
  read_items(skus)
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

-- move_line notes that a line's open units are to be written.
local function move_line(r, i, line)
  if not line.moved then
    line.moved = true
    r.moved[#r.moved + 1] = i
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

-- take_over makes a hold that was reclaimed in short a reservation like any other: what happens to it besides is
-- written with that.
local function take_over(r)
  lapses[r.id].taken = true
  for i, line in ipairs(lines_of(r)) do
    line.covered = 0
    move_line(r, i, line)
  end
  finish_record(r, EXPIRED)
  return r
end

-- record returns a reservation, read at most once. exists is false where there is none.
local function record(id)
  local r = records[id]
  if r then
    return r
  end
  r = new_record(id)
  r.fields = fields_of(r)
  open_record(r, r.fields.h, r.fields.s)
  return lapses[id] and take_over(r) or r
end

-- waiting_line returns the reservation and the line that an entry of a queue names, and reads no more than
-- that: an order of 1,000 lines may stand in as many queues.
local function waiting_line(id, i)
  local r = records[id] or (grants[id] and record(id))
  if r then
    return r, line_of(r, i)
  end
  r = new_record(id)
  local stored = redis.call('HMGET', r.key, 'h', 's', 'l' .. i, 'o' .. i)
  open_record(r, stored[1], stored[2])
  return r, parse_line(r, i, stored[3], stored[4])
end

-- record_index returns which sorted set lists a reservation in a state, and by which score.
local function record_index(state, r)
  if state == HELD then
    return 5, r.expires
  elseif state == COMMITTED then
    return 6, r.created
  end
  return 7, r.forget
end

local function state_field(r)
  return r.state .. ' ' .. text(r.term) .. ' ' .. text(r.expires) .. ' ' .. text(r.forget) .. ' '
    .. text(r.began) .. ' ' .. (r.by_release and '1' or '0')
end

-- put_open adds the o and y fields of the lines that moved. Of a finished reservation, of which nothing is
-- open, only what was fulfilled is kept.
local function put_open(r, list)
  local finished = is_finished(r)
  for _, i in ipairs(r.moved) do
    local line = r.lines[i]
    if not finished or line.fulfilled > 0 or line.flags_now then
      local open = text(line.covered) .. ' ' .. text(line.backordered) .. ' ' .. text(line.fulfilled)
      list[#list + 1] = 'o' .. i
      list[#list + 1] = line.flags_now and open .. ' ' .. line.flags_now or open
    end
    if line.extras_now then
      list[#list + 1] = 'y' .. i
      list[#list + 1] = line.extras_now
    end
  end
  return list
end

-- full_record returns every field of a reservation that is new.
local function full_record(r)
  local list = { 'h', text(r.created) .. ' ' .. text(r.sequence) .. ' ' .. text(r.count) .. ' ' .. text(r.ttl)
    .. ' ' .. r.fingerprint, 's', state_field(r) }
  local at = 4
  for i = 1, r.count do
    local line = r.lines[i]
    list[at + 1], list[at + 2] = 'l' .. i, line.text
    at = at + 2
    if line.extras then
      list[at + 1], list[at + 2] = 'x' .. i, line.extras
      at = at + 2
    end
  end
  return put_open(r, list)
end

-- write_lapses writes the holds that were reclaimed in short, and adds what changes of the indexes to the lists.
local function write_lapses(finished, not_held)
  local forget = text(now + retention)
  for n = 1, #lapses do
    local lapse = lapses[n]
    if not lapse.taken then
      redis.call('HSET', base .. 'res:' .. lapse.id, 's', '5 1 ' .. text(lapse.expires) .. ' ' .. forget .. ' 0 0')
      local at = #finished
      finished[at + 1], finished[at + 2] = forget, lapse.id
      not_held[#not_held + 1] = lapse.id
    end
  end
end

-- remains returns the fields of a reservation whose retention is over that its successor does not have.
local function remains(r, list)
  local has, left = {}, {}
  for i = 1, #list, 2 do
    has[list[i]] = true
  end
  for name in pairs(r.fields) do
    if not has[name] then left[#left + 1] = name end
  end
  return left
end

-- write_records gives every changed reservation its final state and its place in the one index of that
-- state, and takes it out of the other.
local function write_records()
  local added, removed = { [5] = {}, [6] = {}, [7] = {} }, { [5] = {}, [6] = {}, [7] = {} }
  write_lapses(added[7], removed[5])
  for n = 1, #changed_records do
    local r = changed_records[n]
    local list = r.stored_state and put_open(r, { 's', state_field(r) }) or full_record(r)
    unpack_call('HSET', r.key, list, 2)
    if r.forgotten then
      unpack_call('HDEL', r.key, remains(r, list), 1)
    end
    local index, score = record_index(r.state, r)
    list = added[index]
    local at = #list
    list[at + 1], list[at + 2] = text(score), r.id
    local old = r.stored_state and record_index(r.stored_state, r) or (r.forgotten and 7)
    if old and old ~= index then
      list = removed[old]
      list[#list + 1] = r.id
    end
  end
  for index = 5, 7 do
    unpack_call('ZADD', KEYS[index], added[index], 2)
  end
  for index = 5, 7 do
    unpack_call('ZREM', KEYS[index], removed[index], 1)
  end
end

-- record_reply appends a reservation as it is to a reply: state, grant and expiry, ms, term, number of
-- lines, and of each line sku, requested, covered, backordered, fulfilled, released, flags and what follows
-- them, and extras.
local function record_reply(reply, r)
  local at = #reply
  reply[at + 1], reply[at + 2], reply[at + 3] = r.state, r.created, r.expires
  reply[at + 4], reply[at + 5] = r.term, r.count
  at = at + 5
  for i, line in ipairs(lines_of(r)) do
    reply[at + 1], reply[at + 2], reply[at + 3] = line.sku, line.requested, line.covered
    reply[at + 4], reply[at + 5] = line.backordered, line.fulfilled
    reply[at + 6] = line.granted - line.covered - line.backordered - line.fulfilled
    reply[at + 7] = text(line.flags_now or line.flags) .. line.refusal
    reply[at + 8] = line.flags_now and line.extras_now or line.extras or ''
    at = at + 8
  end
  return reply
end
