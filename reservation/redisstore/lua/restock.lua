-- restock adds units that arrived; those who waited longest get them first. SKUs that are new are created.
--
-- Include: mutation
-- KEYS[10..] the requests' request ids <base>req:<id> and SKUs <base>sku:<sku>, each once
-- ARGV, per request:
--   not_after    ms of store time
--   request      index in KEYS
--   fingerprint  of the content
--   lines        1-1000, each: index of the SKU in KEYS, quantity in units 1-10^9
-- Returns, per request, one of:
--   OK, REPLAYED          sequence, time ms, lines, fills. lines is text, one row a line: on hand,
--                         available, filled, still backordered; fills is text, one row a fill: reservation,
--                         units, SKU; at most 100
--   FIGURE_OUT_OF_RANGE   sequence, the SKUs
--   REQUEST_ID_REUSED, TOO_LATE    sequence
-- Invariants: I2, I4, I5.
local MAX_FILLS = 100

-- arrive adds the lines' units and returns what each left behind, as text.
local function arrive(request_id, asked)
  local event, rows = { 'RESTOCKED', request_id }, {}
  for i, ask in ipairs(asked) do
    local it, units = ask[1], ask[2]
    touch(it)
    it.exists = true
    local waiting = it.Q - it.F
    it.H = it.H + units
    settle(it)
    local still = it.Q - it.F
    rows[i] = it.H .. ' ' .. it.H - it.R .. ' ' .. waiting - still .. ' ' .. still
    event[#event + 1] = it.sku
    event[#event + 1] = units
  end
  emit(event)
  return table.concat(rows, '\n')
end

-- beyond returns the SKUs whose on hand would go out of range.
local function beyond(asked)
  local sums, list, named = {}, { code.FIGURE_OUT_OF_RANGE, 0 }, {}
  for _, ask in ipairs(asked) do
    local it = ask[1]
    sums[it] = (sums[it] or it.H) + ask[2]
    if sums[it] > MAX_FIGURE and not named[it] then
      named[it] = true
      list[#list + 1] = it.sku
    end
  end
  return #list > 2 and list or nil
end

local function restock(q, fingerprint, asked)
  if q.exists then
    if q.fingerprint ~= fingerprint then return { code.REQUEST_ID_REUSED } end
    return { code.REPLAYED, q.sequence, q.created, q.a, q.b }
  end
  local out_of_range = beyond(asked)
  if out_of_range then return out_of_range end
  local rows, fills = arrive(q.id, asked), {}
  for i, filled in ipairs(end_request()) do
    if i > MAX_FILLS then break end
    fills[i] = filled.id .. ' ' .. filled.units .. ' ' .. filled.sku
  end
  remember(q, fingerprint, rows, table.concat(fills, '\n'))
  return { code.OK, q.sequence, now, q.a, q.b }
end

local function decide()
  local not_after = number()
  local q = request(name_in_key(number()))
  local fingerprint, asked = arg(), {}
  for i = 1, number() do
    asked[i] = { declared_item(number()), number() }
  end
  local reply = now > not_after and { code.TOO_LATE } or restock(q, fingerprint, asked)
  reply[2] = reply[2] and reply[2] > 0 and reply[2] or sequence_now()
  return reply
end

return finish(decide)
