-- The queue of a SKU: a sorted set at <base>queue:<sku> of "<reservation id>/<line>", scored by
-- sequence of the grant * 1024 + line, so that it is in the order of acceptance. Its figures move at once
-- (settle); the lines themselves are worked off within a budget (work_off).

-- settle sets how many units are due to the front of the queue, after any change of H, R or Q.
local function settle(it)
  if it.Q == 0 then
    it.F = 0
    return
  end
  it.F = math.min(it.F, it.Q)
  local waiting = it.Q - it.F
  local free = it.H - (it.R - waiting)
  if free > 0 then
    it.F = it.F + math.min(free, waiting)
  elseif free < 0 then
    it.F = it.F - math.min(-free, it.F)
  end
end

-- enqueue puts a line at the tail, behind all that were granted before this sequence; its figures are
-- the caller's.
local function enqueue(it, r, i, sequence)
  local member = r.id .. '/' .. i
  if it.dequeued and it.dequeued[member] then
    -- It lost its place and takes a new one in the same script: its old entry counts no more.
    it.dequeued[member] = nil
    it.requeued = it.requeued or {}
    it.requeued[member] = true
  end
  it.enqueued = it.enqueued or {}
  it.enqueued[#it.enqueued + 1] = { score = sequence * 1024 + i, member = member }
end

-- dequeue takes a line out, wherever it stands.
local function dequeue(it, r, i)
  it.dequeued = it.dequeued or {}
  it.dequeued[r.id .. '/' .. i] = true
end

-- give_back takes units off a line and off its SKU, if it was counted: backordered ones leave the queue,
-- covered ones are free for it.
local function give_back(r, i, covered, backordered)
  local line = r.lines[i]
  line.covered = line.covered - covered
  line.backordered = line.backordered - backordered
  line.moved = true
  if not line.counted then
    return
  end
  local it = item(line.sku)
  touch(it)
  it.R = it.R - covered - backordered
  it.Q = it.Q - backordered
  if backordered > 0 and line.backordered == 0 then
    dequeue(it, r, i)
  end
  settle(it)
end

-- give_back_all gives back everything that is open and appends it to an event: of each line its number,
-- SKU, covered and backordered units.
local function give_back_all(r, event)
  for i, line in ipairs(lines_of(r)) do
    local covered, backordered = line.covered, line.backordered
    if covered + backordered > 0 then
      give_back(r, i, covered, backordered)
      local at = #event
      event[at + 1], event[at + 2] = text(i), line.sku
      event[at + 3], event[at + 4] = text(covered), text(backordered)
    end
  end
  return event
end

-- lapse ends a hold that is due.
local function lapse(r)
  emit(give_back_all(r, { 'EXPIRED', r.id }))
  finish_record(r, EXPIRED)
end

-- reclaim lapses the holds that are due, oldest first, at most the budget of them. It returns whether
-- more may be due, and how many it lapsed.
local function reclaim()
  local due = redis.call('ZRANGEBYSCORE', KEYS[5], '-inf', now, 'LIMIT', 0, line_budget)
  for _, id in ipairs(due) do
    local r = record(id)
    if r.exists and is_due(r) then
      lapse(r)
    end
  end
  return #due == line_budget, #due
end

local PORTION = 100   -- queue entries read at once
local MAX_FILLS = 100 -- fills that an answer names

-- front returns the first entry that still waits in a SKU's queue, nil where there is none: the stored
-- entries first, read in portions, then those of this script.
local function front(it)
  while true do
    if not it.stored or (it.at > #it.stored and #it.stored == PORTION) then
      it.offset = it.stored and it.offset + #it.stored or 0
      it.stored = redis.call('ZRANGE', base .. 'queue:' .. it.sku, it.offset,
        it.offset + PORTION - 1)
      it.at = 1
    end
    local member = it.stored[it.at]
    local gone = member and it.requeued and it.requeued[member]
    if not member then
      it.new_at = it.new_at or 1
      local entry = it.enqueued and it.enqueued[it.new_at]
      if not entry then
        return nil
      end
      member = entry.member
    end
    if not gone and not (it.dequeued and it.dequeued[member]) then
      return member
    end
    if it.stored[it.at] then it.at = it.at + 1 else it.new_at = it.new_at + 1 end
  end
end

-- fill gives a line of the queue what is due to it.
local function fill(it, r, i, fills)
  local line = lines_of(r)[i]
  local units = math.min(line.backordered, it.F)
  line.covered = line.covered + units
  line.backordered = line.backordered - units
  line.moved = true
  it.Q = it.Q - units
  it.F = it.F - units
  if line.backordered == 0 then
    dequeue(it, r, i)
  end
  change_record(r)
  emit({ 'BACKORDER_FILLED', r.id, text(i), it.sku, text(units) })
  if #fills < MAX_FILLS then
    fills[#fills + 1] = r.id .. ' ' .. text(units) .. ' ' .. it.sku
  end
end

-- work_off_one handles the first entry of a queue that has units due: a hold that is due is reclaimed, any
-- other line is filled. It costs one of the budget, and returns whether a hold was reclaimed.
local function work_off_one(it, fills)
  line_budget = line_budget - 1
  local id, line = string.match(front(it), '^(.*)/(%d+)$')
  local r = record(id)
  if is_due(r) then
    lapse(r)
    return true
  end
  fill(it, r, tonumber(line), fills)
  return false
end

-- work_off writes the units that are due to the lines in front, of every SKU for which the present
-- request freed units, within the script's budget. Where a hold was reclaimed on the way, it looks at
-- all of them again: that may have freed units of any.
local function work_off(fills)
  local i = 1
  while touched[i] do
    local it = touched[i]
    local again = false
    while it.F > it.F_before or (it.drains and it.F > 0) do
      it.drains = true
      if line_budget == 0 then
        return
      end
      again = work_off_one(it, fills) or again
    end
    i = again and 1 or i + 1
  end
end

-- bring_up writes what is due to the lines of a reservation, working their queues off up to them. It
-- returns false when the budget ended before that.
local function bring_up(r)
  local fills = {}
  for _, line in ipairs(lines_of(r)) do
    local it = line.counted and line.backordered > 0 and item(line.sku)
    if it and it.F > 0 then
      touch(it)
      while it.F > 0 and line.backordered > 0 do
        if line_budget == 0 then return false end
        work_off_one(it, fills)
      end
    end
  end
  return true
end

-- end_request lets the queue have what a request freed and tells of the thresholds that it crossed.
-- It returns the first fills as text: "reservation, units, SKU" each.
local function end_request()
  if #touched == 0 then
    return touched
  end
  local fills = {}
  work_off(fills)
  threshold_events()
  for _, it in ipairs(touched) do
    it.touched, it.drains = false, false
  end
  touched = {}
  return fills
end
