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

-- split_of writes a reservation down as it is, for a later replay: state, expiry and term, then a line each:
-- "covered backordered fulfilled flags extras", with \31 for the newline of the extras.
local function split_of(r)
  local rows = { text(r.state) .. ' ' .. text(r.expires) .. ' ' .. text(r.term) }
  for i, line in ipairs(r.lines) do
    local told = line.flags_now and line.extras_now or line.extras or ''
    rows[i + 1] = text(line.covered) .. ' ' .. text(line.backordered) .. ' ' .. text(line.fulfilled) .. ' '
      .. text(line.flags_now or line.flags) .. ' ' .. string.gsub(told, '\n', '\31')
  end
  return joined(rows, '\n')
end

-- replay_split answers a call by lines with what split_of wrote down.
local function replay_split(q, r)
  local rows = {}
  for row in string.gmatch(q.a, '[^\n]+') do
    rows[#rows + 1] = row
  end
  local state, expires, term = string.match(rows[1], '^(%d+) (%d+) (%d+)$')
  local then_lines = {}
  for i, line in ipairs(lines_of(r)) do
    local covered, backordered, fulfilled, flags, told =
      string.match(rows[i + 1], '^(%d+) (%d+) (%d+) (%d) (.*)$')
    then_lines[i] = setmetatable({ covered = tonumber(covered), backordered = tonumber(backordered),
      fulfilled = tonumber(fulfilled), flags_now = tonumber(flags),
      extras_now = string.gsub(told, '\31', '\n') }, { __index = line })
  end
  local first = { state = tonumber(state), created = r.created, expires = tonumber(expires),
    term = tonumber(term), count = r.count, lines = then_lines, whole = true }
  return record_reply({ code.REPLAYED, q.sequence, q.created }, first)
end

local function write_requests()
  local ends = {}
  for _, q in ipairs(changed_requests) do
    local forget = q.forget or q.created + retention
    redis.call('HSET', q.key, 'v', q.fingerprint, 'g', text(q.sequence), 'c', text(q.created),
      'p', text(forget), 'a', q.a, 'b', q.b)
    ends[#ends + 1] = text(forget)
    ends[#ends + 1] = q.id
  end
  unpack_call('ZADD', KEYS[8], ends, 2)
end
