-- The SKUs that the requests of a batch name.
local named_skus

-- read_named reads all of them together.
local function read_named()
  named_skus = cmsgpack.unpack(ARGV[5])
  read_items(named_skus)
end

-- due_holds returns the ids of holds that are due, oldest first, as many as one script may reclaim.
local function due_holds()
  return redis.call('ZRANGEBYSCORE', KEYS[5], '-inf', now_text, 'LIMIT', 0, line_budget)
end
