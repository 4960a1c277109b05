-- extend counts the expiry of holds anew from now.
--
-- Include: mutation
-- KEYS[12..] the requests' reservations <base>res:<id>, each once
-- ARGV, per request:
--   not_after    ms of store time
--   reservation  index in KEYS
--   ttl          ms
-- Returns, per request, one of:
--   OK                               sequence, time ms, the reservation as in include/records.lua
--   WRONG_STATE                      sequence, state
--   UNKNOWN_RESERVATION, TOO_LATE, AGAIN    sequence
-- Clock: an expiry that has come is final, swept or not.
local function extend(r, ttl)
  if not r.exists then return { code.UNKNOWN_RESERVATION } end
  if is_due(r) then lapse(r) end
  if r.state ~= HELD then return { code.WRONG_STATE, 0, r.state } end
  r.expires = now + ttl
  change_record(r)
  emit({ 'EXTENDED', r.id, text(r.expires) })
  end_request() -- of what was reclaimed: it may have filled a line of this one
  return record_reply({ code.OK, sequence_now(), now }, r)
end

local function decide()
  local not_after, r, ttl = number(), record(name_in_key(number())), number()
  local reply = now > not_after and { code.TOO_LATE } or extend(r, ttl)
  end_request() -- of what was reclaimed, also where the request is refused
  return stamped(reply)
end

return finish(decide)
