-- What a script changes of policies, and the SKUs that it forgets.
local deleted_items = {}   -- to forget
local default_changes = {} -- to write, in order: {field, value or nil}

-- forget_policies makes policies be resolved anew, after one has changed.
local function forget_policies()
  resolved = {}
  for _, it in pairs(items) do
    it.policy = false
  end
end

-- write_policies sets and clears fields of the default policy and forgets deleted SKUs.
local function write_policies()
  local final, set, cleared = {}, {}, {}
  for _, change in ipairs(default_changes) do
    final[change[1]] = change[2] or false
  end
  for name, value in pairs(final) do
    append(value and set or cleared, value and { name, value } or { name })
  end
  unpack_call('HSET', KEYS[2], set, 2)
  unpack_call('HDEL', KEYS[2], cleared, 1)
  unpack_call('HDEL', KEYS[11], deleted_items, 1)
  unpack_call('ZREM', KEYS[4], deleted_items, 1)
end
