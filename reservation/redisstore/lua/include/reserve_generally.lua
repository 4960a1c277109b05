-- What reserve.lua does with requests that are not of the plainest kind. It is made when the first of them comes.
local NONE = {}
local NOT_SELLABLE, BELOW_MINIMUM, ABOVE_MAXIMUM, NOT_A_MULTIPLE = 1, 2, 3, 4
local BACKORDER_LIMIT, INSUFFICIENT_STOCK = 5, 6

-- judge returns how many units of a line are granted and, where that is less than asked for, why.
local function judge(p, quantity, available, partial)
  if not p.plain then
    if not p.sellable then return 0, NOT_SELLABLE end
    if quantity < p.min then return 0, BELOW_MINIMUM end
    if p.max and quantity > p.max then return 0, ABOVE_MAXIMUM end
    if quantity % p.increment ~= 0 then return 0, NOT_A_MULTIPLE end
    if not p.tracked then return quantity end
  end
  if not p.floor or available - quantity >= p.floor then return quantity end
  local reason = p.mode == '1' and INSUFFICIENT_STOCK or BACKORDER_LIMIT
  if not partial then return 0, reason end
  local cut = math.max(0, available - p.floor)
  cut = cut - cut % p.increment
  return cut >= p.min and cut or 0, reason
end

-- lend takes the open units of a replaced reservation off the figures, for the new lines to see; give with -1
-- takes that back.
local function lend(replaced, sign)
  for _, line in ipairs(lines_of(replaced)) do
    if line.counted then
      local it = item(line.sku)
      it.R = it.R - sign * (line.covered + line.backordered)
      if sign > 0 then
        own_units[it] = (own_units[it] or 0) + line.covered
      end
    end
  end
end

-- try decides one line and takes what it gets from the figures.
local function try(it, quantity, partial)
  local p = it.policy or policy(it)
  local before, asked = it.H - it.R, text(quantity)
  local granted, reason = judge(p, quantity, before, partial)
  local counted, covered = p.tracked, granted
  local flags, refusal, granted_text = 0, '', asked
  if counted then
    flags = COUNTED
    if granted > 0 then
      covered = take_units(p, it, granted)
    end
  end
  local backordered, told = granted - covered, false
  if backordered > 0 then
    told = extras(it, true)
    if p.mode == '3' then flags = flags + NOTIFY end
  end
  local orderable_before = false
  if reason then
    granted_text, orderable_before = text(granted), orderable(p, before)
    refusal = ':' .. reason .. ':' .. text(orderable_before)
    told = extras(it, backordered > 0)
  end
  return {
    it = it, sku = it.sku, requested = quantity, granted = granted, covered = covered,
    backordered = backordered, backordered_first = backordered, fulfilled = 0, counted = counted,
    flags = flags, refusal = refusal, reason = reason, orderable = orderable_before, extras = told,
    moved = false, text = asked .. ' ' .. granted_text .. ' ' .. text(backordered) .. ' '
      .. text(counted and before - granted or before) .. ' ' .. text(flags) .. refusal .. ' ' .. it.sku,
  }
end

