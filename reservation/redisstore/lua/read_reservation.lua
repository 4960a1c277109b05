-- read_reservation answers a reservation as it is now. A hold that is due is EXPIRED, swept or not.
--
-- Include: codes clock begin tools policy_rules items grants records
-- Flags: no-writes
-- KEYS[12] res = <base>res:<id>
-- Returns {store time, 0, 0, {reply}}, the reply one of:
--   OK    0, then the reservation as in include/records.lua, record_reply
--   UNKNOWN_RESERVATION
local r = record(name_in_key(12))
if not r.exists then
  return { now, 0, 0, { { code.UNKNOWN_RESERVATION, 0 } } }
end
if is_due(r) then
  for _, line in ipairs(lines_of(r)) do
    line.covered, line.backordered = 0, 0
  end
  r.state = EXPIRED
end
return { now, 0, 0, { record_reply({ code.OK, 0 }, r) } }
