-- reserve promises units to reservations (Reserve), or says what that would answer (CheckAvailability).
-- What is due in the stock is reclaimed first, so that no expired hold makes an answer worse (I6).
--
-- Include: mutation decide
-- KEYS[11..] the requests' reservations <base>res:<id> and SKUs <base>sku:<sku>, each once
-- ARGV, per request:
--   dry_run      1: CheckAvailability, 0: Reserve
--   not_after    ms of store time
--   partial      1: PARTIAL, 0: ALL_OR_NOTHING
--   lines        1-1000, each: index of the SKU in KEYS, quantity in units 1-10^9
-- and for a Reserve before its lines:
--   reservation  index in KEYS
--   fingerprint  of the content
--   ttl          ms, 0: firm at once
--   replaces     index in KEYS of the reservation that this one replaces, 0: none
-- Returns, per request, one of:
--   OK, REPLAYED          sequence, grant ms, expiry ms (0: none), state now, then per line: granted,
--                         backordered, flags, available, extras ("restock_time ms\nsubstitute\n...")
--   OK (dry run)          sequence, grantable 0/1, the lines as above, then the refused lines as below
--   LINES_REFUSED         sequence, then per refused line: number from 1, orderable (-1: unlimited),
--                         reason 1-6 (as LineRefusalReason), substitutes ("\n" between them)
--   UNKNOWN_SKU, FIGURE_OUT_OF_RANGE    sequence, the SKUs
--   UNKNOWN_RESERVATION   sequence (of replaces)
--   WRONG_STATE           sequence, state (of replaces)
--   RESERVATION_ID_REUSED, RELEASED_BEFORE_RESERVED, TOO_LATE    sequence
--   AGAIN                 sequence: more is due than was reclaimed, and it would matter
-- Invariants: I1, I4, I5, I6.
local NOT_SELLABLE, BELOW_MINIMUM, ABOVE_MAXIMUM, NOT_A_MULTIPLE = 1, 2, 3, 4
local BACKORDER_LIMIT, INSUFFICIENT_STOCK = 5, 6

local more_due = false

-- judge returns how many units of a line are granted and, where that is less than asked for, why.
local function judge(p, quantity, available, partial)
  if not p.sellable then return 0, NOT_SELLABLE end
  if quantity < p.min then return 0, BELOW_MINIMUM end
  if p.max and quantity > p.max then return 0, ABOVE_MAXIMUM end
  if quantity % p.increment ~= 0 then return 0, NOT_A_MULTIPLE end
  if not p.tracked or not p.floor or available - quantity >= p.floor then return quantity end
  local reason = p.mode == '1' and INSUFFICIENT_STOCK or BACKORDER_LIMIT
  if not partial then return 0, reason end
  local cut = available - p.floor
  cut = cut - cut % p.increment
  return cut >= p.min and cut or 0, reason
end

-- trials_after returns the figures as they will be when the replaced reservation has given its units back.
local function trials_after(replaced)
  local trials = {}
  if replaced then
    for _, line in ipairs(lines_of(replaced)) do
      if line.counted then
        local trial = trial_of(trials, item(line.sku))
        trial.available = trial.available + line.covered + line.backordered
        trial.own = trial.own + line.covered
      end
    end
  end
  return trials
end

-- try decides one line against its trial figures and takes what it gets from them.
local function try(it, quantity, partial, trial)
  local p = policy(it)
  local before = trial.available
  local granted, reason = judge(p, quantity, before, partial)
  local line = { it = it, sku = it.sku, requested = quantity, granted = granted, reason = reason,
    orderable = reason and orderable(p, before), counted = p.tracked, covered = granted,
    backordered = 0, fulfilled = 0, flags = p.tracked and COUNTED or 0,
    backordered_first = 0, available = before, moved = false }
  if p.tracked and granted > 0 then
    line.covered, line.backordered = split(p, granted, trial)
    if line.backordered > 0 then
      line.extras = extras(it)
      if p.mode == '3' then line.flags = line.flags + NOTIFY end
    end
  end
  line.backordered_first = line.backordered
  line.available = trial.available
  return line
end

