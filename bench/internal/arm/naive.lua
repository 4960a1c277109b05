-- reserve promises units to one reservation: what a shop would write, in its best form.
--
-- It keeps the contract of a Reserve (replay by id, every line or none, purchase rules, floor and backorders,
-- queue, record, journal, events of thresholds, no line worse off for a hold that is due) and leaves out what
-- only the rest of Holdfast needs. PARTIAL and replaces are not in it.
--
-- KEYS[1] record    string: "fingerprint sequence created expires\n" and a row a line
-- KEYS[2] policy    hash: the stock's default policy
-- KEYS[3] sequence  string
-- KEYS[4] journal   stream, one entry a reservation
-- KEYS[5] held      sorted set: holds by expiry, ms
-- KEYS[6] committed sorted set: firm reservations by grant, ms
-- KEYS[7..] SKUs, each once, hashes as Holdfast's: h on hand, r reserved, q queued, and the policy's fields
-- ARGV[1] id, [2] not_after ms, [3] fingerprint, [4] ttl ms (0: firm), [5] number of lines n, [6] what a
--         queue's key begins with, then per line: index in KEYS, quantity, SKU
-- Returns {code, ...}: 0 OK and 1 REPLAYED with sequence, created, expires and per line granted, backordered,
-- flags, available; 2 TOO_LATE; 3 DUE (holds are due and it would matter); 4 REUSED; 5 UNKNOWN with the SKUs;
-- 6 REFUSED with per refused line its number, orderable, reason.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now > tonumber(ARGV[2]) then return { 2 } end

local known = redis.call('GET', KEYS[1])
if known then
  local head, rows = string.match(known, '^([^\n]*)\n(.*)$')
  local fingerprint, sequence, created, expires = string.match(head, '^(%S+) (%d+) (%d+) (%d+)$')
  if fingerprint ~= ARGV[3] then return { 4 } end
  local reply = { 1, tonumber(sequence), tonumber(created), tonumber(expires) }
  for granted, backordered, flags, available in string.gmatch(rows, '(%d+) (%d+) (%d) (%-?%d+) [^\n]*\n') do
    local at = #reply
    reply[at + 1], reply[at + 2] = tonumber(granted), tonumber(backordered)
    reply[at + 3], reply[at + 4] = tonumber(flags), tonumber(available)
  end
  return reply
end

local default = {}
local flat = redis.call('HGETALL', KEYS[2])
for i = 1, #flat, 2 do default[flat[i]] = flat[i + 1] end

local items = {}
local function item(i)
  local it = items[i]
  if it then return it end
  local own = {}
  local fields = redis.call('HGETALL', KEYS[i])
  for j = 1, #fields, 2 do own[fields[j]] = fields[j + 1] end
  if not own.h then
    it = { missing = true }
    items[i] = it
    return it
  end
  local mode = own.bm or default.bm or '1'
  local floor
  if mode == '1' then
    floor = tonumber(own.ss or default.ss or 0)
  else
    local limit = tonumber(own.bl or default.bl or 1e12)
    if limit < 1e12 then floor = -limit end
  end
  local available = own.h - own.r
  it = { own = own, mode = mode, floor = floor, before = available, available = available, taken = 0, queued = 0 }
  items[i] = it
  return it
end

-- why returns the reason to refuse a line, nil where there is none.
local function why(it, quantity)
  local own = it.own
  if (own.se or default.se) == '0' then return 1 end
  if quantity < tonumber(own.mn or default.mn or 1) then return 2 end
  local most = own.mx or default.mx
  if most and quantity > tonumber(most) then return 3 end
  if quantity % tonumber(own.qi or default.qi or 1) ~= 0 then return 4 end
  if (own.tr or default.tr) ~= '0' and it.floor and it.available - quantity < it.floor then
    return it.mode == '1' and 6 or 5
  end
end

