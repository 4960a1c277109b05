-- New reservations of the plainest kind, every line covered, as they are to be written: no tables are made of
-- them unless another request names them.
local records = {} -- reservations by id, as read and as decided so far; see include/records.lua
local grants = {}  -- by id and in their order: {key, id, field h, field s, lines, index that lists it, score}

local none_named = false -- none of the reservations that the requests name was there before

local queues = {} -- the keys of the queues that are to be written

-- queue_up puts a line at the tail of a SKU's queue, behind all that were granted before this sequence.
local function queue_up(it, id, i, sequence)
  if not it.enqueued then
    it.enqueued = {}
    queues[#queues + 1] = base .. 'queue:' .. it.sku
  end
  it.enqueued[#it.enqueued + 1] = { score = sequence * 1024 + i, member = id .. '/' .. i }
end

local function keep_grant(id, grant)
  grants[#grants + 1] = grant
  grants[id] = grant
  records[id] = nil -- it may have been looked for
end

-- granted_fields returns the fields of such a reservation as they will be stored, nil of another.
local function granted_fields(id)
  local grant = grants[id]
  if not grant then return nil end
  local stored = { h = grant[3], s = grant[4] }
  for i, line in ipairs(grant[5]) do
    stored['l' .. i] = line
  end
  return stored
end

-- write_enqueued writes the queues where nothing was done but to put lines at their tails.
local function write_enqueued()
  for i = 1, #changed_items do
    local it = changed_items[i]
    if it.enqueued then
      local added, at = {}, 0
      for n = 1, #it.enqueued do
        local entry = it.enqueued[n]
        added[at + 1], added[at + 2] = text(entry.score), entry.member
        at = at + 2
      end
      unpack_call('ZADD', base .. 'queue:' .. it.sku, added, 2)
    end
  end
end

local function write_grants()
  local added = { [5] = {}, [6] = {} }
  for n = 1, #grants do
    local grant = grants[n]
    local lines = grant[5]
    if #lines == 1 then
      redis.call('HSET', grant[1], 'h', grant[3], 's', grant[4], 'l1', lines[1])
    else
      local list = { 'h', grant[3], 's', grant[4] }
      for i = 1, #lines do
        list[2 * i + 3], list[2 * i + 4] = 'l' .. i, lines[i]
      end
      unpack_call('HSET', grant[1], list, 2)
    end
    local list = added[grant[6]]
    local at = #list
    list[at + 1], list[at + 2] = grant[7], grant[2]
  end
  unpack_call('ZADD', KEYS[5], added[5], 2)
  unpack_call('ZADD', KEYS[6], added[6], 2)
end