-- read_lines takes the lines of a request and returns their SKUs and quantities, and the unknown SKUs.
local function read_lines()
  local lines, unknown, named = {}, { code.UNKNOWN_SKU, 0 }, {}
  for i = 1, number() do
    local it = declared_item(number())
    lines[i] = { it, number() }
    if not it.exists and not named[it] then
      named[it] = true
      unknown[#unknown + 1] = it.sku
    end
  end
  return lines, #unknown > 2 and unknown or nil
end

-- outcome tries all lines and returns them with the refused ones, whether anything is granted, whether
-- the answer is worse than asked for, and the SKUs whose figures would go out of range.
local function outcome(asked, partial, trials)
  local result = { lines = {}, refused = {}, any = false, worse = false, beyond = {} }
  local named = {}
  for i, ask in ipairs(asked) do
    local it = ask[1]
    local trial = trial_of(trials, it)
    local line = try(it, ask[2], partial, trial)
    result.lines[i] = line
    if line.reason then
      local at = #result.refused
      result.refused[at + 1], result.refused[at + 2] = i, line.orderable
      result.refused[at + 3], result.refused[at + 4] = line.reason, it.own.su or ''
    end
    result.any = result.any or line.granted > 0
    result.worse = result.worse or line.reason ~= nil or line.backordered > 0
    if it.H - trial.available > MAX_FIGURE and not named[it] then
      named[it] = true
      result.beyond[#result.beyond + 1] = it.sku
    end
  end
  result.grantable = #result.refused == 0 or (partial and result.any)
  return result
end

-- append_lines puts what each line got behind a reply.
local function append_lines(reply, lines)
  local at = #reply
  for _, line in ipairs(lines) do
    reply[at + 1], reply[at + 2], reply[at + 3] = line.granted, line.backordered_first, line.flags
    reply[at + 4], reply[at + 5] = line.available, line.extras or ''
    at = at + 5
  end
  return reply
end

-- granted_reply is the first answer, now or again.
local function granted_reply(answer, r)
  local state = is_due(r) and EXPIRED or r.state
  local expires = r.ttl > 0 and r.created + r.ttl or 0
  return append_lines({ answer, r.sequence, r.created, expires, state }, lines_of(r))
end

-- grant makes the reservation, ends the one that it replaces, and serves the queue with what is left.
local function grant(r, fingerprint, ttl, lines, replaced)
  if replaced then
    emit(give_back_all(replaced, { 'RELEASED', replaced.id, '', RELEASED }))
    finish_record(replaced, RELEASED)
  end
  r.exists, r.fingerprint, r.created, r.ttl = true, fingerprint, now, ttl
  r.expires = ttl > 0 and now + ttl or 0
  r.state = ttl > 0 and HELD or COMMITTED
  r.term, r.count, r.lines = 1, #lines, lines
  change_record(r)
  local reserved = { 'RESERVED', r.id, text(r.state), text(r.expires) }
  local at = 4
  for _, line in ipairs(lines) do
    reserved[at + 1], reserved[at + 2] = line.sku, text(line.requested)
    reserved[at + 3], reserved[at + 4] = text(line.covered), text(line.backordered)
    reserved[at + 5] = line.counted and '1' or '0'
    at = at + 5
  end
  take(r, emit(reserved))
  end_request()
  r.sequence = sequence_now()
  return granted_reply(code.OK, r)
end

local function reserve(partial, in_time)
  local r = record(name_in_key(number()))
  local fingerprint, ttl, replaces = arg(), number(), number()
  local asked, unknown = read_lines()
  local replaced = replaces > 0 and record(name_in_key(replaces))
  if not in_time then return { code.TOO_LATE } end
  if r.exists then
    if r.term == 0 then return { code.RELEASED_BEFORE_RESERVED } end
    if r.fingerprint ~= fingerprint then return { code.RESERVATION_ID_REUSED } end
    return granted_reply(code.REPLAYED, r)
  end
  if unknown then return unknown end
  if replaced then
    if not replaced.exists then return { code.UNKNOWN_RESERVATION } end
    local state = is_due(replaced) and EXPIRED or replaced.state
    if state ~= HELD then return { code.WRONG_STATE, 0, state } end
    if not bring_up(replaced) then return { code.AGAIN } end
  end
  local result = outcome(asked, partial, trials_after(replaced))
  if more_due and result.worse then return { code.AGAIN } end
  if not result.grantable then return append({ code.LINES_REFUSED, 0 }, result.refused) end
  if #result.beyond > 0 then return append({ code.FIGURE_OUT_OF_RANGE, 0 }, result.beyond) end
  return grant(r, fingerprint, ttl, result.lines, replaced)
end

local function check(partial, in_time)
  local asked, unknown = read_lines()
  if not in_time then return { code.TOO_LATE } end
  if unknown then return unknown end
  local result = outcome(asked, partial, {})
  if more_due and result.worse then return { code.AGAIN } end
  if result.grantable and #result.beyond > 0 then
    return append({ code.FIGURE_OUT_OF_RANGE, 0 }, result.beyond)
  end
  local reply = append_lines({ code.OK, 0, result.grantable and 1 or 0 }, result.lines)
  return append(reply, result.refused)
end

local function decide()
  local dry_run, not_after, partial = arg() == '1', number(), arg() == '1'
  local reply = (dry_run and check or reserve)(partial, now <= not_after)
  end_request() -- of what was reclaimed on the way, also where the request is refused
  reply[2] = reply[2] and reply[2] > 0 and reply[2] or sequence_now()
  return reply
end

return finish(decide, function()
  more_due = reclaim()
end)
