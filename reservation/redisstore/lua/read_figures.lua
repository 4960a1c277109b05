-- read_figures answers SKUs with all that is kept of them, and where they are listed, as of one moment. Audit,
-- Repair and Export walk a stock with it.
--
-- Include: codes clock begin tools journal
-- Flags: no-writes
-- ARGV[5..] the SKUs, at most 64
-- Returns {store time, 0, 0, {{OK, sequence, epoch, the stock's default policy, items}}}: the policy is a list of
-- names and values; an item is a list: its places (score in skus, in filling and in waiting; empty: not listed
-- there), entries in its queue, 1 where the stock has it, else 0, and its value as stored. Without SKUs there are
-- no items.
local found = {}
local values = #ARGV > 4 and redis.call('HMGET', KEYS[11], unpack(ARGV, 5)) or {}
for i = 5, #ARGV do
  local sku, value = ARGV[i], values[i - 4]
  found[#found + 1] = {
    redis.call('ZSCORE', KEYS[4], sku) or '', redis.call('ZSCORE', KEYS[9], sku) or '',
    redis.call('ZSCORE', KEYS[10], sku) or '', redis.call('ZCARD', base .. 'queue:' .. sku),
    value and 1 or 0, value or '',
  }
end
return { now, 0, 0, { { code.OK, first_sequence, epoch, redis.call('HGETALL', KEYS[2]), found } } }
