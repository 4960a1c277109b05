-- set_stock sets on hand to what a physical count found, each SKU once, on condition that it is still what
-- was expected, where that is said. SKUs that are new are created.
--
-- Include: mutation
-- KEYS[11..] the requests' request ids <base>req:<id> and SKUs <base>sku:<sku>, each once
-- ARGV, per request:
--   not_after    ms of store time
--   request      index in KEYS
--   fingerprint  of the content
--   lines        1-1000, each: index of the SKU in KEYS, on hand in units 0-10^12, expected on hand (empty:
--                whatever it is)
-- Returns, per request, one of:
--   OK, REPLAYED                   sequence, time ms, rows and fills, see include/on_hand.lua
--   ON_HAND_DIFFERS                sequence, the SKUs
--   REQUEST_ID_REUSED, TOO_LATE    sequence
-- Invariants: I1, I2, I4, I5.
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
  local event, rows = { 'ADJUSTED', q.id }, {}
  for i, ask in ipairs(asked) do
    local delta = ask[2] - ask[1].H
    rows[i] = move_on_hand(ask[1], delta)
    local at = #event
    event[at + 1], event[at + 2], event[at + 3] = ask[1].sku, delta, 'count'
  end
  emit(event)
  return moved_reply(q, fingerprint, rows)
end

local function decide()
  local not_after = number()
  local q = request(name_in_key(number()))
  local fingerprint, asked = arg(), {}
  for i = 1, number() do
    asked[i] = { declared_item(number()), number(), tonumber(arg()) }
  end
  local reply = now > not_after and { code.TOO_LATE } or set_stock(q, fingerprint, asked)
  reply[2] = reply[2] and reply[2] > 0 and reply[2] or sequence_now()
  return reply
end

return finish(decide)
