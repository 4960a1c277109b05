-- read_records answers reservations with all that is kept of them, whether they can be read or not, and where
-- they are listed, as of one moment. Audit, Repair and Export walk a stock with it.
--
-- Include: codes clock begin tools journal policy_rules items grants records elsewhere
-- Flags: no-writes
-- KEYS[12..] the reservations <base>res:<id>
-- Returns {store time, 0, 0, {{OK, sequence, epoch, records}}}: the records of the first reservations, until they
-- have MOST_LINES lines together. Each is a list: kind, then its places (score in held, in
-- committed and in finished; empty: not listed there), then by kind
--   0  there is none, or its retention is over
--   1  state, fingerprint, grant ms, ttl ms, expiry ms, sequence, term, begin of the term ms, end of retention ms,
--      1 where a whole Release ended it, then per line: SKU, requested, granted, backordered at first, available
--      at first, flags as stored, extras, covered, backordered, fulfilled, flags of the present term (-1: as
--      granted), extras of it, score in the SKU's queue (empty: waits not, or is not there), 1 when the stock has
--      the SKU or the line holds none of it
--   2  it cannot be read: why
local MOST_LINES = 128

local MAX_EXACT = 9007199254740992 -- whole numbers are exact up to here

-- whole makes sure that a value is a whole number.
local function whole(value, name)
  if type(value) ~= 'number' or value % 1 ~= 0 or math.abs(value) > MAX_EXACT then
    error(name .. ' is not a whole number', 0)
  end
  return value
end

-- places appends where a reservation is listed.
local function places(reply, id)
  for i = 5, 7 do
    reply[#reply + 1] = redis.call('ZSCORE', KEYS[i], id) or ''
  end
  return reply
end

local known_skus = {} -- whether the stock has them: 1 or 0

-- is_open says whether a line holds units of its SKU.
local function is_open(line)
  return line.counted and line.covered + line.backordered > 0
end

-- look_for_skus looks whether the stock has the SKUs of which a reservation holds units, together.
local function look_for_skus(lines)
  local skus = {}
  for _, line in ipairs(lines) do
    if is_open(line) and not known_skus[line.sku] then
      known_skus[line.sku] = 0
      skus[#skus + 1] = line.sku
    end
  end
  for from = 1, #skus, 500 do
    local to = math.min(from + 499, #skus)
    local values = redis.call('HMGET', KEYS[11], unpack(skus, from, to))
    for i = from, to do
      if values[i - from + 1] then known_skus[skus[i]] = 1 end
    end
  end
end

-- waits returns a line's score in its SKU's queue, and whether the stock has the SKU.
local function waits(r, i, line)
  if not is_open(line) then return '', 1 end
  if line.backordered == 0 then return '', known_skus[line.sku] end
  local score = redis.call('ZSCORE', base .. 'queue:' .. line.sku, r.id .. '/' .. i)
  return score or '', known_skus[line.sku]
end

-- append_line puts all that is kept of a line behind a reply.
local function append_line(reply, r, i, line)
  local at = #reply
  reply[at + 1] = line.sku
  reply[at + 2], reply[at + 3] = whole(line.requested, 'requested'), whole(line.granted, 'granted')
  reply[at + 4] = whole(line.backordered_first, 'backordered')
  reply[at + 5], reply[at + 6] = whole(line.available, 'available'), text(line.flags) .. line.refusal
  reply[at + 7] = line.extras or ''
  reply[at + 8], reply[at + 9] = whole(line.covered, 'covered'), whole(line.backordered, 'backordered')
  reply[at + 10], reply[at + 11] = whole(line.fulfilled, 'fulfilled'), line.flags_now or -1
  reply[at + 12] = line.extras_now or ''
  reply[at + 13], reply[at + 14] = waits(r, i, line)
end

-- full puts all that is kept of a reservation behind a reply. A state that is none must not pass: elsewhere
-- such a reservation would count as finished, with nothing open.
local function full(reply, r)
  if r.state < HELD or r.state > EXPIRED then
    error('its state is ' .. text(r.state), 0)
  end
  local at = #reply
  reply[at + 1], reply[at + 2] = r.state, r.fingerprint == '-' and '' or r.fingerprint
  reply[at + 3], reply[at + 4] = whole(r.created, 'the grant'), whole(r.ttl, 'the ttl')
  reply[at + 5], reply[at + 6] = whole(r.expires, 'the expiry'), whole(r.sequence, 'the sequence')
  reply[at + 7], reply[at + 8] = whole(r.term, 'the term'), whole(r.began, 'the begin of the term')
  reply[at + 9], reply[at + 10] = whole(r.forget, 'the end of the retention'), r.by_release and 1 or 0
  look_for_skus(lines_of(r))
  for i, line in ipairs(r.lines) do
    append_line(reply, r, i, line)
  end
  if r.fields['l' .. r.count + 1] then
    error('it has more lines than it says', 0)
  end
  return reply
end

-- opened returns a reservation; one that is there and has no head or no state fails.
local function opened(id)
  local r = record(id)
  if r.forgotten then return r end
  if r.fields.h and not r.created then error('how it was granted cannot be read', 0) end
  if not r.exists and next(r.fields) then error('it does not say how it was granted', 0) end
  return r
end

-- kept returns all of one reservation, and how many lines that took.
local function kept(id)
  local r
  local readable, reply = pcall(function()
    r = opened(id)
    if not r.exists then return places({ 0 }, id) end
    return full(places({ 1 }, id), r)
  end)
  if readable then return reply, r.count or 0 end
  raise_elsewhere(reply)
  local why = type(reply) == 'table' and reply.err or tostring(reply)
  if string.find(why, '^%S+:%d+: ') then why = 'a field of it is missing or malformed' end
  local broken = places({ 2 }, id)
  broken[#broken + 1] = why
  return broken, 1
end

local found, lines = {}, 0
for i = FIXED_KEYS + 1, #KEYS do
  local reply, count_of_lines = kept(name_in_key(i))
  found[#found + 1] = reply
  lines = lines + count_of_lines
  if lines >= MOST_LINES then break end
end
return { now, 0, 0, { { code.OK, first_sequence, epoch, found } } }
