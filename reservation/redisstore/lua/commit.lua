-- commit makes reservations firm: a hold, or with reacquire one that expired, if the quantities that it
-- was granted can be had again, all or nothing, against the floor alone. Their backordered units join the
-- tail; the reservation's next term begins.
--
-- Include: mutation decide
-- KEYS[12..] the requests' reservations <base>res:<id>, each once
-- ARGV, per request:
--   not_after    ms of store time
--   reservation  index in KEYS
--   reacquire    1: also one that expired, 0: not
-- Returns, per request, one of:
--   OK                     sequence, time ms, the reservation as in include/records.lua
--   WRONG_STATE            sequence, state
--   LINES_REFUSED          sequence, per refused line: number from 1, orderable (-1: unlimited), reason 5-6
--                          (as LineRefusalReason), substitutes, SKU, quantity
--   UNKNOWN_SKU, FIGURE_OUT_OF_RANGE           sequence, the SKUs
--   UNKNOWN_RESERVATION, TOO_LATE, AGAIN       sequence
--   STOCK_FENCED           sequence: of one that expired, with reacquire
-- Invariants: I3, I4, I5, I6.
local BACKORDER_LIMIT, INSUFFICIENT_STOCK = 5, 6

-- regrant tries a line's granted quantity again, takes what it gets from the figures, and notes in result what
-- comes of it.
local function regrant(line, i, result)
  local again = { covered = line.granted, backordered = 0, flags = line.flags % 2, taken = 0 }
  result.lines[i] = again
  if not line.counted or line.granted == 0 then return end
  local it = item(line.sku)
  if not it.exists then
    append(result.unknown, { it.sku })
    return
  end
  local p, available = policy(it), it.H - it.R
  if p.tracked and p.floor and available - line.granted < p.floor then
    append(result.refused, { i, orderable(p, available),
      p.mode == '1' and INSUFFICIENT_STOCK or BACKORDER_LIMIT, substitutes_of(it), it.sku, line.granted })
    return
  end
  again.covered, again.taken = take_units(p, it, line.granted), line.granted
  again.backordered = line.granted - again.covered
  again.extras = again.backordered > 0 and extras(it, true) or nil
  if again.backordered > 0 and p.mode == '3' then again.flags = again.flags + NOTIFY end
  if it.R > MAX_FIGURE or it.R - it.H > MAX_FIGURE then
    append(result.beyond, { it.sku })
  end
end

-- regrant_all tries all lines and leaves the figures as they were.
local function regrant_all(r)
  local result, worse = { lines = {}, refused = {}, unknown = {}, beyond = {} }, false
  read_items_of({ r })
  for i, line in ipairs(r.lines) do
    regrant(line, i, result)
    worse = worse or #result.refused > 0 or result.lines[i].backordered > 0
  end
  for i, line in ipairs(r.lines) do
    if result.lines[i].taken > 0 then
      local it = item(line.sku)
      it.R = it.R - result.lines[i].taken
    end
  end
  return result, worse
end

-- distinct returns a list with each value once, in the order of their first mention.
local function distinct(list)
  local seen, once = {}, {}
  for _, value in ipairs(list) do
    if not seen[value] then
      seen[value] = true
      once[#once + 1] = value
    end
  end
  return once
end

-- begin_term gives a reservation that expired its units again.
local function begin_term(r, lines)
  r.term, r.state, r.forget, r.began = r.term + 1, COMMITTED, 0, now
  change_record(r)
  local event = { 'COMMITTED', r.id, text(r.term) }
  for i, line in ipairs(r.lines) do
    local again = lines[i]
    line.covered, line.backordered, line.fulfilled = again.covered, again.backordered, 0
    line.flags_now, line.extras_now = again.flags, again.extras or ''
    move_line(r, i, line)
    append(event, { text(i), line.sku, text(line.covered), text(line.backordered) })
  end
  take(r, emit(event))
end

local function reacquire(r)
  if fenced then return { code.STOCK_FENCED } end
  local result, worse = regrant_all(r)
  if more_due and worse then return { code.AGAIN } end
  if #result.unknown > 0 then return append({ code.UNKNOWN_SKU, 0 }, distinct(result.unknown)) end
  if #result.refused > 0 then return append({ code.LINES_REFUSED, 0 }, result.refused) end
  if #result.beyond > 0 then return append({ code.FIGURE_OUT_OF_RANGE, 0 }, distinct(result.beyond)) end
  begin_term(r, result.lines)
  end_request()
  return record_reply({ code.OK, sequence_now(), now }, r)
end

local function commit(r, again)
  if not r.exists then return { code.UNKNOWN_RESERVATION } end
  if is_due(r) then lapse(r) end
  if r.state == EXPIRED and again then return reacquire(r) end
  if r.state == RELEASED or r.state == EXPIRED then return { code.WRONG_STATE, 0, r.state } end
  if r.state == HELD then
    r.state = COMMITTED
    change_record(r)
    emit({ 'COMMITTED', r.id, text(r.term) })
  end
  end_request()
  return record_reply({ code.OK, sequence_now(), now }, r)
end

local function decide()
  local not_after, r, again = number(), record(name_in_key(number())), field() == '1'
  local reply = now > not_after and { code.TOO_LATE } or commit(r, again)
  end_request() -- of what was reclaimed on the way, also where the request is refused
  return stamped(reply)
end

return finish(decide)
