-- list_backorders answers a page of the lines that wait, by SKU bytes, then position.
--
-- Include: codes clock begin tools policy_rules items grants records reading
-- Flags: no-writes
-- ARGV[5] sku    whose queue is asked for; empty: all
-- ARGV[6] after  SKU of the last line of the page before; empty: from the first
-- ARGV[7] score  of that line in its queue
-- ARGV[8] limit  lines on the page, 1-1000
-- Returns {store time, 1 when holds are due, 0, {reply}}, the reply one of:
--   OK            0, SKU and score after which the next page begins (empty: none follows), then each line:
--                 SKU, position from 1, reservation, line from 1, units, waiting since (ms)
--   UNKNOWN_SKU   the SKU
local only, after, score, limit = ARGV[5], ARGV[6], ARGV[7], tonumber(ARGV[8])
local PORTION = 100 -- SKUs read at once

local reply, found = { code.OK, 0, '', '' }, 0

-- add appends lines of a SKU's queue from a rank on; it returns false when the page is full.
local function add(sku, rank)
  local entries = redis.call('ZRANGE', base .. 'queue:' .. sku, rank, rank + limit - found, 'WITHSCORES')
  for i = 1, #entries, 2 do
    if found == limit then return false end
    local id, number_of_line = string.match(entries[i], '^(.*)/(%d+)$')
    local r, line = waiting_line(id, tonumber(number_of_line))
    found, rank = found + 1, rank + 1
    local at = #reply
    reply[at + 1], reply[at + 2], reply[at + 3] = sku, rank, id
    reply[at + 4], reply[at + 5] = tonumber(number_of_line), line.backordered
    reply[at + 6] = r.began > 0 and r.began or r.created
    reply[3], reply[4] = sku, entries[i + 1]
  end
  return true
end

-- rank_after returns the rank of the first entry behind the cursor, where it stands in this SKU's queue.
local function rank_after(sku)
  if sku ~= after then return 0 end
  return redis.call('ZCOUNT', base .. 'queue:' .. sku, '-inf', score)
end

-- add_all walks the SKUs that have a queue; it returns false when the page is full.
local function add_all()
  local from = after == '' and '-' or '[' .. after
  while true do
    local skus = redis.call('ZRANGEBYLEX', KEYS[10], from, '+', 'LIMIT', 0, PORTION)
    for _, sku in ipairs(skus) do
      if not add(sku, rank_after(sku)) then return false end
    end
    if #skus < PORTION then return true end
    from = '(' .. skus[#skus]
  end
end

if only ~= '' and not item(only).exists then
  return { now, 0, 0, { { code.UNKNOWN_SKU, only } } }
end
local complete
if only ~= '' then
  complete = add(only, rank_after(only))
else
  complete = add_all()
end
if complete then
  reply[3], reply[4] = '', ''
end
return { now, holds_due(), 0, { reply } }
