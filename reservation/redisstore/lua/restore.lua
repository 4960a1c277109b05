-- restore builds a stock from the parts of an export, some at a time. Until the last the stock is marked with the
-- export's id, and every other script that would write to it answers STOCK_RESTORING. Each part is final and
-- written as it is, so that a restore may go on, or begin again, with the same export.
--
-- Include: mutation
-- KEYS[12..] the parts' reservations <base>res:<id> and request ids <base>req:<id>, each once
-- ARGV, per request:
--   not_after    ms of store time
--   export       its id
--   parts        how many; each: kind, then by kind
--     begin
--     default      fields, each: name, value
--     item         number of the SKU, on hand, reserved, queued, filling, own policy as stored (\29 for a newline)
--     request      index in KEYS, fingerprint, sequence, time ms, end of retention ms, the answer's two texts (\29
--                  for a newline)
--     reservation  index in KEYS, state, fingerprint (-: none), grant ms, ttl ms, expiry ms, sequence, term, begin
--                  of the term ms, end of retention ms (each 0: none), 1 where a whole Release ended it, lines,
--                  each: its fields l, o (empty: as granted), x and y (\29 for a newline), as in
--                  include/records.lua, and the sequence that put it into its queue (0: it waits not)
--     end          sequence, epoch, epochs, each: number, sequence at which it began
-- Returns, per request, one of:
--   OK, TOO_LATE, AGAIN   sequence
--   STOCK_NOT_EMPTY       sequence: it has something already, or is being restored from another export

local clears = false -- what the fence of a stock that lost everything left behind is to go

-- is_empty says whether the stock has nothing at all, or nothing but the fence that tells that all was lost.
local function is_empty()
  local there = redis.call('EXISTS', unpack(KEYS, 1, FIXED_KEYS))
  clears = fenced and there == redis.call('EXISTS', KEYS[1], KEYS[3])
  return there == 0 or clears
end

local write_parts = write_rest
local function write_restored()
  if clears then
    redis.call('DEL', KEYS[1], KEYS[3])
  end
  write_parts()
end
write_rest = write_restored

-- lines_of_text takes the next field as a text of several lines.
local function lines_of_text()
  return (string.gsub(field(), '\29', '\n'))
end

local function read_default()
  for i = 1, number() do
    default_changes[#default_changes + 1] = { field(), field() }
  end
end

local function read_item()
  local it = named_item()
  change_item(it)
  it.exists, it.on_hand = true, false
  it.H, it.R, it.Q, it.F = number(), number(), number(), number()
  it.own_text = lines_of_text()
end

local function read_request()
  local key = number()
  changed_requests[#changed_requests + 1] = {
    id = name_in_key(key), key = KEYS[key], fingerprint = field(), sequence = number(), created = number(),
    forget = number(), a = lines_of_text(), b = lines_of_text(),
  }
end

-- read_line reads a line and puts it into its queue.
local function read_line(r, i)
  local granted_text, open_text = field(), field()
  local line = parse_line(r, i, granted_text, open_text ~= '' and open_text)
  local extras_first, extras_again, joins = lines_of_text(), lines_of_text(), number()
  line.extras = extras_first ~= '' and extras_first
  line.extras_now = line.flags_now and extras_again
  if open_text ~= '' then
    move_line(r, i, line)
  end
  if joins > 0 then
    local it = item(line.sku)
    change_item(it)
    enqueue(it, r, i, joins)
  end
end

local function read_reservation()
  local r = new_record(name_in_key(number()))
  r.exists, r.state, r.fingerprint = true, number(), field()
  r.created, r.ttl, r.expires, r.sequence = number(), number(), number(), number()
  r.term, r.began, r.forget, r.by_release = number(), number(), number(), field() == '1'
  r.count, r.lines, r.moved, r.whole = number(), {}, {}, true
  r.stored_state = r.state -- by which lines are read
  for i = 1, r.count do
    read_line(r, i)
  end
  r.stored_state = nil -- every field is to be written
  change_record(r)
end

local function read_end()
  local sequence = field()
  meta_changes = { 'run_id', 'restored', 'restored', sequence, 'sequence', sequence, 'epoch', field(),
    'settled', now_text } -- what was seen of the stock that stood here before counts no more
  for i = 1, number() do
    append(meta_changes, { 'e' .. field(), field() })
  end
  meta_removed = { 'restoring' }
end

local read_part = {
  begin = function() end,
  default = read_default, item = read_item, request = read_request, reservation = read_reservation,
}
read_part['end'] = read_end

local function decide()
  local not_after, export, parts = number(), field(), number()
  if now > not_after then return stamped({ code.TOO_LATE }) end
  if restoring ~= export then
    if restoring or not is_empty() then return stamped({ code.STOCK_NOT_EMPTY }) end
    restoring = export
    if standing then standing[4] = '' end
    meta_changes = { 'restoring', export }
  end
  for i = 1, parts do
    read_part[field()]()
  end
  return stamped({ code.OK })
end

reclaims, restoring_reply = false, false -- it alone goes on, and nothing of what it builds is due yet
return finish(decide)
