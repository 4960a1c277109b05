-- purge forgets finished reservations and request ids whose retention is over, at most line_budget
-- of them. It must run on a full store: only so can it shrink.
--
-- Include: codes clock begin tools fields
-- Flags: allow-oom
-- Returns {store time, 0, 0, replies}, per request:
--   OK    0, how many were forgotten, 1 when there may be more

-- over returns what a sorted set lists as over, and its keys, whether they are there or not: to touch them all
-- before the first is deleted has a script that does not have them all, for their slot moves, fail in time.
local function over(index, kind, most)
  local ids, keys = redis.call('ZRANGEBYSCORE', index, '-inf', now, 'LIMIT', 0, most), {}
  for i, id in ipairs(ids) do
    keys[i] = base .. kind .. id
  end
  if #keys > 0 then
    redis.call('EXISTS', unpack(keys))
  end
  return ids, keys
end

local function forget(index, ids, keys)
  if #ids > 0 then
    redis.call('UNLINK', unpack(keys))
    redis.call('ZREM', index, unpack(ids))
  end
end

local reservations, reservation_keys = over(KEYS[7], 'res:', line_budget)
local requests, request_keys = over(KEYS[8], 'req:', line_budget - #reservations)
forget(KEYS[7], reservations, reservation_keys)
forget(KEYS[8], requests, request_keys)

-- The first of several requests has done it; the others are told what is left.
local forgotten, replies = #reservations + #requests, {}
local more = forgotten == line_budget and 1 or 0
for i = 1, count do
  replies[i] = { code.OK, 0, i == 1 and forgotten or 0, more }
end
return { now, 0, 0, replies }
