-- Requests that carry a request_id: a hash each at <base>req:<request id>. v fingerprint of the call and
-- its content, g sequence, c time (ms), p end of retention (ms), a and b the first answer's facts as text.
local requests = {}         -- by id, as read and as decided so far
local changed_requests = {} -- those to write

-- request returns what is remembered of a request id; exists is nil where that is nothing.
local function request(id)
  local q = requests[id]
  if not q then
    local key = base .. 'req:' .. id
    local fields = redis.call('HMGET', key, 'v', 'g', 'c', 'p', 'a', 'b')
    q = { id = id, key = key }
    if fields[1] and tonumber(fields[4]) > now then
      q.exists, q.fingerprint = true, fields[1]
      q.sequence, q.created = tonumber(fields[2]), tonumber(fields[3])
      q.forget, q.a, q.b = tonumber(fields[4]), fields[5] or '', fields[6] or ''
    end
    requests[id] = q
  end
  return q
end

-- remember keeps the first answer to a request.
local function remember(q, fingerprint, a, b)
  q.exists, q.fingerprint, q.forget = true, fingerprint, nil
  q.sequence, q.created = sequence_now(), now
  q.a, q.b = a, b
  changed_requests[#changed_requests + 1] = q
end

-- split_of writes a reservation's state, expiry and lines down as text, for a later replay.
local function split_of(r)
  local rows = { r.state .. ' ' .. r.expires }
  for i, line in ipairs(r.lines) do
    rows[i + 1] = line.covered .. ' ' .. line.backordered .. ' ' .. line.fulfilled
  end
  return joined(rows, '\n')
end

-- replay_split answers a call by lines with the split that split_of wrote down.
local function replay_split(q, r)
  local rows = {}
  for row in string.gmatch(q.a, '[^\n]+') do
    rows[#rows + 1] = row
  end
  local state, expires = string.match(rows[1], '^(%d+) (%d+)$')
  local then_lines = {}
  for i, line in ipairs(lines_of(r)) do
    local covered, backordered, fulfilled = string.match(rows[i + 1], OPEN)
    then_lines[i] = setmetatable({ covered = tonumber(covered), backordered = tonumber(backordered),
      fulfilled = tonumber(fulfilled) }, { __index = line })
  end
  local first = { state = tonumber(state), created = r.created, expires = tonumber(expires),
    term = r.term, count = r.count, lines = then_lines }
  return record_reply({ code.REPLAYED, q.sequence, q.created }, first)
end

local function write_requests()
  local ends = {}
  for _, q in ipairs(changed_requests) do
    local forget = q.forget or q.created + retention
    redis.call('HSET', q.key, 'v', q.fingerprint, 'g', q.sequence, 'c', q.created, 'p', forget,
      'a', q.a, 'b', q.b)
    ends[#ends + 1] = forget
    ends[#ends + 1] = q.id
  end
  unpack_call('ZADD', KEYS[8], ends, 2)
end