-- outcome tries all lines and returns them with the refused ones, whether any unit is granted, whether
-- the answer is worse than asked for, and the SKUs whose figures would go out of range. It leaves the figures as
-- they were.
local function outcome(its, quantities, partial, replaced)
  local lines, refused, beyond, any, worse = {}, NONE, NONE, false, false
  if replaced then lend(replaced, 1) end
  for i = 1, #its do
    local it = its[i]
    local line = try(it, quantities[i], partial)
    lines[i] = line
    if line.reason then
      if refused == NONE then refused = {} end
      append(refused, { i, line.orderable, line.reason, substitutes_of(it) })
    end
    any = any or line.granted > 0
    worse = worse or line.reason or line.backordered > 0
    if it.R > MAX_FIGURE or it.R - it.H > MAX_FIGURE then
      if beyond == NONE then beyond = {} end
      if not contains(beyond, 1, it.sku) then beyond[#beyond + 1] = it.sku end
    end
  end
  for i = 1, #its do
    local line = lines[i]
    if line.counted then
      line.it.R = line.it.R - line.granted
    end
  end
  if replaced then
    lend(replaced, -1)
    own_units = {}
  end
  return lines, refused, beyond, #refused == 0 or (partial and any), worse
end

-- told_lines returns the lines as text, each by itself, and what any of them tells besides.
local function told_lines(lines)
  local list, told = {}, nil
  for i = 1, #lines do
    local line = lines[i]
    list[i] = line.text
    if line.extras then
      told = told or {}
      told[#told + 1] = i
      told[#told + 1] = line.extras
    end
  end
  return list, told
end

-- granted_reply is the first answer, now or again.
local function granted_reply(answer, r, list, told)
  local state = is_due(r) and EXPIRED or r.state
  local expires = r.ttl > 0 and r.created + r.ttl or 0
  return { answer, r.sequence, text(r.created) .. ' ' .. text(expires) .. ' ' .. state .. '\n'
    .. joined(list, '\n'), told }
end

-- grant makes the reservation, ends the one that it replaces, and serves the queue with what is left.
local function grant(r, fingerprint, ttl, lines, replaced)
  if replaced then
    emit(give_back_all(replaced, { 'RELEASED', replaced.id, '', text(RELEASED) }))
    finish_record(replaced, RELEASED)
  end
  r.exists, r.fingerprint, r.created, r.ttl = true, fingerprint, now, ttl
  r.expires = ttl > 0 and now + ttl or 0
  r.state = ttl > 0 and HELD or COMMITTED
  r.term, r.count, r.lines, r.whole, r.moved = 1, #lines, lines, true, {}
  r.forget, r.began, r.by_release = 0, 0, false
  change_record(r)
  local list, told = told_lines(lines)
  take(r, emit_line('RESERVED\t' .. r.id .. '\t' .. r.state .. '\t' .. text(r.expires) .. '\t'
    .. joined(list, '\t')))
  end_request()
  r.sequence = sequence_now()
  return granted_reply(code.OK, r, list, told)
end

-- replay answers a Reserve of an id that is known.
local function replay(r, fingerprint)
  if r.term == 0 then return { code.RELEASED_BEFORE_RESERVED } end
  if r.fingerprint ~= fingerprint then return { code.RESERVATION_ID_REUSED } end
  return granted_reply(code.REPLAYED, r, told_lines(lines_of(r)))
end

-- reserve_generally decides about a reservation by every rule.
local function reserve_generally(id, fingerprint, ttl, its, quantities, unknown, replaces, partial)
  local r = records[id] or (none_named and not grants[id] and new_record(id)) or record(id)
  if r.exists then return replay(r, fingerprint) end
  if fenced then return { code.STOCK_FENCED } end
  if unknown then return unknown end
  local replaced = replaces > 0 and record(name_in_key(replaces))
  if replaced then
    if not replaced.exists then return { code.UNKNOWN_RESERVATION } end
    local state = is_due(replaced) and EXPIRED or replaced.state
    if state ~= HELD then return { code.WRONG_STATE, 0, state } end
    if not bring_up(replaced) then return { code.AGAIN } end
  end
  local lines, refused, beyond, grantable, worse = outcome(its, quantities, partial, replaced)
  if more_due and worse then return { code.AGAIN } end
  if not grantable then return append({ code.LINES_REFUSED, 0 }, refused) end
  if #beyond > 0 then return append({ code.FIGURE_OUT_OF_RANGE, 0 }, beyond) end
  return grant(r, fingerprint, ttl, lines, replaced)
end

local function check(its, quantities, unknown, partial)
  if fenced then return { code.STOCK_FENCED } end
  if unknown then return unknown end
  local lines, refused, beyond, grantable, worse = outcome(its, quantities, partial, nil)
  if more_due and worse then return { code.AGAIN } end
  if grantable and #beyond > 0 then
    return append({ code.FIGURE_OUT_OF_RANGE, 0 }, beyond)
  end
  local list, told = told_lines(lines)
  return append({ code.OK, 0, grantable and 1 or 0, joined(list, '\n'), told or {} }, refused)
end

return {
  reserve = reserve_generally, check = check, reclaim = reclaim, end_request = end_request,
  is_known = function(id)
    local r = record(id)
    return r.exists or r.forgotten -- one whose retention is over has remains to clear away
  end,
  write = function()
    write_queues()
    write_records()
  end,
}
