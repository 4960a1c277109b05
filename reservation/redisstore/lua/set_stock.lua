-- set_stock sets on hand to what a physical count found, each SKU once, on condition that it is still what
-- was expected, where that is said. SKUs that are new are created.
--
-- Include: mutation
-- KEYS[12..] the requests' request ids <base>req:<id>, each once
-- ARGV, per request:
--   not_after    ms of store time
--   request      index in KEYS
--   fingerprint  of the content
--   lines        1-1000, each: number of the SKU, on hand in units 0-10^12, expected on hand (empty:
--                whatever it is)
-- Returns, per request, one of:
--   OK, REPLAYED                   sequence, time ms, rows and fills, see include/on_hand.lua
--   ON_HAND_DIFFERS                sequence, the SKUs
--   REQUEST_ID_REUSED, TOO_LATE, AGAIN    sequence
-- Invariants: I1, I2, I4, I5.

-- takes says whether any line takes units away: a shortfall is told of only where no hold is due any more.
local function takes(asked)
  for _, ask in ipairs(asked) do
    if ask[2] < ask[1].H then return true end
  end
  return false
end

local function set_stock(q, fingerprint, asked)
  if q.exists then
    if q.fingerprint ~= fingerprint then return { code.REQUEST_ID_REUSED } end
    return replayed_move(q)
  end
  local differs = { code.ON_HAND_DIFFERS, 0 }
  for _, ask in ipairs(asked) do
    if ask[3] and ask[3] ~= ask[1].H then
      differs[#differs + 1] = ask[1].sku
    end
  end
  if #differs > 2 then return differs end
  if more_due and takes(asked) then return { code.AGAIN } end
  local event, rows = { 'ADJUSTED', q.id }, {}
  for i, ask in ipairs(asked) do
    local delta = ask[2] - ask[1].H
    rows[i] = move_on_hand(ask[1], delta)
    local at = #event
    event[at + 1], event[at + 2], event[at + 3] = ask[1].sku, text(delta), 'count'
  end
  emit(event)
  return moved_reply(q, fingerprint, rows)
end

local function decide()
  local not_after = number()
  local q = request(name_in_key(number()))
  local fingerprint, asked = field(), {}
  for i = 1, number() do
    asked[i] = { named_item(), number(), tonumber(field()) }
  end
  local reply = now > not_after and { code.TOO_LATE } or set_stock(q, fingerprint, asked)
  end_request() -- of what was reclaimed on the way, also where the request is refused
  return stamped(reply)
end

return finish(decide)
