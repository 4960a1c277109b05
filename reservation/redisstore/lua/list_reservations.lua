-- list_reservations answers a page of the reservations in one state, in the order of their index.
--
-- Include: codes clock begin items records
-- Flags: no-writes
-- ARGV[6] state   1-5, as in include/records.lua
-- ARGV[7] score   of the last one of the page before; empty: from the first
-- ARGV[8] last    its id
-- ARGV[9] limit   reservations on the page, 1-1000
-- Returns {store time, 0, 0, {OK, 0, score and id after which the next page begins (empty: none follows), then
-- each reservation: id and a list as in include/records.lua, record_reply}}
local state, score, last, limit = tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8], tonumber(ARGV[9])
local index = record_index(state, {})
-- Entries read at once, and entries and lines read in all: a page may be short, never slow.
local PORTION, MOST, MOST_LINES = 100, 2000, 10000

-- place_after returns the rank of the first entry behind a score and an id, present or not.
local function place_after(at, id)
  local from = redis.call('ZCOUNT', index, '-inf', '(' .. at)
  local to = from + redis.call('ZCOUNT', index, at, at)
  while from < to do
    local middle = math.floor((from + to) / 2)
    if redis.call('ZRANGE', index, middle, middle)[1] <= id then
      from = middle + 1
    else
      to = middle
    end
  end
  return from
end

-- shown says whether a reservation is in the state that is asked for; a hold that is due is EXPIRED.
local function shown(r)
  return r.exists and (is_due(r) and EXPIRED or r.state) == state
end

local rank = score and place_after(score, last) or 0
local reply, found, read, lines, over = { code.OK, 0, '', '' }, 0, 0, 0, false
while found < limit and read < MOST and lines < MOST_LINES and not over do
  local entries = redis.call('ZRANGE', index, rank, rank + PORTION - 1, 'WITHSCORES')
  over = #entries < 2 * PORTION
  for i = 1, #entries, 2 do
    if found == limit or lines >= MOST_LINES then
      over = false
      break
    end
    local r = record(entries[i])
    rank, read, lines = rank + 1, read + 1, lines + (r.count or 0)
    reply[3], reply[4] = entries[i + 1], entries[i]
    if shown(r) then
      found = found + 1
      reply[#reply + 1] = r.id
      reply[#reply + 1] = record_reply({}, r)
    end
  end
end
if over then
  reply[3], reply[4] = '', ''
end
return { now, 0, 0, { reply } }
