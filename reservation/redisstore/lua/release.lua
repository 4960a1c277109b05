-- release gives units of reservations back, all that is open or the lines named. Backordered units go
-- first; what comes free serves the queue at once.
--
-- Include: mutation
-- KEYS[12..] the requests' reservations <base>res:<id> and request ids <base>req:<id>, each once
-- ARGV, per request:
--   not_after      ms of store time
--   reservation    index in KEYS
--   allow_missing  1: record an unknown one as RELEASED, 0: do not
--   request        index in KEYS, 0: a whole release, and nothing follows
--   fingerprint    of the content
--   lines          1-1000, each: SKU, quantity in units 1-10^9
-- Returns, per request, one of:
--   OK, REPLAYED          sequence, time ms, then the reservation: state, grant ms, expiry ms (0: none),
--                         term, lines, per line: SKU, requested, covered, backordered, fulfilled, released,
--                         flags, extras
--   UNKNOWN_RESERVATION, REQUEST_ID_REUSED, TOO_LATE, AGAIN    sequence
--   WRONG_STATE           sequence, state
--   MORE_THAN_OPEN        sequence, the SKUs
-- A repeat of the whole release that ended a reservation is OK, also where units of it were fulfilled before.
-- Invariants: I3, I4, I5.

-- open_by_sku returns how many units of each SKU are open.
local function open_by_sku(r)
  local open = {}
  for _, line in ipairs(lines_of(r)) do
    open[line.sku] = (open[line.sku] or 0) + line.covered + line.backordered
  end
  return open
end

-- take_back gives units of a SKU back: first what waits, from the last line to the first, then what is
-- covered in the same order. taken collects, per line, covered and backordered units.
local function take_back(r, sku, units, taken)
  for _, kind in ipairs({ 'backordered', 'covered' }) do
    for i = r.count, 1, -1 do
      local line = r.lines[i]
      if units > 0 and line.sku == sku and line[kind] > 0 then
        local part = math.min(units, line[kind])
        units = units - part
        taken[i] = taken[i] or { covered = 0, backordered = 0 }
        taken[i][kind] = taken[i][kind] + part
        give_back(r, i, kind == 'covered' and part or 0, kind == 'backordered' and part or 0)
      end
    end
  end
end

-- release_lines gives back what was named and writes the event.
local function release_lines(r, request_id, asked)
  local taken, all_gone = {}, true
  for _, ask in ipairs(asked) do
    take_back(r, ask[1], ask[2], taken)
  end
  change_record(r)
  for _, line in ipairs(r.lines) do
    all_gone = all_gone and line.covered + line.backordered == 0
  end
  if all_gone then
    finish_record(r, ended_state(r))
  end
  local event = { 'RELEASED', r.id, request_id, text(r.state) }
  for i, line in ipairs(r.lines) do
    if taken[i] then
      local at = #event
      event[at + 1], event[at + 2] = text(i), line.sku
      event[at + 3], event[at + 4] = text(taken[i].covered), text(taken[i].backordered)
    end
  end
  emit(event)
end

-- bury records a reservation that was never made as RELEASED.
local function bury(r)
  r.exists, r.created, r.ttl, r.expires, r.sequence, r.fingerprint = true, 0, 0, 0, 0, '-'
  r.term, r.count, r.began, r.by_release = 0, 0, 0, false
  r.lines, r.moved, r.whole = {}, {}, true
  finish_record(r, RELEASED)
  emit({ 'RELEASED', r.id, '', text(RELEASED) })
  end_request() -- of what was reclaimed
  return record_reply({ code.OK, sequence_now(), now }, r)
end

local function release_whole(r, allow_missing)
  if not r.exists then
    if allow_missing then return bury(r) end
    return { code.UNKNOWN_RESERVATION }
  end
  if is_due(r) then lapse(r) end
  if r.state == FULFILLED and not r.by_release then return { code.WRONG_STATE, 0, r.state } end
  if not is_finished(r) then
    read_items_of({ r })
    local event = give_back_all(r, { 'RELEASED', r.id, '', '' })
    r.by_release = true
    finish_record(r, ended_state(r))
    event[4] = text(r.state)
    emit(event)
  end
  end_request()
  return record_reply({ code.OK, sequence_now(), now }, r)
end

local function release_part(r, q, fingerprint, asked)
  if q.exists and q.fingerprint ~= fingerprint then return { code.REQUEST_ID_REUSED } end
  if not r.exists then return { code.UNKNOWN_RESERVATION } end
  if q.exists then return replay_split(q, r) end
  if is_due(r) then lapse(r) end
  if is_finished(r) then return { code.WRONG_STATE, 0, r.state } end
  read_items_of({ r })
  local open, short, named = open_by_sku(r), { code.MORE_THAN_OPEN, 0 }, {}
  for _, ask in ipairs(asked) do
    open[ask[1]] = (open[ask[1]] or 0) - ask[2]
  end
  for _, ask in ipairs(asked) do
    if open[ask[1]] < 0 and not named[ask[1]] then
      named[ask[1]] = true
      short[#short + 1] = ask[1]
    end
  end
  if #short > 2 then return short end
  release_lines(r, q.id, asked)
  end_request()
  remember(q, fingerprint, split_of(r), '')
  return record_reply({ code.OK, q.sequence, now }, r)
end

local function decide()
  local not_after = number()
  local r = record(name_in_key(number()))
  local allow_missing, request_key = field() == '1', number()
  local reply
  if request_key == 0 then
    reply = now > not_after and { code.TOO_LATE } or release_whole(r, allow_missing)
  else
    local q = request(name_in_key(request_key))
    local fingerprint, asked = field(), {}
    for i = 1, number() do
      asked[i] = { field(), number() }
    end
    reply = now > not_after and { code.TOO_LATE } or release_part(r, q, fingerprint, asked)
  end
  end_request() -- of what was reclaimed on the way, also where the request is refused
  return stamped(reply)
end

return finish(decide)
