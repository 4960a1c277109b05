-- reserve promises units to reservations (Reserve), or says what that would answer (CheckAvailability).
-- What is due in the stock is reclaimed first, so that no expired hold makes an answer worse (I6).
--
-- Include: mutation decide
-- KEYS[12..] the requests' reservations <base>res:<id>, each once
-- ARGV, per request:
--   head    "asks not_after reservation fingerprint ttl replaces": asks 0: Reserve, 1: Reserve PARTIAL,
--           2: CheckAvailability, 3: CheckAvailability PARTIAL; not_after in ms of store time; and of a Reserve
--           the index of the reservation in KEYS, the fingerprint of the content, ttl in ms (0: firm at once),
--           the index in KEYS of the reservation that this one replaces (0: none)
--   lines   1-1000, each "sku quantity ": number of the SKU, quantity in units 1-10^9
-- Returns, per request, one of:
--   OK, REPLAYED          sequence, "granted expiry state" (ms, ms or 0, as it is now) and each line as field l<i>
--                         of include/records.lua has it, a line each; then, where any has extras, a list of
--                         line from 1 and extras
--   OK (dry run)          sequence, grantable 0/1, the lines and extras as above without their head, then the
--                         refused lines as below
--   LINES_REFUSED         sequence, then per refused line: number from 1, orderable (-1: unlimited),
--                         reason 1-6 (as LineRefusalReason), substitutes (\30 between them)
--   UNKNOWN_SKU, FIGURE_OUT_OF_RANGE    sequence, the SKUs
--   UNKNOWN_RESERVATION   sequence (of replaces)
--   WRONG_STATE           sequence, state (of replaces)
--   RESERVATION_ID_REUSED, RELEASED_BEFORE_RESERVED, TOO_LATE    sequence
--   AGAIN                 sequence: more is due than was reclaimed, and it would matter
-- Invariants: I1, I4, I5, I6.
local NOT_SELLABLE, BELOW_MINIMUM, ABOVE_MAXIMUM, NOT_A_MULTIPLE = 1, 2, 3, 4
local BACKORDER_LIMIT, INSUFFICIENT_STOCK = 5, 6
local NONE = {}

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
local function try(it, asked, partial)
  local p = it.policy or policy(it)
  local before, quantity = it.H - it.R, tonumber(asked)
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

