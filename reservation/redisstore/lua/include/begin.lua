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
-- KEYS[11] items    = <prefix>:{<stock>}:items      hash: every SKU's figures and own policy
--
-- run_id, of the store's process, is no argument: the loader writes it into the text of each script, so that
-- a process that was not asked who it is does not have the text.
--
-- ARGV[1] retention      ms, how long finished reservations and request ids are remembered
-- ARGV[2] journal_cap    events, how many the journal keeps at least
-- ARGV[3] line_budget    lines that one script works off, and lines of due holds that it reclaims, about
-- ARGV[4] count          requests that follow
local retention = tonumber(ARGV[1])
local journal_cap = tonumber(ARGV[2])
local line_budget = tonumber(ARGV[3])
local count = tonumber(ARGV[4])

local MAX_FIGURE = 1000000000000
local FIXED_KEYS = 11

-- What the parts of a script tell each other: how many lines of reservations it has looked at; whether it first
-- reclaims the holds that are due; whether holds may be due that were not reclaimed, for which no answer may be
-- worse.
local work, reclaims, more_due = 0, true, false

local now = store_now()
local now_text = string.format('%d', now)
local base = string.sub(KEYS[1], 1, -5) -- without "meta": what every key of this stock begins with
