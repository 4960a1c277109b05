-- What every script that changes a stock begins with.
--
-- KEYS[1] meta      = <prefix>:{<stock>}:meta       hash: run_id, epoch, sequence, e<n> (where epoch n began)
-- KEYS[2] policy    = <prefix>:{<stock>}:policy     hash: the stock's default policy
-- KEYS[3] journal   = <prefix>:{<stock>}:journal    stream: one entry a script, ID <last sequence>-0
-- KEYS[4] skus      = <prefix>:{<stock>}:skus       sorted set: every SKU, score 0
-- KEYS[5] held      = <prefix>:{<stock>}:held       sorted set: holds by expiry, ms
-- KEYS[6] committed = <prefix>:{<stock>}:committed  sorted set: firm reservations by grant, ms
-- KEYS[7] finished  = <prefix>:{<stock>}:finished   sorted set: finished reservations by end of retention, ms
-- KEYS[8] requests  = <prefix>:{<stock>}:requests   sorted set: request ids by end of retention, ms
-- KEYS[9] filling   = <prefix>:{<stock>}:filling    sorted set: SKUs whose queue is to be worked off, score 0
-- KEYS[10] waiting  = <prefix>:{<stock>}:waiting    sorted set: SKUs that have a queue, score 0
--
-- run_id, of the store's process, is no argument: the loader writes it into the text of each script, so that
-- a process that was not asked who it is does not have the text.
--
-- ARGV[1] unused         empty
-- ARGV[2] retention      ms, how long finished reservations and request ids are remembered
-- ARGV[3] journal_cap    events, how many the journal keeps at least
-- ARGV[4] line_budget    queue lines worked off and due holds reclaimed by one script at most
-- ARGV[5] count          requests that follow, from ARGV[6] on
local retention = tonumber(ARGV[2])
local journal_cap = tonumber(ARGV[3])
local line_budget = tonumber(ARGV[4])
local count = tonumber(ARGV[5])

local MAX_FIGURE = 1000000000000
local FIXED_KEYS = 10

local now = store_now()
local base = string.sub(KEYS[1], 1, -5) -- without "meta": what every key of this stock begins with

-- name_in_key returns what KEYS[i] names: the SKU of <base>sku:<sku>, the id of <base>res:<id> or
-- <base>req:<id>.
local function name_in_key(i)
  return string.sub(KEYS[i], #base + 5)
end

-- arg takes the next argument; number takes it as a number.
local arg_at = 5
local function arg()
  arg_at = arg_at + 1
  return ARGV[arg_at]
end
local function number()
  arg_at = arg_at + 1
  return tonumber(ARGV[arg_at])
end

-- text returns a whole number as text, small ones each made once: to print a number costs more than most of
-- what is decided here, and the same small ones come again and again. Larger ones are not kept: miniredis'
-- Lua pads a table with a number key up to that number.
local MAX_KEPT = 1024
local texts = {}
local function text(n)
  if n > MAX_KEPT or n < 0 then
    return tostring(n)
  end
  local t = texts[n]
  if not t then
    t = tostring(n)
    texts[n] = t
  end
  return t
end

-- unpack_call calls a Redis command with a long list of arguments, at most 500 at once (Redis ends near
-- 8,000; miniredis, in the midst of a script, before 1,000). step is how many belong together.
local function unpack_call(command, key, list, step)
  local most = 500 - 500 % step
  for from = 1, #list, most do
    redis.call(command, key, unpack(list, from, math.min(from + most - 1, #list)))
  end
end

-- joined is table.concat for long lists, 500 at once for the same reason.
local function joined(list, between)
  if #list <= 500 then
    return table.concat(list, between)
  end
  local parts = {}
  for from = 1, #list, 500 do
    parts[#parts + 1] = table.concat(list, between, from, math.min(from + 499, #list))
  end
  return table.concat(parts, between)
end
