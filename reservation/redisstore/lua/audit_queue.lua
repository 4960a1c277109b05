-- audit_queue answers a page of a SKU's queue with the line behind each entry, as of one moment.
--
-- Include: codes clock begin tools journal policy_rules items grants records elsewhere
-- Flags: no-writes
-- ARGV[5] sku    whose queue is asked for
-- ARGV[6] after  where the page begins, as ZRANGEBYSCORE has it: "-inf" or "(<score>"
-- ARGV[7] limit  entries, 1-100
-- Returns {store time, 0, 0, {{OK, sequence, epoch, 1 when more may follow, entries}}}: an entry is a list: member,
-- score, then 1 where there is such a line and it waits for this SKU, else 0; sequence of the reservation's first
-- answer and its term.
local sku, after, limit = ARGV[5], ARGV[6], tonumber(ARGV[7])

-- waiting says whether a member names a line that waits for the SKU, and returns its reservation.
local function waiting(member)
  local id, number_of_line = string.match(member, '^(.*)/(%d+)$')
  if not id then return false, {} end
  local r, line = waiting_line(id, tonumber(number_of_line))
  return r.exists and line.counted and line.sku == sku and line.backordered > 0, r
end

local entries = redis.call('ZRANGEBYSCORE', base .. 'queue:' .. sku, after, '+inf', 'WITHSCORES',
  'LIMIT', 0, limit)
local found = {}
for i = 1, #entries, 2 do
  local readable, waits, r = pcall(waiting, entries[i]) -- no such line, or one that cannot be read
  if not readable then
    raise_elsewhere(waits)
    waits, r = false, {}
  end
  found[#found + 1] = { entries[i], entries[i + 1], waits and 1 or 0, r.sequence or 0, r.term or 0 }
end
local more = #entries == 2 * limit and 1 or 0
return { now, 0, 0, { { code.OK, first_sequence, epoch, more, found } } }
