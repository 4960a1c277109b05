-- reserve promises units to reservations (Reserve), or says what that would answer (CheckAvailability).
-- What is due in the stock is reclaimed first, so that no expired hold makes an answer worse (I6).
--
-- Include: clock begin policy_rules lone codes tools journal fence items grants named machinery lazily finish
-- Machinery: thresholds records queue lapses decide reserve_generally
-- KEYS[12..] the requests' reservations <base>res:<id>, each once
-- ARGV[5] skus      those that the requests name, each once, a packed list
-- ARGV[6] requests  packed, per request:
--   asks         0: Reserve, 1: Reserve PARTIAL, 2: CheckAvailability, 3: CheckAvailability PARTIAL
--   not_after    ms of store time
--   reservation  of a Reserve the index in KEYS
--   fingerprint  text, of the content of a Reserve
--   ttl          text, ms; 0: firm at once
--   replaces     the index in KEYS of the reservation that this one replaces; 0: none
--   lines        list of 1-1000 times number of the SKU, quantity in units 1-10^9
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
--   STOCK_FENCED          sequence: of a request that is not known yet, and of every dry run
--   AGAIN                 sequence: more is due than was reclaimed, and it would matter
-- Repeats: only REPLAYED
-- Invariants: I1, I4, I5, I6.
local NONE = {}
local BACKORDER_LIMIT, INSUFFICIENT_STOCK = 5, 6 -- as LineRefusalReason

-- read_lines takes the lines of a request apart and returns their SKUs and quantities, and the unknown SKUs.
local function read_lines(list)
  local its, quantities, unknown, n = {}, {}, nil, 0
  for at = 1, #list, 2 do
    local it = items[named_skus[list[at]]]
    n = n + 1
    its[n], quantities[n] = it, list[at + 1]
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
-- stands on one line, its policy has no purchase rule, and there is nothing to tell of a line that waits. It returns
-- the lines as they are kept, the events of the thresholds that they cross and how many units of each line wait
-- (nil: none); nil, and nothing taken, otherwise.
local function take_plain(its, quantities, mark)
  local lines, edges, waits = {}, NONE, nil
  for i = 1, #its do
    local it, quantity = its[i], quantities[i]
    local p = it.policy or policy(it)
    local before = it.H - it.R
    local after = before - quantity
    if not p.plain or (p.floor and after < p.floor) or it.mark == mark or it.R + quantity > MAX_FIGURE or
      (after < 0 and (p.mode == '1' or more_due or after < -MAX_FIGURE or it.own.rt or it.own.su)) then
      for n = 1, i - 1 do
        its[n].R = its[n].R - quantities[n]
      end
      return nil
    end
    it.R, it.mark = it.R + quantity, mark
    local asked = text(quantity)
    if after < 0 then
      -- What is due to the queue's front stays: a line that waits takes only what is available.
      waits = waits or {}
      waits[i] = before > 0 and quantity - before or quantity
      lines[i] = asked .. ' ' .. asked .. ' ' .. text(waits[i]) .. ' ' .. text(after)
        .. (p.mode == '3' and ' 3 ' or ' 1 ') .. it.sku
    else
      lines[i] = asked .. ' ' .. asked .. ' 0 ' .. text(after) .. ' 1 ' .. it.sku
    end
    if after <= p.edge or p.low then
      if edges == NONE then edges = {} end
      edge_event(edges, it, p, before, after)
    end
  end
  return lines, edges, waits
end

-- wait_plain puts the lines that wait at the tails of their queues; sequence is that of the grant.
local function wait_plain(id, its, waits, sequence)
  local event = 'BACKORDERED\t' .. id
  for i = 1, #its do
    local it, units = its[i], waits[i]
    if units then
      event = event .. '\t' .. text(i) .. '\t' .. it.sku .. '\t' .. text(units)
      it.Q = it.Q + units
      queue_up(it, id, i, sequence)
    end
  end
  emit_line(event)
end

-- grant_plain makes a reservation of lines that were taken by take_plain.
local function grant_plain(key, id, fingerprint, ttl, its, lines, edges, waits)
  local expires, state, index = '0', '2', 6
  if ttl ~= '0' then
    expires, state, index = text(now + tonumber(ttl)), '1', 5
  end
  local told, granted_at = lines[1], nil
  if #lines == 1 then
    granted_at = emit_line('RESERVED\t' .. id .. '\t' .. state .. '\t' .. expires .. '\t' .. told)
  else
    granted_at = emit_line('RESERVED\t' .. id .. '\t' .. state .. '\t' .. expires .. '\t' .. joined(lines, '\t'))
    told = joined(lines, '\n')
  end
  if waits then
    wait_plain(id, its, waits, granted_at)
  end
  for i = 1, #edges do
    emit_line(edges[i])
  end
  for i = 1, #its do
    if not its[i].changed then change_item(its[i]) end
  end
  local sequence = sequence_now()
  keep_grant(id, { key, id,
    now_text .. ' ' .. text(sequence) .. ' ' .. text(#lines) .. ' ' .. ttl .. ' ' .. fingerprint,
    state .. ' 1 ' .. expires .. ' 0 0 0', lines, index, index == 6 and now_text or expires })
  return { code.OK, sequence, now_text .. ' ' .. expires .. ' ' .. state .. '\n' .. told }
end

-- refuse_plain refuses a request of one line for want of stock alone; nil where there may be another reason.
local function refuse_plain(it, quantity)
  local p = it.policy or policy(it)
  local available = it.H - it.R
  if not p.plain or not p.floor or available - quantity >= p.floor then return nil end
  return { code.LINES_REFUSED, 0, 1, math.max(0, available - p.floor),
    p.mode == '1' and INSUFFICIENT_STOCK or BACKORDER_LIMIT, it.own.su or '' }
end

-- is_new says whether a reservation is not there, without reading it where that is known.
local function is_new(id)
  if none_named and not records[id] and not grants[id] then return true end
  return not general().is_known(id)
end

-- reserve decides about a reservation: a plain one here, any other by the general rules.
local function reserve(partial, key, fingerprint, ttl, replaces, list)
  local its, quantities, unknown = read_lines(list)
  local id = string.sub(key, #base + 5)
  if not unknown and not fenced and replaces == 0 and #touched == 0 and is_new(id) then
    local lines, edges, waits = take_plain(its, quantities, id)
    if lines then return grant_plain(key, id, fingerprint, ttl, its, lines, edges, waits) end
    if #its == 1 and not partial and not more_due then
      local refused = refuse_plain(its[1], quantities[1])
      if refused then return refused end
    end
  end
  return general().reserve(id, fingerprint, tonumber(ttl), its, quantities, unknown, replaces, partial)
end

local function check(partial, list)
  local its, quantities, unknown = read_lines(list)
  return general().check(its, quantities, unknown, partial)
end

local packed, packed_at = ARGV[6], 0

local function decide()
  local asks, not_after, key, fingerprint, ttl, replaces, list
  packed_at, asks, not_after, key, fingerprint, ttl, replaces, list =
    cmsgpack.unpack_limit(packed, 7, packed_at)
  local reply
  if now > not_after then
    reply = { code.TOO_LATE }
  elseif asks < 2 then
    reply = reserve(asks == 1, KEYS[key], fingerprint, ttl, replaces, list)
  else
    reply = check(asks == 3, list)
  end
  end_general() -- of what was reclaimed on the way, also where the request is refused
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
