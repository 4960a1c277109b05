-- read_items answers SKUs' figures and own policies as of one moment: those named, or a page of them in
-- the order of their bytes.
--
-- Include: codes clock begin
-- Flags: no-writes
-- KEYS[11..] the SKUs <base>sku:<sku>; none: a page
-- ARGV[6] from   where the page begins, as ZRANGEBYLEX has it: "-" or "(<sku>"
-- ARGV[7] limit  SKUs on the page, 1-1000
-- Returns {store time, 0, 0, {{OK or UNKNOWN_SKU, the stock's default policy, items, more}}}: policies and
-- items are lists of names and values as stored, an item has its SKU before them; more is 1 when the page
-- is not the last. UNKNOWN_SKU is followed by the SKUs.
local skus, more = {}, 0
if #KEYS > FIXED_KEYS then
  for i = FIXED_KEYS + 1, #KEYS do
    skus[#skus + 1] = name_in_key(i)
  end
else
  local limit = tonumber(ARGV[7])
  skus = redis.call('ZRANGEBYLEX', KEYS[4], ARGV[6], '+', 'LIMIT', 0, limit + 1)
  if #skus > limit then
    more = 1
    skus[#skus] = nil
  end
end

local found, unknown, named = {}, { code.UNKNOWN_SKU }, {}
for _, sku in ipairs(skus) do
  local fields = redis.call('HGETALL', base .. 'sku:' .. sku)
  if #fields == 0 and not named[sku] then
    named[sku] = true
    unknown[#unknown + 1] = sku
  end
  found[#found + 1] = { sku, fields }
end
if #unknown > 1 then
  return { now, 0, 0, { unknown } }
end
return { now, 0, 0, { { code.OK, redis.call('HGETALL', KEYS[2]), found, more } } }
