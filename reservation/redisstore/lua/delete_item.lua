-- delete_item forgets SKUs of which nothing is on hand, reserved or queued, with their policies.
--
-- Include: mutation
-- KEYS[11..] the requests' SKUs <base>sku:<sku>, each once
-- ARGV, per request:
--   not_after  ms of store time
--   sku        index in KEYS
-- Returns, per request, one of:
--   OK, TOO_LATE                     sequence
--   UNKNOWN_SKU, STOCK_ITEM_IN_USE   sequence, the SKU
local function delete(it)
  if not it.exists then return { code.UNKNOWN_SKU, sequence_now(), it.sku } end
  if it.H ~= 0 or it.R ~= 0 or it.Q ~= 0 then return { code.STOCK_ITEM_IN_USE, sequence_now(), it.sku } end
  it.exists = false
  deleted_items[#deleted_items + 1] = it
  emit({ 'POLICY_CHANGED', it.sku, 1 })
  return { code.OK, sequence_now() }
end

local function decide()
  local not_after, it = number(), declared_item(number())
  if now > not_after then return { code.TOO_LATE, sequence_now() } end
  return delete(it)
end

return finish(decide)
