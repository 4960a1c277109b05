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
  for _, change in ipairs(default_changes) do
    if change[2] then
      redis.call('HSET', KEYS[2], change[1], change[2])
    else
      redis.call('HDEL', KEYS[2], change[1])
    end
  end
  unpack_call('HDEL', KEYS[11], deleted_items, 1)
  unpack_call('ZREM', KEYS[4], deleted_items, 1)
end
