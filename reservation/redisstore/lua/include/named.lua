-- The SKUs that the requests of a batch name.
local named_skus = {}

-- read_named reads all of them together.
local function read_named()
  for sku in string.gmatch(ARGV[5], '[^\n]+') do
    named_skus[#named_skus + 1] = sku
  end
  read_items(named_skus)
end

-- named_item takes the next field as a SKU.
local function named_item()
  return items[named_skus[number()]]
end

-- due_holds returns the ids of holds that are due, oldest first, as many as one script may reclaim.
local function due_holds()
  return redis.call('ZRANGEBYSCORE', KEYS[5], '-inf', now_text, 'LIMIT', 0, line_budget)
end
