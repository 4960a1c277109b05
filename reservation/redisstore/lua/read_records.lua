-- read_records answers reservations with all that is kept of them, whether they can be read or not, and where
-- they are listed, as of one moment. Audit, Repair and Export walk a stock with it.
--
-- Include: codes clock begin journal items records
-- Flags: no-writes
-- KEYS[11..] the reservations <base>res:<id>
-- Returns {store time, 0, 0, {{OK, sequence, epoch, records}}}: the records of the first reservations, as many as
-- have MOST_LINES lines together and at least one. Each is a list: kind, then its places (score in held, in
-- committed and in finished; empty: not listed there), then by kind
--   0  there is none, or its retention is over
--   1  state, fingerprint, grant ms, ttl ms, expiry ms, sequence, term, term began ms, end of retention ms, then
--      per line: SKU, requested, granted, backordered at first, available at first, flags, extras, covered,
--      backordered, fulfilled, flags of the present term (-1: as granted), extras of it, score in the SKU's
--      queue (empty: waits not, or is not there), 1 when the stock has the SKU or the line holds none of it
--   2  it cannot be read: why
local MOST_LINES = 1000

-- whole makes sure that a value is a whole number.
local function whole(value, name)
  if type(value) ~= 'number' or value % 1 ~= 0 then
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

local function is_known(sku)
  known_skus[sku] = known_skus[sku] or redis.call('EXISTS', base .. 'sku:' .. sku)
  return known_skus[sku]
end

-- waits returns a line's score in its SKU's queue, and whether the stock has the SKU.
local function waits(r, i, line)
  local open = line.covered + line.backordered
  if not line.counted or open == 0 then return '', 1 end
  if line.backordered == 0 then return '', is_known(line.sku) end
  local score = redis.call('ZSCORE', base .. 'queue:' .. line.sku, r.id .. '/' .. i)
  return score or '', is_known(line.sku)
end

-- append_line puts all that is kept of a line behind a reply.
local function append_line(reply, r, i, line)
  local at = #reply
  reply[at + 1] = line.sku
  reply[at + 2], reply[at + 3] = whole(line.requested, 'requested'), whole(line.granted, 'granted')
  reply[at + 4] = whole(line.backordered_first, 'backordered')
  reply[at + 5], reply[at + 6] = whole(line.available, 'available'), whole(line.flags, 'flags')
  reply[at + 7] = line.extras or ''
  reply[at + 8], reply[at + 9] = whole(line.covered, 'covered'), whole(line.backordered, 'backordered')
  reply[at + 10], reply[at + 11] = whole(line.fulfilled, 'fulfilled'), line.flags_now or -1
  reply[at + 12] = line.extras_now or ''
  reply[at + 13], reply[at + 14] = waits(r, i, line)
end

local function full(reply, r)
  local at = #reply
  reply[at + 1], reply[at + 2] = whole(r.state, 'the state'), r.fingerprint or ''
  reply[at + 3], reply[at + 4] = whole(r.created, 'the grant'), whole(r.ttl, 'the ttl')
  reply[at + 5], reply[at + 6] = whole(r.expires, 'the expiry'), whole(r.sequence, 'the sequence')
  reply[at + 7], reply[at + 8] = whole(r.term, 'the term'), r.term_began or 0
  reply[at + 9] = r.forget or 0
  for i, line in ipairs(lines_of(r)) do
    append_line(reply, r, i, line)
  end
  if r.fields['l' .. r.count + 1] then
    error('it has more lines than it says', 0)
  end
  return reply
end

-- kept returns all of one reservation, and how many lines that took.
local function kept(id)
  local r
  local readable, reply = pcall(function()
    r = record(id)
    if not r.exists then
      if not r.forgotten and redis.call('EXISTS', r.key) == 1 then error('it has no state', 0) end
      return places({ 0 }, id)
    end
    return full(places({ 1 }, id), r)
  end)
  if readable then return reply, r.count or 0 end
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
