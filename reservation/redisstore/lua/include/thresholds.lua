-- What a request does to the figures of SKUs, and the thresholds that they cross.

-- shortfall returns how many units are promised as covered and are not there.
local function shortfall(it)
  local short = it.R - (it.Q - it.F) - it.H
  return short > 0 and short or 0
end

-- touch notes that the present request is about to move a SKU's figures.
local function touch(it)
  if not it.touched then
    it.touched = true
    local n = #touched
    touched[n + 1] = it
    befores[3 * n + 1], befores[3 * n + 2], befores[3 * n + 3] = it.H - it.R, it.F, shortfall(it)
    change_item(it)
  end
end

-- threshold_events compares every SKU that the request touched with what it was before. A greater
-- shortfall is always told; the others are by the policy in force.
local function threshold_events()
  for i = 1, #touched do
    local it = touched[i]
    local p = it.policy or policy(it)
    local before, after = befores[3 * i - 2], it.H - it.R
    if after < 0 then
      local short = shortfall(it)
      if short > befores[3 * i] then
        emit({ 'OVERSOLD', it.sku, text(short) })
      end
    end
    if p.low and before >= p.low and after < p.low then
      emit({ 'LOW_STOCK', it.sku, text(after) })
    end
    local was, is = before > p.edge, after > p.edge
    if was and not is then
      emit({ 'OUT_OF_STOCK', it.sku, text(after) })
    elseif is and not was then
      emit({ 'BACK_IN_STOCK', it.sku, text(after) })
    end
  end
end
