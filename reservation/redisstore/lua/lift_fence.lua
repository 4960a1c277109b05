-- lift_fence lets a stock that lost writes grant again. What was seen until now counts no more, whoever saw it, so
-- that the same loss is not noticed again by another server. It names the fence that somebody looked at: if more was
-- noticed meanwhile, it is another one and stays.
--
-- Include: mutation
-- ARGV, per request:
--   not_after  ms of store time
--   fence      id of the fence: "epoch-ms"
-- Returns, per request, one of:
--   OK                sequence, when it was lifted, ms: now, or before if it is the last that was lifted
--   FENCE_DIFFERS     sequence: the stock has no fence, or another one
--   TOO_LATE, AGAIN   sequence
-- Invariants: I8.
-- fence_id returns the id of the fence, nil where there is none.
local function fence_id()
  if not fenced then return nil end
  local n, ms = string.match(fenced, FENCE)
  return n .. '-' .. ms
end

local lifted = redis.call('HGET', KEYS[1], 'lifted') or ''

local function lift(fence)
  if fence_id() == fence then
    fenced, standing[4], lifted = false, '', fence .. ' ' .. now_text
    meta_changes = append(meta_changes or {}, { 'settled', now_text, 'lifted', lifted })
    meta_removed = { 'fenced' }
    return { code.OK, 0, now }
  end
  local last, ms = string.match(lifted, '^(%S+) (%d+)$')
  if not fenced and last == fence then return { code.OK, 0, tonumber(ms) } end
  return { code.FENCE_DIFFERS }
end

local function decide()
  local not_after, fence = number(), field()
  return stamped(now > not_after and { code.TOO_LATE } or lift(fence))
end

reclaims = false -- it moves no unit
return finish(decide)
