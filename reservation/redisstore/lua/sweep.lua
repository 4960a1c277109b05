-- sweep reclaims holds that are due and works queues off, within the budget: what servers run in the
-- background for every stock. It must run on a full store: only so can it shrink.
--
-- Include: mutation
-- Flags: allow-oom
-- ARGV, per request:
--   reclaims   1: reclaim due holds
--   drains     1: work off queues
-- Returns, per request:
--   OK    sequence, holds reclaimed, queue entries handled, 1 when there may be more of either

-- drain works off queues in the order of the SKUs' bytes, as far as the budget goes, and returns whether
-- any is left.
local function drain()
  local left = redis.call('ZRANGE', KEYS[9], 0, line_budget)
  for _, sku in ipairs(left) do
    local it = item(sku)
    touch(it)
    it.drains = true
  end
  end_request()
  for _, sku in ipairs(left) do
    if item(sku).F > 0 then return true end
  end
  return false
end

local function decide()
  local reclaims, drains = arg() == '1', arg() == '1'
  local budget, reclaimed, more_due, more_filling = line_budget, 0, false, false
  if reclaims then
    more_due, reclaimed = reclaim()
    end_request()
  end
  if drains then
    more_filling = drain()
  end
  return { code.OK, sequence_now(), reclaimed, budget - line_budget,
    (more_due or more_filling) and 1 or 0 }
end

return finish(decide)
