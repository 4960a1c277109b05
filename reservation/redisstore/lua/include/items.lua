-- SKUs: one field each of the hash items: "h r", or "h r q f" while the SKU has a queue, and its own policy
-- behind that, a line each: "name value". h on hand, r reserved, q queued, f filling; bm backorder mode
-- (1 DENY, 2 ALLOW, 3 ALLOW_AND_NOTIFY), bl backorder limit, ss safety stock, ls low stock threshold, rt restock
-- time (ms), mn and mx min and max quantity, qi quantity increment, se sellable, tr tracked (0 or 1), su
-- substitutes (a record separator, \30, between them: no SKU holds one).
local items = {}          -- by SKU, as read and as decided so far
local changed_items = {}  -- those to write, in the order of their first change
local touched = {}        -- those whose figures the present request moved, in the order of the first move
local befores = {}        -- of each of them available, filling and shortfall before that
local default_policy      -- of the stock: raw fields by name
local own_policies = { [''] = {} } -- raw fields by name, by the text that they stand in: many SKUs have the same
local resolved = {}       -- policies in force by the text of a SKU's own one

-- own_policy returns the fields of a SKU's own policy, parsed at most once.
local function own_policy(own_text)
  local own = own_policies[own_text]
  if not own then
    own = policy_fields(own_text)
    own_policies[own_text] = own
  end
  return own
end

-- keep_item takes a SKU in as it was read. exists is false for one that the stock does not have.
local function keep_item(sku, value)
  local it
  if value then
    local h, r, rest = string.match(value, '^(%d+) (%d+)(.*)$')
    -- The fields below that may still be false stand here so that the table is made in one piece.
    it = { sku = sku, exists = true, existed = true, H = tonumber(h), R = tonumber(r), Q = 0, F = 0,
      on_hand = h, own = own_policies[''], own_text = '', policy = false, had_queue = false, was_filling = false,
      changed = false, touched = false }
    if rest ~= '' then
      local q, f, own_text = string.match(rest, '^ ?(%d*) ?(%d*)(.*)$')
      if q ~= '' then
        it.Q, it.F = tonumber(q), tonumber(f)
        it.had_queue, it.was_filling = it.Q > 0, it.F > 0
      end
      it.own, it.own_text = own_policy(own_text), own_text
    end
  else
    it = { sku = sku, exists = false, existed = false, H = 0, R = 0, Q = 0, F = 0, on_hand = false,
      own = own_policies[''], own_text = '', policy = false, had_queue = false, was_filling = false,
      changed = false, touched = false }
  end
  items[sku] = it
  return it
end

-- item returns a SKU, read at most once.
local function item(sku)
  return items[sku] or keep_item(sku, redis.call('HGET', KEYS[11], sku))
end

-- read_items reads SKUs together; most of what a read costs is the call.
local function read_items(skus)
  for from = 1, #skus, 500 do
    local to = math.min(from + 499, #skus)
    local values = redis.call('HMGET', KEYS[11], unpack(skus, from, to))
    for i = from, to do
      keep_item(skus[i], values[i - from + 1])
    end
  end
end

local function stock_default()
  if not default_policy then
    default_policy = to_fields(redis.call('HGETALL', KEYS[2]))
  end
  return default_policy
end

-- policy returns the policy in force for a SKU.
local function policy(it)
  local p = it.policy
  if not p then
    p = resolved[it.own_text] or resolve(it.own, stock_default())
    resolved[it.own_text], it.policy = p, p
  end
  return p
end

-- change_item notes that a SKU is to be written.
local function change_item(it)
  if not it.changed then
    it.changed = true
    changed_items[#changed_items + 1] = it
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

-- write_items gives every changed SKU its final figures, and the indexes their final entries.
local function write_items()
  local values, created, filling, not_filling, waiting, not_waiting = {}, {}, {}, {}, {}, {}
  local at = 0
  for i = 1, #changed_items do
    local it = changed_items[i]
    local value = (it.on_hand or text(it.H)) .. ' ' .. text(it.R)
    if it.Q > 0 then
      value = value .. ' ' .. text(it.Q) .. ' ' .. text(it.F)
    end
    values[at + 1], values[at + 2] = it.sku, value .. it.own_text
    at = at + 2
    if it.Q > 0 or it.had_queue then
      list_change(it, it.was_filling, it.F > 0, filling, not_filling)
      list_change(it, it.had_queue, it.Q > 0, waiting, not_waiting)
    end
    if not it.existed then
      list_change(it, false, true, created)
    end
  end
  unpack_call('HSET', KEYS[11], values, 2)
  unpack_call('ZADD', KEYS[4], created, 2)
  unpack_call('ZADD', KEYS[9], filling, 2)
  unpack_call('ZADD', KEYS[10], waiting, 2)
  unpack_call('ZREM', KEYS[9], not_filling, 1)
  unpack_call('ZREM', KEYS[10], not_waiting, 1)
end
