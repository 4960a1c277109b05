-- audit_queue answers a page of a SKU's queue with the line behind each entry, as of one moment.
--
-- Include: codes clock begin journal items records
-- Flags: no-writes
-- KEYS[11] sku   = <base>sku:<sku>
-- ARGV[6] after  where the page begins, as ZRANGEBYSCORE has it: "-inf" or "(<score>"
-- ARGV[7] limit  entries, 1-100
-- Returns {store time, 0, 0, {{OK, sequence, epoch, 1 when more may follow, entries}}}: an entry is a list: member,
-- score, then 1 where there is such a line and it waits for this SKU, else 0; sequence of the reservation's first
-- answer and its term. The page ends early once MOST_LINES lines were read.
local after, limit = ARGV[6], tonumber(ARGV[7])
local MOST_LINES = 1000
local sku = name_in_key(11)

-- waiting says whether a member names a line that waits for the SKU, and returns its reservation.
local function waiting(member)
  local id, number_of_line = string.match(member, '^(.*)/(%d+)$')
  if not id then return false, {} end
  local r = record(id)
  if not r.exists then return false, {} end
  local line = lines_of(r)[tonumber(number_of_line)]
  return line and line.counted and line.sku == sku and line.backordered > 0, r
end

local entries = redis.call('ZRANGEBYSCORE', base .. 'queue:' .. sku, after, '+inf', 'WITHSCORES',
  'LIMIT', 0, limit)
local found, lines, read = {}, 0, 0
while read < #entries and lines < MOST_LINES do
  local member, score = entries[read + 1], entries[read + 2]
  local readable, waits, r = pcall(waiting, member)
  if not readable then waits, r = false, {} end
  found[#found + 1] = { member, score, waits and 1 or 0, r.sequence or 0, r.term or 0 }
  lines, read = lines + (r.count or 1), read + 2
end
local more = (read < #entries or #entries == 2 * limit) and 1 or 0
return { now, 0, 0, { { code.OK, first_sequence, epoch, more, found } } }
