-- repair mends a SKU's reserved and queued by what they differ from its reservations, and filling by the rule of
-- section 3. It takes differences, not figures: an operation of a reservation moves both sides alike, so that a
-- difference that was right at some sequence is right until another repair. Filling units are left to the sweep.
--
-- Include: mutation
-- KEYS[11..] the requests' SKUs <base>sku:<sku>, each once
-- ARGV, per request:
--   not_after  ms of store time
--   sku        index in KEYS
--   process    run_id of the store process that was counted
--   epoch      in which the differences were found
--   since      sequence at which they were found
--   reserved   units to take off reserved, may be negative
--   queued     units to take off queued, may be negative
-- Returns, per request, one of:
--   OK                sequence, then reserved, queued and filling before, and the same after
--   UNKNOWN_SKU       sequence, the SKU
--   REPAIR_CONFLICT   sequence: another repair or another store came between, or the figures cannot be
--   TOO_LATE          sequence
-- Invariants: I2.
local last_repair = tonumber(redis.call('HGET', KEYS[1], 'repaired') or 0)

local function mend(it, reserved, queued)
  local before = { it.R, it.Q, it.F }
  local R, Q = it.R - reserved, it.Q - queued
  if Q < 0 or R < Q or R > MAX_FIGURE then return { code.REPAIR_CONFLICT } end
  touch(it)
  it.R, it.Q = R, Q
  settle(it)
  if it.R ~= before[1] or it.Q ~= before[2] or it.F ~= before[3] then
    last_repair = emit({ 'REPAIRED', it.sku, before[1], before[2], before[3], it.R, it.Q, it.F })
    meta_changes = { 'repaired', last_repair }
  end
  threshold_events()
  it.touched, touched = false, {}
  return { code.OK, sequence_now(), before[1], before[2], before[3], it.R, it.Q, it.F }
end

local function repair(it, process, found_epoch, since, reserved, queued)
  if not it.exists then return { code.UNKNOWN_SKU, 0, it.sku } end
  if process ~= run_id or found_epoch ~= epoch or last_repair > since then
    return { code.REPAIR_CONFLICT }
  end
  return mend(it, reserved, queued)
end

local function decide()
  local not_after, it = number(), declared_item(number())
  local process, found_epoch, since = arg(), number(), number()
  local reserved, queued = number(), number()
  local reply = now > not_after and { code.TOO_LATE }
    or repair(it, process, found_epoch, since, reserved, queued)
  reply[2] = reply[2] and reply[2] > 0 and reply[2] or sequence_now()
  return reply
end

return finish(decide)
