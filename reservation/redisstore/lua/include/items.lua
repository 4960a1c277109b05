-- SKUs: a hash each at <base>sku:<sku>. h on hand, r reserved, q queued, f filling, and its own policy:
-- bm backorder mode (1 DENY, 2 ALLOW, 3 ALLOW_AND_NOTIFY), bl backorder limit, ss safety stock, ls low stock
-- threshold, rt restock time (ms), mn and mx min and max quantity, qi quantity increment, se sellable, tr
-- tracked (0 or 1), su substitutes (one a line).
local items = {}         -- by SKU, as read and as decided so far
local changed_items = {} -- those to write, in the order of their first change
local touched = {}       -- those that the present request changed, in the order of their first change
local policy_changes = {} -- to write, in order: {key, field, value or nil}
local deleted_items = {} -- to forget
local default_policy     -- raw fields by name

-- to_fields turns a flat reply of names and values into a table.
local function to_fields(flat)
  local fields = {}
  for i = 1, #flat, 2 do
    fields[flat[i]] = flat[i + 1]
  end
  return fields
end

local default_resolved   -- what a SKU without a policy of its own is under

local function stock_default()
  if not default_policy then
    default_policy = to_fields(redis.call('HGETALL', KEYS[2]))
  end
  return default_policy
end

-- item returns a SKU, read at most once. exists is false for one that the stock does not have.
local function item(sku)
  local it = items[sku]
  if not it then
    local key = base .. 'sku:' .. sku
    local flat = redis.call('HGETALL', key)
    local own = to_fields(flat)
    local Q, F, exists = tonumber(own.q or 0), tonumber(own.f or 0), own.h ~= nil
    -- The fields below that may still be nil stand here so that the table is made in one piece.
    it = {
      sku = sku, key = key, own = own, exists = exists, existed = exists,
      H = tonumber(own.h or 0), R = tonumber(own.r or 0), Q = Q, F = F,
      was_filling = F > 0, had_queue = Q > 0,
      -- h and r, and perhaps q and f, are all that it has: no policy of its own
      plain = #flat == (own.q and 8 or 4),
      enqueued = false, dequeued = false, policy = false, changed = false,
      touched = false, available_before = 0, F_before = 0, short_before = 0, drains = false,
    }
    items[sku] = it
  end
  return it
end

-- declared_item returns the SKU whose key is KEYS[i].
local function declared_item(i)
  return item(name_in_key(i))
end

-- policy resolves a SKU's policy: each field own, else the stock's default, else built-in. floor is nil
-- where there is none.
local function policy(it)
  if it.policy then
    return it.policy
  end
  if it.plain and default_resolved then
    it.policy = default_resolved
    return default_resolved
  end
  local own, default = it.own, stock_default()
  local p = {
    mode = own.bm or default.bm or '1',
    safety = tonumber(own.ss or default.ss or 0),
    low = tonumber(own.ls or default.ls),
    min = tonumber(own.mn or default.mn or 1),
    max = tonumber(own.mx or default.mx),
    increment = tonumber(own.qi or default.qi or 1),
    sellable = (own.se or default.se) ~= '0',
    tracked = (own.tr or default.tr) ~= '0',
  }
  if p.mode == '1' then
    p.floor = p.safety
  else
    local limit = tonumber(own.bl or default.bl or MAX_FIGURE)
    if limit < MAX_FIGURE then
      p.floor = -limit
    end
  end
  it.policy = p
  if it.plain then
    default_resolved = p
  end
  return p
end

-- forget_policies makes policies be resolved anew, after one has changed.
local function forget_policies()
  default_resolved = nil
  for _, it in pairs(items) do
    it.policy, it.plain = false, false
  end
end

-- shortfall returns how many units are promised as covered and are not there.
local function shortfall(it)
  return math.max(0, it.R - (it.Q - it.F) - it.H)
end

-- touch notes that the present request is about to change a SKU's figures.
local function touch(it)
  if not it.changed then
    it.changed = true
    changed_items[#changed_items + 1] = it
  end
  if not it.touched then
    it.touched = true
    it.available_before, it.F_before, it.short_before = it.H - it.R, it.F, shortfall(it)
    touched[#touched + 1] = it
  end
end

-- in_stock says whether anything is there to sell without a backorder.
local function in_stock(p, available)
  if p.mode == '1' then
    return available - p.safety > 0
  end
  return available > 0
end

-- threshold_events compares every SKU that the request touched with what it was before. A greater
-- shortfall is always told; the others are by the policy in force.
local function threshold_events()
  for _, it in ipairs(touched) do
    local before, after = it.available_before, it.H - it.R
    local p = policy(it)
    local short = shortfall(it)
    if short > it.short_before then
      emit({ 'OVERSOLD', it.sku, short })
    end
    if p.low and before >= p.low and after < p.low then
      emit({ 'LOW_STOCK', it.sku, after })
    end
    local was, is = in_stock(p, before), in_stock(p, after)
    if was and not is then
      emit({ 'OUT_OF_STOCK', it.sku, after })
    elseif is and not was then
      emit({ 'BACK_IN_STOCK', it.sku, after })
    end
  end
end

-- list_change notes a SKU that comes into an index, or goes.
local function list_change(it, was, is, added, removed)
  if is and not was then
    added[#added + 1] = 0
    added[#added + 1] = it.sku
  elseif was and not is then
    removed[#removed + 1] = it.sku
  end
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

-- write_items gives every changed SKU its final figures, and its queue and indexes their final entries.
local function write_items()
  local created, filling, not_filling, waiting, not_waiting = {}, {}, {}, {}, {}
  for _, it in ipairs(changed_items) do
    if it.Q > 0 or it.own.q then
      redis.call('HSET', it.key, 'h', text(it.H), 'r', text(it.R), 'q', text(it.Q), 'f', text(it.F))
      list_change(it, it.was_filling, it.F > 0, filling, not_filling)
      list_change(it, it.had_queue, it.Q > 0, waiting, not_waiting)
    else
      redis.call('HSET', it.key, 'h', text(it.H), 'r', text(it.R))
    end
    if not it.existed then
      list_change(it, false, true, created)
    end
  end
  unpack_call('ZADD', KEYS[4], created, 2)
  unpack_call('ZADD', KEYS[9], filling, 2)
  unpack_call('ZADD', KEYS[10], waiting, 2)
  for _, it in ipairs(changed_items) do
    if it.enqueued or it.dequeued then
      write_queue(it)
    end
  end
  unpack_call('ZREM', KEYS[9], not_filling, 1)
  unpack_call('ZREM', KEYS[10], not_waiting, 1)
end

-- write_policies sets and clears policy fields and forgets deleted SKUs.
local function write_policies()
  for _, change in ipairs(policy_changes) do
    if change[3] then
      redis.call('HSET', change[1], change[2], change[3])
    else
      redis.call('HDEL', change[1], change[2])
    end
  end
  for _, it in ipairs(deleted_items) do
    redis.call('DEL', it.key)
    redis.call('ZREM', KEYS[4], it.sku)
  end
end
