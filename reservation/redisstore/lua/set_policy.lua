-- set_policy sets or clears fields of SKUs' own policies, or of the stock's default. A SKU that is new is
-- created at 0. Setting what is set changes nothing and writes no event.
--
-- Include: mutation
-- KEYS[11..] the requests' SKUs <base>sku:<sku>, each once
-- ARGV, per request:
--   not_after  ms of store time
--   sku        index in KEYS, 0: the stock's default policy
--   fields     0-11, each: name, value (empty: clear)
-- Returns, per request, one of:
--   OK        sequence, own policy, the stock's default: lists of names and values
--   TOO_LATE  sequence
-- The field names are those of the SKU's hash, see include/items.lua.
local POLICY_FIELDS = { 'bm', 'bl', 'ss', 'ls', 'rt', 'mn', 'mx', 'qi', 'se', 'tr', 'su' }

-- flat returns a policy's fields as a list, in a fixed order.
local function flat(fields)
  local list = {}
  for _, name in ipairs(POLICY_FIELDS) do
    if fields[name] then
      list[#list + 1] = name
      list[#list + 1] = fields[name]
    end
  end
  return list
end

-- apply takes the fields over and says whether any was different.
local function apply(key, fields, asked)
  local changed = false
  for _, ask in ipairs(asked) do
    local name, value = ask[1], ask[2] ~= '' and ask[2] or nil
    if fields[name] ~= value then
      fields[name] = value
      policy_changes[#policy_changes + 1] = { key, name, value }
      changed = true
    end
  end
  return changed
end

-- changed_policy writes the event, with the whole own policy as it is now.
local function changed_policy(sku, fields)
  local event = { 'POLICY_CHANGED', sku, 0 }
  for _, value in ipairs(flat(fields)) do
    -- substitutes are one a line; in an event, which is one line, a character no SKU can hold parts them
    event[#event + 1] = string.gsub(value, '\n', '\30')
  end
  emit(event)
end

local function set_default(asked)
  local default = stock_default()
  if apply(KEYS[2], default, asked) then
    changed_policy('', default)
    forget_policies()
  end
  return { code.OK, sequence_now(), flat(default), flat(default) }
end

local function set_own(it, asked)
  local changed = apply(it.key, it.own, asked)
  if changed or not it.exists then
    if not it.exists then
      touch(it)
      it.exists = true
    end
    forget_policies()
    changed_policy(it.sku, it.own)
  end
  return { code.OK, sequence_now(), flat(it.own), flat(stock_default()) }
end

local function decide()
  local not_after, key, asked = number(), number(), {}
  for i = 1, number() do
    asked[i] = { arg(), arg() }
  end
  local it = key > 0 and declared_item(key)
  if now > not_after then return { code.TOO_LATE, sequence_now() } end
  local reply = it and set_own(it, asked) or set_default(asked)
  end_request()
  return reply
end

return finish(decide)
