-- fulfill ships covered units: they leave on hand and the reservation. Units that are due to a line and not
-- yet written to it are written first, in the order of the queue.
--
-- Include: mutation
-- KEYS[12..] the requests' reservations <base>res:<id> and request ids <base>req:<id>, each once
-- ARGV, per request:
--   not_after    ms of store time
--   reservation  index in KEYS
--   request      index in KEYS, 0: everything open, and nothing follows
--   fingerprint  of the content
--   lines        1-1000, each: SKU, quantity in units 1-10^9
-- Returns, per request, one of:
--   OK, REPLAYED    sequence, time ms, the reservation as in include/records.lua
--   WRONG_STATE     sequence, state
--   BACKORDERED_UNITS, MORE_THAN_COVERED, NOT_ON_HAND         sequence, the SKUs
--   UNKNOWN_RESERVATION, REQUEST_ID_REUSED, TOO_LATE, AGAIN   sequence
-- Invariants: I1, I2, I3, I5.

-- named takes SKUs each once into a refusal.
local function named(answer, skus)
  local reply, seen = { answer, 0 }, {}
  for _, sku in ipairs(skus) do
    if not seen[sku] then
      seen[sku] = true
      reply[#reply + 1] = sku
    end
  end
  return #reply > 2 and reply or nil
end

-- ship plans to take units of a SKU from the lines, from the first to the last; it returns what is left.
local function ship(r, sku, units, plan)
  for i, line in ipairs(r.lines) do
    local part = line.sku == sku and math.min(units, line.covered - (plan[i] or 0)) or 0
    if part > 0 then
      plan[i] = (plan[i] or 0) + part
      units = units - part
    end
  end
  return units
end

-- plan_whole plans everything that is open, or refuses.
local function plan_whole(r)
  local plan, waiting = {}, {}
  for i, line in ipairs(r.lines) do
    plan[i] = line.covered
    if line.backordered > 0 then
      waiting[#waiting + 1] = line.sku
    end
  end
  return plan, named(code.BACKORDERED_UNITS, waiting)
end

local function plan_lines(r, asked)
  local plan, short = {}, {}
  for _, ask in ipairs(asked) do
    if ship(r, ask[1], ask[2], plan) > 0 then
      short[#short + 1] = ask[1]
    end
  end
  return plan, named(code.MORE_THAN_COVERED, short)
end

-- missing returns a refusal where the plan takes more than is on hand.
local function missing(r, plan)
  local sums, short = {}, {}
  for i, line in ipairs(r.lines) do
    if line.counted and (plan[i] or 0) > 0 then
      sums[line.sku] = (sums[line.sku] or 0) + plan[i]
      if sums[line.sku] > item(line.sku).H then
        short[#short + 1] = line.sku
      end
    end
  end
  return named(code.NOT_ON_HAND, short)
end

-- leave carries a plan out.
local function leave(r, plan, request_id)
  local event, open = { 'FULFILLED', r.id, request_id, '' }, false
  for i, line in ipairs(r.lines) do
    local units = plan[i] or 0
    if units > 0 then
      line.covered = line.covered - units
      line.fulfilled = line.fulfilled + units
      move_line(r, i, line)
      if line.counted then
        local it = item(line.sku)
        touch(it)
        it.R = it.R - units
        it.H, it.on_hand = it.H - units, false
        settle(it)
      end
      local at = #event
      event[at + 1], event[at + 2], event[at + 3] = text(i), line.sku, text(units)
    end
    open = open or line.covered + line.backordered > 0
  end
  change_record(r)
  if not open then
    finish_record(r, ended_state(r))
  end
  event[4] = text(r.state)
  emit(event)
end

-- fulfill_open ships of a reservation that is COMMITTED; asked is nil for everything.
local function fulfill_open(r, asked, request_id)
  read_items_of({ r })
  if not bring_up(r) then return { code.AGAIN } end
  local plan, refused
  if asked then
    plan, refused = plan_lines(r, asked)
  else
    plan, refused = plan_whole(r)
  end
  if refused and more_due then return { code.AGAIN } end
  refused = refused or missing(r, plan)
  if refused then return refused end
  leave(r, plan, request_id)
  end_request()
  return nil
end

local function fulfill_whole(r)
  if not r.exists then return { code.UNKNOWN_RESERVATION } end
  if is_due(r) then lapse(r) end
  if r.state ~= COMMITTED and r.state ~= FULFILLED then return { code.WRONG_STATE, 0, r.state } end
  local refused = r.state == COMMITTED and fulfill_open(r, nil, '')
  end_request()
  return refused or record_reply({ code.OK, sequence_now(), now }, r)
end

local function fulfill_part(r, q, fingerprint, asked)
  if q.exists and q.fingerprint ~= fingerprint then return { code.REQUEST_ID_REUSED } end
  if not r.exists then return { code.UNKNOWN_RESERVATION } end
  if q.exists then return replay_split(q, r) end
  if is_due(r) then lapse(r) end
  if r.state ~= COMMITTED then return { code.WRONG_STATE, 0, r.state } end
  local refused = fulfill_open(r, asked, q.id)
  if refused then return refused end
  remember(q, fingerprint, split_of(r), '')
  return record_reply({ code.OK, q.sequence, now }, r)
end

local function decide()
  local not_after = number()
  local r, request_key = record(name_in_key(number())), number()
  local reply
  if request_key == 0 then
    reply = now > not_after and { code.TOO_LATE } or fulfill_whole(r)
  else
    local q = request(name_in_key(request_key))
    local fingerprint, asked = field(), {}
    for i = 1, number() do
      asked[i] = { field(), number() }
    end
    reply = now > not_after and { code.TOO_LATE } or fulfill_part(r, q, fingerprint, asked)
  end
  end_request() -- of what was written on the way, also where the request is refused
  return stamped(reply)
end

return finish(decide)
