-- What granting units needs, at first (reserve) and again (commit, reacquire).

-- orderable returns how much one more line could take, -1 where unlimited.
local function orderable(p, available)
  if not p.sellable then return 0 end
  if not p.tracked or not p.floor then return -1 end
  return math.max(0, available - p.floor)
end

-- extras returns what a backordered line tells besides its figures, nil where that is nothing.
local function extras(it)
  local own = it.own
  if not own.rt and not own.su then return nil end
  if not own.su then return own.rt end
  return (own.rt or '') .. '\n' .. own.su
end

-- trial_of returns a SKU's figures as the lines of one request see them: what is available, and which
-- covered units of the replaced reservation (own) serve these lines before anyone else.
local function trial_of(trials, it)
  local trial = trials[it]
  if not trial then
    trial = { available = it.H - it.R, own = 0 }
    trials[it] = trial
  end
  return trial
end

-- split takes granted units from trial figures and returns how many are covered and how many wait. A
-- covered unit comes from what is available or from the replaced reservation's own.
local function split(p, granted, trial)
  local before = trial.available
  local covered = granted
  if p.mode ~= '1' then
    covered = math.min(granted, math.max(before, trial.own, 0))
  end
  trial.own = math.max(0, trial.own - covered)
  trial.available = before - granted
  return covered, granted - covered
end

-- append puts all values of a list behind a reply.
local function append(reply, list)
  for _, value in ipairs(list) do
    reply[#reply + 1] = value
  end
  return reply
end

-- take moves the SKUs' figures by what a reservation's lines were granted and puts lines that wait at
-- the tail. sequence is that of the granting event.
local function take(r, sequence)
  local waits
  for i, line in ipairs(r.lines) do
    if line.backordered > 0 then
      waits = append(waits or { 'BACKORDERED', r.id }, { i, line.sku, line.backordered })
    end
    if line.counted and line.covered + line.backordered > 0 then
      local it = line.it or item(line.sku)
      touch(it)
      it.R = it.R + line.covered + line.backordered
      it.Q = it.Q + line.backordered
      if line.backordered > 0 then
        enqueue(it, r, i, sequence)
      end
      settle(it)
    end
  end
  if waits then
    emit(waits)
  end
end
