-- restock adds units that arrived; those who waited longest get them first. SKUs that are new are created.
--
-- Include: mutation
-- KEYS[12..] the requests' request ids <base>req:<id>, each once
-- ARGV, per request:
--   not_after    ms of store time
--   request      index in KEYS
--   fingerprint  of the content
--   lines        1-1000, each: number of the SKU, quantity in units 1-10^9
-- Returns, per request, one of:
--   OK, REPLAYED          sequence, time ms, rows and fills, see include/on_hand.lua
--   FIGURE_OUT_OF_RANGE   sequence, the SKUs
--   REQUEST_ID_REUSED, TOO_LATE, AGAIN    sequence
-- Invariants: I2, I4, I5.

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
    return replayed_move(q)
  end
  local out_of_range = beyond(asked)
  if out_of_range then return out_of_range end
  local event, rows = { 'RESTOCKED', q.id }, {}
  for i, ask in ipairs(asked) do
    rows[i] = move_on_hand(ask[1], ask[2])
    event[#event + 1] = ask[1].sku
    event[#event + 1] = text(ask[2])
  end
  emit(event)
  return moved_reply(q, fingerprint, rows)
end

local function decide()
  local not_after = number()
  local q = request(name_in_key(number()))
  local fingerprint, asked = field(), {}
  for i = 1, number() do
    asked[i] = { named_item(), number() }
  end
  local reply = now > not_after and { code.TOO_LATE } or restock(q, fingerprint, asked)
  end_request() -- of what was reclaimed on the way, also where the request is refused
  return stamped(reply)
end

return finish(decide)
