-- list_reservations answers a page of the reservations in one state, in the order of their index.
--
-- Include: codes clock begin tools policy_rules items grants records reading
-- Flags: no-writes
-- ARGV[5] state   1-5, as in include/records.lua
-- ARGV[6] score   of the last one of the page before; empty: from the first
-- ARGV[7] last    its id
-- ARGV[8] limit   reservations on the page, 1-1000
-- ARGV[9] lines  after how many lines of reservations the page ends, in any case
-- Returns {store time, 1 when holds are due, 0, {OK, 0, score and id after which the next page begins (empty: none
-- follows), then each reservation: id and a list as in include/records.lua, record_reply}}
local state, score, last, limit = tonumber(ARGV[5]), ARGV[6], ARGV[7], tonumber(ARGV[8])
local line_limit = tonumber(ARGV[9])
local index = KEYS[record_index(state, {})]
local PORTION, MOST = 100, 2000 -- entries read at once, and in all: a page may be short, never slow

-- is_before compares two ids by their bytes, as the index does. Lua's own comparison goes by the locale.
local function is_before(a, b)
  for i = 1, math.min(#a, #b) do
    local byte_a, byte_b = string.byte(a, i), string.byte(b, i)
    if byte_a ~= byte_b then return byte_a < byte_b end
  end
  return #a < #b
end

-- place_after returns the rank of the first entry behind a score and an id, present or not.
local function place_after(at, id)
  local from = redis.call('ZCOUNT', index, '-inf', '(' .. at)
  local to = from + redis.call('ZCOUNT', index, at, at)
  while from < to do
    local middle = math.floor((from + to) / 2)
    if is_before(id, redis.call('ZRANGE', index, middle, middle)[1]) then
      to = middle
    else
      from = middle + 1
    end
  end
  return from
end

-- shown returns the reservation of an entry where it is in the state that is asked for, nil otherwise. A hold
-- that is due is EXPIRED, and listed as that once it is reclaimed.
local function shown(id)
  local r = new_record(id)
  local stored = redis.call('HMGET', r.key, 'h', 's')
  open_record(r, stored[1], stored[2])
  return r.exists and not is_due(r) and r.state == state and r or nil
end

local rank = score ~= '' and place_after(score, last) or 0
local reply, found, read, lines, over = { code.OK, 0, '', '' }, 0, 0, 0, false
while found < limit and read < MOST and lines < line_limit and not over do
  local entries = redis.call('ZRANGE', index, rank, rank + PORTION - 1, 'WITHSCORES')
  over = #entries < 2 * PORTION
  for i = 1, #entries, 2 do
    if found == limit or lines >= line_limit then
      over = false
      break
    end
    local r = shown(entries[i])
    rank, read = rank + 1, read + 1
    reply[3], reply[4] = entries[i + 1], entries[i]
    if r then
      found, lines = found + 1, lines + r.count
      reply[#reply + 1] = r.id
      reply[#reply + 1] = record_reply({}, r)
    end
  end
end
if over then
  reply[3], reply[4] = '', ''
end
return { now, holds_due(), 0, { reply } }
