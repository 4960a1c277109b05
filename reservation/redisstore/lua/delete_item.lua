-- delete_item forgets SKUs of which nothing is on hand, reserved or queued, with their policies.
--
-- Include: mutation
-- ARGV, per request:
--   not_after  ms of store time
--   sku        number of the SKU
-- Returns, per request, one of:
--   OK, TOO_LATE, AGAIN              sequence
--   UNKNOWN_SKU, STOCK_ITEM_IN_USE   sequence, the SKU
local function delete(it)
  end_request() -- of what was reclaimed
  if not it.exists then return { code.UNKNOWN_SKU, 0, it.sku } end
  if it.H ~= 0 or it.R ~= 0 or it.Q ~= 0 then
    if more_due then return { code.AGAIN } end
    return { code.STOCK_ITEM_IN_USE, 0, it.sku }
  end
  it.exists = false
  deleted_items[#deleted_items + 1] = it.sku
  emit({ 'POLICY_CHANGED', it.sku, '1' })
  return { code.OK }
end

local function decide()
  local not_after, it = number(), named_item()
  return stamped(now > not_after and { code.TOO_LATE } or delete(it))
end

return finish(decide)
