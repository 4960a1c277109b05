-- restore builds a stock from the parts of an export, some at a time. Until the last the stock is marked with the
-- export's id, and every other script that would write to it answers STOCK_RESTORING. Each part is final and
-- written as it is, so that a restore may go on, or begin again, with the same export.
--
-- Include: mutation
-- KEYS[11..] the parts' reservations <base>res:<id>, request ids <base>req:<id> and SKUs <base>sku:<sku>, each once
-- ARGV, per request:
--   not_after    ms of store time
--   export       its id
--   parts        each: kind, then by kind
--     begin
--     default      policy
--     item         index of the SKU in KEYS, on hand, reserved, queued, filling, policy
--     request      index in KEYS, fingerprint, sequence, time ms, end of retention ms, the answer's two texts
--     reservation  index in KEYS, state, fingerprint (empty: none), grant ms, ttl ms, expiry ms, sequence, term, term
--                  began ms (0: in the first), end of retention ms (0: not finished), lines, each: SKU, requested,
--                  granted, backordered at first, available at first, flags, extras, covered, backordered, fulfilled,
--                  flags of the present term (-1: as granted), extras of it, sequence that put it into its queue
--                  (0: it waits not)
--     end          sequence, epoch, epochs, each: number, sequence at which it began
--   a policy is its number of fields, each: name, value
-- Returns, per request, one of:
--   OK, TOO_LATE      sequence
--   STOCK_NOT_EMPTY   sequence: it has something already, or is being restored from another export

-- is_empty says whether the stock has nothing at all.
local function is_empty()
  for i = 1, FIXED_KEYS do
    if redis.call('EXISTS', KEYS[i]) == 1 then return false end
  end
  return true
end

local function read_policy(key)
  for i = 1, number() do
    policy_changes[#policy_changes + 1] = { key, arg(), arg() }
  end
end

local function read_item()
  local it = declared_item(number())
  touch(it)
  it.exists = true
  it.H, it.R, it.Q, it.F = number(), number(), number(), number()
  read_policy(it.key)
end

local function read_request()
  local key = number()
  changed_requests[#changed_requests + 1] = {
    id = name_in_key(key), key = KEYS[key], fingerprint = arg(), sequence = number(), created = number(),
    forget = number(), a = arg(), b = arg(),
  }
end

local function some(n)
  if n > 0 then return n end
  return nil
end

-- read_line reads a line and puts it into its queue.
local function read_line(r, i)
  local line = { sku = arg(), requested = number(), granted = number(), backordered_first = number(),
    available = number(), flags = number(), extras = arg(), covered = number(), backordered = number(),
    fulfilled = number() }
  local flags_now, extras_now, joined = number(), arg(), number()
  if line.extras == '' then line.extras = nil end
  if flags_now >= 0 then
    line.flags_now, line.extras_now = flags_now, extras_now
  end
  line.moved = flags_now >= 0 or line.fulfilled > 0 or line.backordered ~= line.backordered_first
    or line.covered ~= line.granted - line.backordered_first
  if line.backordered > 0 and joined > 0 then
    local it = item(line.sku)
    touch(it)
    enqueue(it, r, i, joined)
  end
  return line
end

local function read_reservation()
  local key = number()
  local r = { id = name_in_key(key), key = KEYS[key], exists = true, state = number() }
  local fingerprint = arg()
  if fingerprint ~= '' then r.fingerprint = fingerprint end
  r.created, r.ttl, r.expires, r.sequence = number(), number(), number(), number()
  r.term, r.term_began, r.forget = number(), some(number()), some(number())
  r.count, r.lines = number(), {}
  for i = 1, r.count do
    r.lines[i] = read_line(r, i)
  end
  change_record(r)
end

local function read_end()
  local sequence = number()
  meta_changes = { 'run_id', 'restored', 'restored', sequence, 'sequence', sequence, 'epoch', number() }
  for i = 1, number() do
    append_pair(meta_changes, 'e' .. number(), number())
  end
  meta_removed = { 'restoring' }
end

local read_part = {
  begin = function() end,
  default = function() read_policy(KEYS[2]) end,
  item = read_item, request = read_request, reservation = read_reservation,
}
read_part['end'] = read_end

local function decide()
  local not_after, export, parts = number(), arg(), number()
  if now > not_after then return { code.TOO_LATE, first_sequence } end
  if restoring ~= export then
    if restoring or not is_empty() then return { code.STOCK_NOT_EMPTY, first_sequence } end
    restoring = export
    meta_changes = { 'restoring', export }
  end
  for i = 1, parts do
    read_part[arg()]()
  end
  return { code.OK, first_sequence }
end

return finish(decide, nil, true)
