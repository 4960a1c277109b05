-- What granting units needs, at first (reserve) and again (commit, reacquire).

-- orderable returns how much one more line could take, -1 where unlimited.
local function orderable(p, available)
  if not p.sellable then return 0 end
  if not p.tracked or not p.floor then return -1 end
  return math.max(0, available - p.floor)
end

-- substitutes_of returns a SKU's substitutes, \30 between them; empty: none.
local function substitutes_of(it)
  return it.own.su or ''
end

-- extras returns what a line tells besides its figures, false where that is nothing: the restock time of one
-- that waits, and substitutes.
local function extras(it, waits)
  local restock_time = waits and it.own.rt
  if not it.own.su then return restock_time or false end
  return (restock_time or '') .. '\n' .. substitutes_of(it)
end

-- own_units are, by SKU, the covered units of the replaced reservation that no line has taken yet: they serve
-- the new lines before anyone else.
local own_units = {}

-- take_units takes granted units from a SKU's figures, for the lines behind to see, and returns how many of
-- them are covered; the others wait. A covered unit comes from what is available or from own_units.
local function take_units(p, it, granted)
  local before, own = it.H - it.R, own_units[it] or 0
  it.R = it.R + granted
  local covered = granted
  if p.mode ~= '1' and granted > before then
    covered = math.min(granted, math.max(before, own, 0))
  end
  if own > 0 then
    own_units[it] = math.max(0, own - covered)
  end
  return covered
end

-- take moves the SKUs' figures by what a reservation's lines were granted and puts lines that wait at
-- the tail. sequence is that of the granting event.
local function take(r, sequence)
  local waits
  for i, line in ipairs(r.lines) do
    local open = line.covered + line.backordered
    if line.backordered > 0 then
      waits = append(waits or { 'BACKORDERED', r.id }, { text(i), line.sku, text(line.backordered) })
    end
    if line.counted and open > 0 then
      local it = line.it or item(line.sku)
      touch(it)
      it.R = it.R + open
      if line.backordered > 0 then
        it.Q = it.Q + line.backordered
        enqueue(it, r, i, sequence)
      end
      if it.Q > 0 then
        settle(it)
      end
    end
  end
  if waits then
    emit(waits)
  end
end
