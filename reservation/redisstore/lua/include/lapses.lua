-- Reclaiming what is due. Most holds are of the plainest kind: every line covered as it was granted, and nobody
-- waits for its SKUs. Those are reclaimed without making records of them.

-- plain_hold returns the lines of a hold that is due as it is stored, where it may be of that kind: SKU and units
-- of each, one after the other; nil otherwise.
local function plain_hold(id)
  local flat = redis.call('HGETALL', base .. 'res:' .. id)
  if #flat == 0 then return nil end
  local stored = to_fields(flat)
  local count = tonumber(string.match(stored.h or '', '^%d+ %d+ (%d+) '))
  local expires = tonumber(string.match(stored.s or '', '^1 1 (%d+) 0 0 0$'))
  if not expires or not count or expires > now or #flat ~= 4 + 2 * count then return nil end
  local lines = { id = id, expires = expires, taken = false }
  for i = 1, count do
    local units, sku = string.match(stored['l' .. i] or '', '^%d+ (%d+) 0 %-?%d+ 1 (.*)$')
    if not units then return nil end
    lines[2 * i - 1], lines[2 * i] = sku, units
  end
  return lines
end

-- lapse_plain ends such a hold, if nobody waits for its SKUs, and says whether it did.
local function lapse_plain(lines)
  for at = 1, #lines, 2 do
    local it = items[lines[at]]
    if it.Q > 0 or not it.exists then return false end
  end
  local event = { 'EXPIRED', lines.id }
  for at = 1, #lines, 2 do
    local it, units = items[lines[at]], lines[at + 1]
    touch(it)
    it.R = it.R - tonumber(units)
    local to = 2 * at
    event[to + 1], event[to + 2], event[to + 3], event[to + 4] = text((at + 1) / 2), it.sku, units, '0'
  end
  emit(event)
  lapses[#lapses + 1] = lines
  lapses[lines.id] = lines
  work = work + #lines / 2
  return true
end

-- read_lapsing reads the SKUs of holds together.
local function read_lapsing(plain, others)
  local skus, seen = {}, {}
  for _, lines in ipairs(plain) do
    for at = 1, #lines, 2 do
      local sku = lines[at]
      if not items[sku] and not seen[sku] then
        seen[sku] = true
        skus[#skus + 1] = sku
      end
    end
  end
  read_items(skus)
  read_items_of(others)
end

-- reclaim lapses the first of the holds that are due, until their lines have cost the budget. It returns whether
-- more may be due, and how many it lapsed. Those of an earlier request of this script are still listed as due.
local function reclaim(due)
  local spent, lapsing, plain, others = 0, {}, {}, {}
  for _, id in ipairs(due) do
    if spent >= line_budget then break end
    local lines = not records[id] and not lapses[id] and plain_hold(id)
    if lines then
      spent = spent + #lines / 2
      plain[#plain + 1], lapsing[#lapsing + 1] = lines, lines
    elseif not lapses[id] then
      local r = record(id)
      if r.exists and is_due(r) then
        spent = spent + lines_weight(r)
        others[#others + 1], lapsing[#lapsing + 1] = r, r
      end
    end
  end
  read_lapsing(plain, others)
  for _, hold in ipairs(lapsing) do
    if hold.state then
      lapse(hold)
    elseif not lapse_plain(hold) then
      lapse(record(hold.id))
    end
  end
  return spent >= line_budget, #lapsing
end
