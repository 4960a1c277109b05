-- purge forgets finished reservations and request ids whose retention is over, at most line_budget
-- of them. It must run on a full store: only so can it shrink.
--
-- Include: codes clock begin tools fields
-- Flags: allow-oom
-- Returns {store time, 0, 0, replies}, per request:
--   OK    0, how many were forgotten, 1 when there may be more
local forgotten, more = 0, false

-- forget deletes what a sorted set lists as over, and its entries.
local function forget(index, kind)
  local over = redis.call('ZRANGEBYSCORE', index, '-inf', now, 'LIMIT', 0, line_budget - forgotten)
  if #over == 0 then
    return
  end
  local keys = {}
  for i, id in ipairs(over) do
    keys[i] = base .. kind .. id
  end
  redis.call('UNLINK', unpack(keys))
  redis.call('ZREM', index, unpack(over))
  forgotten = forgotten + #over
  more = forgotten == line_budget
end

local replies = {}
for i = 1, count do
  forgotten, more = 0, false
  forget(KEYS[7], 'res:')
  forget(KEYS[8], 'req:')
  replies[i] = { code.OK, 0, forgotten, more and 1 or 0 }
end
return { now, 0, 0, replies }