local lines, refused, unknown, worse = {}, { 6 }, { 5 }, false
local reply = { 0, 0, now, 0 }
for n = 1, tonumber(ARGV[5]) do
  local at = 4 + n * 3
  local i, quantity, sku = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), ARGV[at + 2]
  local it = item(i)
  if it.missing then
    if not it.named then unknown[#unknown + 1] = sku end
    it.named = true
  else
    local reason = why(it, quantity)
    local backordered, flags = 0, 0
    if reason then
      worse = true
      local counted = (it.own.tr or default.tr) ~= '0'
      local orderable = reason == 1 and 0 or counted and it.floor and math.max(0, it.available - it.floor) or -1
      local r = #refused
      refused[r + 1], refused[r + 2], refused[r + 3] = n, orderable, reason
    elseif (it.own.tr or default.tr) ~= '0' then
      flags = 1
      if it.available < quantity then
        if it.mode ~= '1' then
          backordered = quantity - math.max(0, it.available)
          worse = true
          if it.mode == '3' then flags = 3 end
        end
      end
      it.available = it.available - quantity
      it.taken = it.taken + quantity
      it.queued = it.queued + backordered
    end
    lines[n] = { it = it, key = KEYS[i], sku = sku, quantity = quantity, backordered = backordered }
    local r = #reply
    reply[r + 1], reply[r + 2], reply[r + 3], reply[r + 4] = quantity, backordered, flags, it.available
  end
end
if #unknown > 1 then return unknown end
if worse and #redis.call('ZRANGEBYSCORE', KEYS[5], '-inf', now, 'LIMIT', 0, 1) > 0 then return { 3 } end
if #refused > 1 then return refused end

local ttl = tonumber(ARGV[4])
local expires = ttl > 0 and now + ttl or 0
local rows, event, late, low = {}, { 'RESERVED', ARGV[1], expires }, nil, {}
for n, line in ipairs(lines) do
  local r = n * 4
  rows[n] = reply[r + 1] .. ' ' .. reply[r + 2] .. ' ' .. reply[r + 3] .. ' ' .. reply[r + 4] .. ' ' .. line.sku .. '\n'
  local e = #event
  event[e + 1], event[e + 2] = line.sku, line.quantity
  event[e + 3], event[e + 4] = line.quantity - line.backordered, line.backordered
  if line.backordered > 0 then
    late = late or { 'BACKORDERED', ARGV[1] }
    late[#late + 1] = n
    late[#late + 1] = line.sku
    late[#late + 1] = line.backordered
  end
end
for i, it in pairs(items) do
  local threshold = tonumber(it.own.ls or default.ls)
  if threshold and it.before >= threshold and it.available < threshold then
    low[#low + 1] = 'LOW_STOCK\t' .. KEYS[i] .. '\t' .. it.available
  end
  local safety = it.mode == '1' and it.floor or 0
  if it.before > safety and it.available <= safety then
    low[#low + 1] = 'OUT_OF_STOCK\t' .. KEYS[i] .. '\t' .. it.available
  end
end
local text, count = table.concat(event, '\t'), 1 + #low
if late then
  text = text .. '\n' .. table.concat(late, '\t')
  count = count + 1
end
if #low > 0 then text = text .. '\n' .. table.concat(low, '\n') end

local sequence = redis.call('INCRBY', KEYS[3], count)
reply[2], reply[4] = sequence, expires
for i, it in pairs(items) do
  if it.taken > 0 then redis.call('HINCRBY', KEYS[i], 'r', it.taken) end
  if it.queued > 0 then redis.call('HINCRBY', KEYS[i], 'q', it.queued) end
end
if late then
  for n, line in ipairs(lines) do
    if line.backordered > 0 then
      redis.call('ZADD', ARGV[6] .. line.sku, sequence * 1024 + n, ARGV[1] .. '/' .. n)
    end
  end
end
redis.call('SET', KEYS[1], ARGV[3] .. ' ' .. sequence .. ' ' .. now .. ' ' .. expires .. '\n' .. table.concat(rows))
if ttl > 0 then
  redis.call('ZADD', KEYS[5], expires, ARGV[1])
else
  redis.call('ZADD', KEYS[6], now, ARGV[1])
end
redis.call('XADD', KEYS[4], 'MAXLEN', '~', 100000, sequence .. '-0', 't', now, 'e', text)
return reply
