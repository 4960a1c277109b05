-- read_figures answers SKUs with all that is kept of them, and where they are listed, as of one moment. Audit,
-- Repair and Export walk a stock with it.
--
-- Include: codes clock begin journal
-- Flags: no-writes
-- KEYS[11..] the SKUs <base>sku:<sku>, at most 1,000
-- Returns {store time, 0, 0, {{OK, sequence, epoch, the stock's default policy, items}}}: an item is a list: SKU, its
-- places (score in skus, in filling and in waiting; empty: not listed there), entries in its queue, then all names
-- and values as stored, none where the stock does not have it. Without keys there are no items.
local found = {}
for i = FIXED_KEYS + 1, #KEYS do
  local sku = name_in_key(i)
  local queue = redis.call('ZCARD', base .. 'queue:' .. sku)
  found[#found + 1] = {
    sku, redis.call('ZSCORE', KEYS[4], sku) or '', redis.call('ZSCORE', KEYS[9], sku) or '',
    redis.call('ZSCORE', KEYS[10], sku) or '', queue, redis.call('HGETALL', KEYS[i]),
  }
end
return { now, 0, 0, { { code.OK, first_sequence, epoch, redis.call('HGETALL', KEYS[2]), found } } }
