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
  queue_up(it, r.id, i, sequence)
end

-- dequeue takes a line out, wherever it stands.
local function dequeue(it, r, i)
  if not it.dequeued then
    it.dequeued = {}
    queues[#queues + 1] = base .. 'queue:' .. it.sku
  end
  it.dequeued[r.id .. '/' .. i] = true
end

-- give_back takes units off a line and off its SKU, if it was counted: backordered ones leave the queue,
-- covered ones are free for it.
local function give_back(r, i, covered, backordered)
  local line = r.lines[i]
  line.covered = line.covered - covered
  line.backordered = line.backordered - backordered
  move_line(r, i, line)
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
  local at = #event
  for i, line in ipairs(lines_of(r)) do
    local covered, backordered = line.covered, line.backordered
    if covered + backordered > 0 then
      give_back(r, i, covered, backordered)
      event[at + 1], event[at + 2] = text(i), line.sku
      event[at + 3], event[at + 4] = text(covered), text(backordered)
      at = at + 4
    end
  end
  return event
end

-- lapse ends a hold that is due. It returns the SKUs of whose queues more is due than before, in the
-- order of the lines.
local function lapse(r)
  local before, grown = {}, {}
  for _, line in ipairs(lines_of(r)) do
    if line.counted and line.covered + line.backordered > 0 then
      local it = item(line.sku)
      if it.Q > 0 and not before[it] then
        before[it] = it.F
        grown[#grown + 1] = it
      end
    end
  end
  emit(give_back_all(r, { 'EXPIRED', r.id }))
  finish_record(r, EXPIRED)
  for i = #grown, 1, -1 do
    if grown[i].F <= before[grown[i]] then
      table.remove(grown, i)
    end
  end
  return grown
end

-- lines_weight is what reclaiming a hold costs of a budget.
local function lines_weight(r)
  return math.max(1, r.count)
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
local function fill(it, r, i, line, fills)
  local units = math.min(line.backordered, it.F)
  line.covered = line.covered + units
  line.backordered = line.backordered - units
  move_line(r, i, line)
  it.Q = it.Q - units
  it.F = it.F - units
  if line.backordered == 0 then
    dequeue(it, r, i)
  end
  change_record(r)
  change_item(it)
  emit({ 'BACKORDER_FILLED', r.id, text(i), it.sku, text(units) })
  if #fills < MAX_FILLS then
    fills[#fills + 1] = r.id .. ' ' .. text(units) .. ' ' .. it.sku
  end
end

local NOTHING = {}

-- work_off_one handles the first entry of a queue that has units due: a hold that is due is reclaimed, at the
-- cost of its lines; any other line is filled, at the cost of one. It returns the SKUs of whose queues more is
-- due than before.
local function work_off_one(it, fills)
  local id, number_of_line = string.match(front(it), '^(.*)/(%d+)$')
  local i = tonumber(number_of_line)
  local r, line = waiting_line(id, i)
  if is_due(r) then
    line_budget = line_budget - lines_weight(r)
    return lapse(r)
  end
  line_budget = line_budget - 1
  fill(it, r, i, line, fills)
  return NOTHING
end

-- work_off writes the units that are due to the lines in front of the queues of a list of SKUs, one after
-- the other, within the script's budget. What a hold that is reclaimed on the way frees joins the list.
local function work_off(list, fills)
  local at = 1
  while list[at] do
    local it = list[at]
    while it.F > 0 and line_budget > 0 do
      for _, grown in ipairs(work_off_one(it, fills)) do
        if not contains(list, at, grown) then
          list[#list + 1] = grown
        end
      end
    end
    at = at + 1
  end
end

-- bring_up writes what is due to the lines of a reservation, working their queues off up to them. A hold
-- that is reclaimed on the way may free units for a line before: then it looks again from the first. It returns
-- false when the budget ended before that.
local function bring_up(r)
  local lines, i = lines_of(r), 1
  while i <= r.count do
    local line = lines[i]
    local it = line.counted and line.backordered > 0 and item(line.sku)
    if it and it.F > 0 then
      if line_budget <= 0 then return false end
      if work_off_one(it, {}) ~= NOTHING then
        i = 1
      end
    else
      i = i + 1
    end
  end
  return true
end

-- end_request lets the queue have what a request freed and tells of the thresholds that it crossed.
-- It returns the first fills as text: "reservation, units, SKU" each.
local function end_request()
  local count_touched = #touched
  if count_touched == 0 then
    return NOTHING
  end
  local fills, list = NOTHING, nil
  for i = 1, count_touched do
    local it = touched[i]
    if it.F > befores[3 * i - 1] then
      list = list or {}
      list[#list + 1] = it
    end
  end
  if list then
    fills = {}
    work_off(list, fills)
  end
  threshold_events()
  for i = 1, #touched do
    touched[i].touched = false
  end
  touched, befores = {}, {}
  return fills
end

-- write_queue gives a SKU's queue its final entries.
local function write_queue(it)
  local queue_key, added, removed = base .. 'queue:' .. it.sku, {}, {}
  for _, entry in ipairs(it.enqueued or {}) do
    if not (it.dequeued and it.dequeued[entry.member]) then
      added[#added + 1] = text(entry.score)
      added[#added + 1] = entry.member
    end
  end
  for member in pairs(it.dequeued or {}) do
    removed[#removed + 1] = member
  end
  unpack_call('ZADD', queue_key, added, 2)
  unpack_call('ZREM', queue_key, removed, 1)
end

-- write_queues gives the queues of all changed SKUs their final entries.
local function write_queues()
  for i = 1, #changed_items do
    local it = changed_items[i]
    if it.enqueued or it.dequeued then
      write_queue(it)
    end
  end
end
