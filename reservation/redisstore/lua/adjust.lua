-- adjust corrects on hand by a delta: damage, loss, a return. A loss that takes covered units makes a
-- shortfall; units that come in repay it before they fill the queue.
--
-- Include: mutation
-- KEYS[12..] the requests' request ids <base>req:<id>, each once
-- ARGV, per request:
--   not_after    ms of store time
--   request      index in KEYS
--   fingerprint  of the content
--   lines        1-1000, each: number of the SKU, delta in units +-1-10^9, reason
-- Returns, per request, one of:
--   OK, REPLAYED          sequence, time ms, rows and fills, see include/on_hand.lua
--   UNKNOWN_SKU, ON_HAND_BELOW_ZERO, FIGURE_OUT_OF_RANGE    sequence, the SKUs
--   REQUEST_ID_REUSED, TOO_LATE, AGAIN                      sequence
-- Invariants: I1, I2, I4, I5.

-- faulty returns the SKUs for which a test of on hand, line by line in order, says so.
local function faulty(asked, answer, test)
  local sums, list, named = {}, { answer, 0 }, {}
  for _, ask in ipairs(asked) do
    local it = ask[1]
    sums[it] = (sums[it] or it.H) + ask[2]
    if test(it, sums[it]) and not named[it] then
      named[it] = true
      list[#list + 1] = it.sku
    end
  end
  return #list > 2 and list or nil
end

local function refusal(asked)
  return faulty(asked, code.UNKNOWN_SKU, function(it) return not it.exists end)
    or faulty(asked, code.ON_HAND_BELOW_ZERO, function(_, sum) return sum < 0 end)
    or faulty(asked, code.FIGURE_OUT_OF_RANGE, function(_, sum) return sum > MAX_FIGURE end)
end

-- takes says whether any line takes units away: a shortfall is told of only where no hold is due any more.
local function takes(asked)
  for _, ask in ipairs(asked) do
    if ask[2] < 0 then return true end
  end
  return false
end

local function adjust(q, fingerprint, asked)
  if q.exists then
    if q.fingerprint ~= fingerprint then return { code.REQUEST_ID_REUSED } end
    return replayed_move(q)
  end
  local refused = refusal(asked)
  if refused then return refused end
  if more_due and takes(asked) then return { code.AGAIN } end
  local event, rows = { 'ADJUSTED', q.id }, {}
  for i, ask in ipairs(asked) do
    rows[i] = move_on_hand(ask[1], ask[2])
    local at = #event
    event[at + 1], event[at + 2], event[at + 3] = ask[1].sku, text(ask[2]), ask[3]
  end
  emit(event)
  return moved_reply(q, fingerprint, rows)
end

local function decide()
  local not_after = number()
  local q = request(name_in_key(number()))
  local fingerprint, asked = field(), {}
  for i = 1, number() do
    asked[i] = { named_item(), number(), field() }
  end
  local reply = now > not_after and { code.TOO_LATE } or adjust(q, fingerprint, asked)
  end_request() -- of what was reclaimed on the way, also where the request is refused
  return stamped(reply)
end

return finish(decide)
