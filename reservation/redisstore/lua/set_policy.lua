-- set_policy sets or clears fields of SKUs' own policies, or of the stock's default. A SKU that is new is
-- created at 0. Setting what is set changes nothing and writes no event.
--
-- Include: mutation
-- ARGV, per request:
--   not_after  ms of store time
--   sku        number of the SKU, 0: the stock's default policy
--   fields     0-11, each: name, value (empty: clear)
-- Returns, per request, one of:
--   OK               sequence, own policy, the stock's default: lists of names and values
--   TOO_LATE, AGAIN  sequence
-- The field names are those of a SKU's policy, see include/items.lua.
local POLICY_FIELDS = { 'bm', 'bl', 'ss', 'ls', 'rt', 'mn', 'mx', 'qi', 'se', 'tr', 'su' }

-- flat returns a policy's fields as a list, in a fixed order.
local function flat(policy_fields)
  local list = {}
  for _, name in ipairs(POLICY_FIELDS) do
    if policy_fields[name] then
      list[#list + 1] = name
      list[#list + 1] = policy_fields[name]
    end
  end
  return list
end

-- apply takes the fields over into a policy and returns those that were different.
local function apply(policy_fields, asked)
  local changes = {}
  for _, ask in ipairs(asked) do
    local name, value = ask[1], ask[2] ~= '' and ask[2] or nil
    if policy_fields[name] ~= value then
      policy_fields[name] = value
      changes[#changes + 1] = { name, value }
    end
  end
  return changes
end

-- changed_policy writes the event, with the whole own policy as it is now.
local function changed_policy(sku, policy_fields)
  emit(append({ 'POLICY_CHANGED', sku, '0' }, flat(policy_fields)))
end

local function set_default(asked)
  local default = stock_default()
  local changes = apply(default, asked)
  if #changes > 0 then
    append(default_changes, changes)
    changed_policy('', default)
    forget_policies()
  end
  return { code.OK, 0, flat(default), flat(default) }
end

local function set_own(it, asked)
  local own = {}
  for name, value in pairs(it.own) do
    own[name] = value
  end
  if #apply(own, asked) > 0 or not it.exists then
    it.exists = true
    change_item(it)
    it.own, it.own_text = own, ''
    local list = flat(own)
    for i = 1, #list, 2 do
      it.own_text = it.own_text .. '\n' .. list[i] .. ' ' .. list[i + 1]
    end
    forget_policies()
    changed_policy(it.sku, own)
  end
  return { code.OK, 0, flat(own), flat(stock_default()) }
end

local function decide()
  local not_after, sku, asked = number(), number(), {}
  local it = sku > 0 and items[named_skus[sku]]
  for i = 1, number() do
    asked[i] = { field(), field() }
  end
  end_request() -- of what was reclaimed, under the policy that was in force
  return stamped(now > not_after and { code.TOO_LATE } or it and set_own(it, asked) or set_default(asked))
end

return finish(decide)
