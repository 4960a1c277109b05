-- sweep reclaims holds that are due and works queues off, within the budget: what servers run in the
-- background for every stock. It must run on a full store: only so can it shrink.
--
-- Include: mutation
-- Flags: allow-oom
-- ARGV, per request:
--   reclaims   1: reclaim due holds
--   drains     1: work off queues
-- Returns, per request:
--   OK       sequence, holds reclaimed, what working off cost of the budget, 1 when there may be more of either
--   AGAIN    sequence
-- Repeats: only REPLAYED

-- drain works off queues in the order of the SKUs' bytes, as far as the budget goes, and returns whether
-- any is left.
local function drain()
  local left = {}
  for i, sku in ipairs(redis.call('ZRANGE', KEYS[9], 0, line_budget)) do
    left[i] = item(sku)
  end
  work_off(left, {})
  end_request()
  for _, it in ipairs(left) do
    if it.F > 0 then return true end
  end
  return false
end

-- due says that more holds are due than the requests so far have reclaimed. What a request of this script has
-- reclaimed is still listed, so that the next one would find that and nothing else.
local due = false

local function decide()
  local asks_reclaim, asks_drain = field() == '1', field() == '1'
  local budget, reclaimed, filling = line_budget, 0, false
  if asks_reclaim and line_budget <= 0 then
    due = true
  elseif asks_reclaim and not due then
    due, reclaimed = reclaim_due()
    end_request()
  end
  if asks_drain then
    filling = drain()
  end
  return { code.OK, sequence_now(), reclaimed, budget - line_budget,
    (asks_reclaim and due or filling) and 1 or 0 }
end

reclaims = false -- it does so by itself where it is asked to
return finish(decide)
