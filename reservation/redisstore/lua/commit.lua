-- commit makes reservations firm: a hold, or with reacquire one that expired, if the quantities that it
-- was granted can be had again, all or nothing, against the floor alone. Their backordered units join the
-- tail; the reservation's next term begins.
--
-- Include: mutation decide
-- KEYS[11..] the requests' reservations <base>res:<id>, each once
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
-- Invariants: I3, I4, I5, I6.
local BACKORDER_LIMIT, INSUFFICIENT_STOCK = 5, 6

local more_due = false

-- regrant tries a line's granted quantity again and notes in result what comes of it.
local function regrant(line, i, trials, result)
  local again = { covered = line.granted, backordered = 0, flags = line.flags % 2 }
  result.lines[i] = again
  if not line.counted or line.granted == 0 then return end
  local it = item(line.sku)
  if not it.exists then
    append(result.unknown, { it.sku })
    return
  end
  local p, trial = policy(it), trial_of(trials, it)
  if p.tracked and p.floor and trial.available - line.granted < p.floor then
    append(result.refused, { i, orderable(p, trial.available),
      p.mode == '1' and INSUFFICIENT_STOCK or BACKORDER_LIMIT, it.own.su or '', it.sku, line.granted })
    return
  end
  again.covered, again.backordered = split(p, line.granted, trial)
  again.extras = again.backordered > 0 and extras(it) or nil
  if again.backordered > 0 and p.mode == '3' then again.flags = again.flags + NOTIFY end
  if it.H - trial.available > MAX_FIGURE then
    append(result.beyond, { it.sku })
  end
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
  r.term, r.state, r.forget, r.term_began = r.term + 1, COMMITTED, nil, now
  change_record(r)
  local event = { 'COMMITTED', r.id, r.term }
  for i, line in ipairs(r.lines) do
    local again = lines[i]
    line.covered, line.backordered, line.fulfilled = again.covered, again.backordered, 0
    line.flags_now, line.extras_now = again.flags, again.extras or ''
    line.moved = true
    append(event, { i, line.sku, line.covered, line.backordered })
  end
  take(r, emit(event))
end

local function reacquire(r)
  local result = { lines = {}, refused = {}, unknown = {}, beyond = {} }
  local trials, worse = {}, false
  for i, line in ipairs(lines_of(r)) do
    regrant(line, i, trials, result)
    worse = worse or #result.refused > 0 or result.lines[i].backordered > 0
  end
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
    emit({ 'COMMITTED', r.id, r.term })
  end
  end_request()
  return record_reply({ code.OK, sequence_now(), now }, r)
end

local reclaimed = false

local function decide()
  local not_after, r, again = number(), record(name_in_key(number())), arg() == '1'
  if again and not reclaimed then
    reclaimed = true
    more_due = reclaim()
  end
  local reply = now > not_after and { code.TOO_LATE } or commit(r, again)
  end_request() -- of what was reclaimed on the way, also where the request is refused
  reply[2] = reply[2] and reply[2] > 0 and reply[2] or sequence_now()
  return reply
end

return finish(decide)
