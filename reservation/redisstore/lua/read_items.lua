-- read_items answers SKUs' figures and own policies as of one moment: those named, or a page of them in
-- the order of their bytes.
--
-- Include: codes clock begin tools reading
-- Flags: no-writes
-- ARGV[5] from   where a page begins, as ZRANGEBYLEX has it: "-" or "(<sku>"; empty: the SKUs are named
-- ARGV[6] limit  SKUs on the page, 1-1000
-- ARGV[7..] the SKUs that are named
-- Returns {store time, 1 when holds are due, 0, {{OK or UNKNOWN_SKU, the stock's default policy, items, more}}}: of
-- each item SKU and value as stored; policies are lists of names and values; more is 1 when the page is not the
-- last. UNKNOWN_SKU is followed by the SKUs.
local skus, more = {}, 0
if ARGV[5] == '' then
  for i = 7, #ARGV do
    skus[#skus + 1] = ARGV[i]
  end
else
  local limit = tonumber(ARGV[6])
  skus = redis.call('ZRANGEBYLEX', KEYS[4], ARGV[5], '+', 'LIMIT', 0, limit + 1)
  if #skus > limit then
    more = 1
    skus[#skus] = nil
  end
end

local found, unknown, named = {}, { code.UNKNOWN_SKU }, {}
for from = 1, #skus, 500 do
  local to = math.min(from + 499, #skus)
  local values = redis.call('HMGET', KEYS[11], unpack(skus, from, to))
  for i = from, to do
    local sku, value = skus[i], values[i - from + 1]
    if not value and not named[sku] then
      named[sku] = true
      unknown[#unknown + 1] = sku
    end
    found[#found + 1] = sku
    found[#found + 1] = value
  end
end
if #unknown > 1 then
  return { now, 0, 0, { unknown } }
end
return { now, holds_due(), 0, { { code.OK, redis.call('HGETALL', KEYS[2]), found, more } } }