-- read_lines takes the lines of a request and returns their SKUs and quantities, and the unknown SKUs.
local function read_lines()
  local its, quantities, unknown, n = {}, {}, nil, 0
  for sku, quantity in string.gmatch(field(), '(%d+) (%d+) ') do
    local it = items[named_skus[tonumber(sku)]]
    n = n + 1
    its[n], quantities[n] = it, quantity
    if not it.exists then
      unknown = unknown or { code.UNKNOWN_SKU, 0 }
      if not contains(unknown, 3, it.sku) then
        unknown[#unknown + 1] = it.sku
      end
    end
  end
  work = work + n
  return its, quantities, unknown
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

-- edge_event tells of a threshold that one line crossed, from the units available before to those after.
local function edge_event(list, it, p, before, after)
  if p.low and before >= p.low and after < p.low then
    list[#list + 1] = 'LOW_STOCK\t' .. it.sku .. '\t' .. text(after)
  end
  if before > p.edge and after <= p.edge then
    list[#list + 1] = 'OUT_OF_STOCK\t' .. it.sku .. '\t' .. text(after)
  end
end

-- take_plain takes the lines of a request from the figures where nothing but the quantity counts: every SKU
-- stands on one line, its policy has no purchase rule, and enough is available that no unit waits. It returns the
-- lines as they are kept and the events of the thresholds that they cross; nil, and nothing taken, otherwise.
local function take_plain(its, quantities, mark)
  local lines, edges = {}, NONE
  for i = 1, #its do
    local it, quantity = its[i], quantities[i]
    local p = it.policy or policy(it)
    local before = it.H - it.R
    local after = before - quantity
    if not p.plain or after < 0 or (p.floor and after < p.floor) or it.mark == mark or
      it.R + quantity > MAX_FIGURE then
      for n = 1, i - 1 do
        its[n].R = its[n].R - quantities[n]
      end
      return nil
    end
    it.R, it.mark = it.R + quantity, mark
    lines[i] = quantity .. ' ' .. quantity .. ' 0 ' .. text(after) .. ' 1 ' .. it.sku
    if after <= p.edge or p.low then
      if edges == NONE then edges = {} end
      edge_event(edges, it, p, before, after)
    end
  end
  return lines, edges
end

-- grant_plain makes a reservation of lines that were taken by take_plain.
local function grant_plain(id, fingerprint, ttl, its, lines, edges)
  local state, expires, index = '2', '0', 6
  if ttl > 0 then
    state, expires, index = '1', text(now + ttl), 5
  end
  emit_line('RESERVED\t' .. id .. '\t' .. state .. '\t' .. expires .. '\t' .. joined(lines, '\t'))
  for i = 1, #edges do
    emit_line(edges[i])
  end
  for i = 1, #its do
    if not its[i].changed then change_item(its[i]) end
  end
  local sequence = sequence_now()
  keep_grant(id, now_text .. ' ' .. text(sequence) .. ' ' .. text(#lines) .. ' ' .. text(ttl) .. ' '
    .. fingerprint, state .. ' 1 ' .. expires .. ' 0 0 0', lines, index, index == 6 and now_text or expires)
  return { code.OK, sequence, now_text .. ' ' .. expires .. ' ' .. state .. '\n' .. joined(lines, '\n') }
end

local none_named = false -- none of the reservations that the requests name was there before

-- is_new says whether a reservation is not there, without reading it where that is known.
local function is_new(id)
  if none_named and not records[id] and not grants[id] then return true end
  local r = record(id)
  return not r.exists and not r.forgotten -- one whose retention is over has remains to clear away
end

-- reserve_slowly decides about a reservation by every rule.
local function reserve_slowly(id, fingerprint, ttl, its, quantities, unknown, replaces, partial)
  local r = none_named and not grants[id] and (records[id] or new_record(id)) or record(id)
  if r.exists then return replay(r, fingerprint) end
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

local function reserve(id, fingerprint, ttl, replaces, partial)
  local its, quantities, unknown = read_lines()
  if not unknown and replaces == 0 and #touched == 0 and is_new(id) then
    local lines, edges = take_plain(its, quantities, id)
    if lines then return grant_plain(id, fingerprint, ttl, its, lines, edges) end
  end
  return reserve_slowly(id, fingerprint, ttl, its, quantities, unknown, replaces, partial)
end

local function check(partial)
  local its, quantities, unknown = read_lines()
  if unknown then return unknown end
  local lines, refused, beyond, grantable, worse = outcome(its, quantities, partial, nil)
  if more_due and worse then return { code.AGAIN } end
  if grantable and #beyond > 0 then
    return append({ code.FIGURE_OUT_OF_RANGE, 0 }, beyond)
  end
  local list, told = told_lines(lines)
  return append({ code.OK, 0, grantable and 1 or 0, joined(list, '\n'), told or {} }, refused)
end

local function decide()
  local asks, not_after, key, fingerprint, ttl, replaces =
    string.match(field(), '^(%d) (%d+) (%d+) (%S+) (%d+) (%d+)$')
  local reply
  if now > tonumber(not_after) then
    field()
    reply = { code.TOO_LATE }
  elseif asks < '2' then
    reply = reserve(name_in_key(tonumber(key)), fingerprint, tonumber(ttl), tonumber(replaces), asks == '1')
  else
    reply = check(asks == '3')
  end
  end_request() -- of what was reclaimed on the way, also where the request is refused
  return stamped(reply)
end

-- note_new reads whether any of the reservations exists. Most are new, and to ask that of many keys costs little
-- more than of one.
local function note_new()
  local existing = 0
  for from = FIXED_KEYS + 1, #KEYS, 500 do
    existing = existing + redis.call('EXISTS', unpack(KEYS, from, math.min(from + 499, #KEYS)))
  end
  none_named = existing == 0
end

return finish(decide, note_new)
