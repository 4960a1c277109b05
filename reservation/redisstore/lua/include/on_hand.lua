-- What calls that change on hand have in common. They answer two texts: rows, one a line, "moved by,
-- on hand, available, filled, still backordered, shortfall" right after that line; and fills, one a fill,
-- "reservation, units, SKU", at most 100.

-- move_on_hand changes a SKU's on hand by units, creates it where it is new, and returns the row.
local function move_on_hand(it, units)
  touch(it)
  it.exists = true
  local waiting = it.Q - it.F
  it.H, it.on_hand = it.H + units, false
  settle(it)
  local still = it.Q - it.F
  return text(units) .. ' ' .. text(it.H) .. ' ' .. text(it.H - it.R) .. ' '
    .. text(math.max(0, waiting - still)) .. ' ' .. text(still) .. ' ' .. text(shortfall(it))
end

-- moved_reply ends the request, remembers its answer and returns it.
local function moved_reply(q, fingerprint, rows)
  local fills = end_request()
  remember(q, fingerprint, joined(rows, '\n'), joined(fills, '\n'))
  return { code.OK, q.sequence, now, q.a, q.b }
end

local function replayed_move(q)
  return { code.REPLAYED, q.sequence, q.created, q.a, q.b }
end
