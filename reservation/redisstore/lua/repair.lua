-- repair mends a SKU's reserved and queued by what they differ from its reservations, and filling by the rule of
-- section 3. It takes differences, not figures: an operation of a reservation moves both sides alike, so that a
-- difference that was right at some sequence is right until another repair. Filling units are left to the sweep,
-- and so are holds that are due.
--
-- Include: mutation
-- ARGV, per request:
--   not_after  ms of store time
--   sku        the SKU itself
--   process    run_id of the store process that was counted
--   epoch      in which the differences were found
--   since      sequence at which they were found
--   reserved   units to take off reserved, may be negative
--   queued     units to take off queued, may be negative
-- Returns, per request, one of:
--   OK                sequence, then reserved, queued and filling before, and the same after
--   UNKNOWN_SKU       sequence, the SKU
--   REPAIR_CONFLICT   sequence: another repair or another store came between, or the figures cannot be
--   TOO_LATE, AGAIN   sequence
-- Invariants: I2.
local last_repair = tonumber(redis.call('HGET', KEYS[1], 'repaired') or 0)

-- read_item reads a SKU also where a figure is below 0, which no other script can.
local function read_item(sku)
  if items[sku] then return items[sku] end
  local value = redis.call('HGET', KEYS[11], sku)
  local figures, policy_text = string.match(value or '', '^([^\n]*)(.*)$')
  local it = keep_item(sku, value and string.gsub(figures, '%-', '') .. policy_text)
  local h, r, q, f = string.match(figures, '^(%-?%d+) (%-?%d+) ?(%-?%d*) ?(%-?%d*)$')
  if value then
    it.H, it.R, it.Q, it.F = tonumber(h), tonumber(r), tonumber(q) or 0, tonumber(f) or 0
    it.on_hand = false
  end
  return it
end

local function mend(it, reserved, queued)
  local before = { it.R, it.Q, it.F }
  local R, Q = it.R - reserved, it.Q - queued
  if Q < 0 or R < Q or R > MAX_FIGURE then return { code.REPAIR_CONFLICT } end
  touch(it)
  it.R, it.Q, it.F = R, Q, math.max(0, it.F)
  settle(it)
  if it.R ~= before[1] or it.Q ~= before[2] or it.F ~= before[3] then
    last_repair = emit({ 'REPAIRED', it.sku, text(before[1]), text(before[2]), text(before[3]), text(it.R),
      text(it.Q), text(it.F) })
    meta_changes = append(meta_changes or {}, { 'repaired', text(last_repair) })
  end
  threshold_events()
  it.touched, touched, befores = false, {}, {}
  return { code.OK, sequence_now(), before[1], before[2], before[3], it.R, it.Q, it.F }
end

local function repair(sku, process, found_epoch, since, reserved, queued)
  local it = read_item(sku)
  if not it.exists then return { code.UNKNOWN_SKU, 0, it.sku } end
  if process ~= run_id or found_epoch ~= epoch or last_repair > since then
    return { code.REPAIR_CONFLICT }
  end
  return mend(it, reserved, queued)
end

local function decide()
  local not_after, sku = number(), field()
  local process, found_epoch, since = field(), number(), number()
  local reserved, queued = number(), number()
  return stamped(now > not_after and { code.TOO_LATE }
    or repair(sku, process, found_epoch, since, reserved, queued))
end

reclaims = false -- it moves nothing but figures
return finish(decide)
