-- The requests of a batch as a changing script gets them.
--
-- ARGV[4] count   requests that follow
-- ARGV[5] skus    those that the requests name, each once, one a line
-- ARGV[6] fields  of all requests in their order, one a line. A SKU stands there as its number in skus, from
--                 1; a reservation or request id as its index in KEYS.
-- ARGV[7] seen_sequence  of the last position of this stock that the calling server saw acknowledged, 0: none
-- ARGV[8] seen_epoch     "epoch process": of that position, and the run_id that began the epoch
-- ARGV[9] seen_time      ms of store time at which it was answered
-- ARGV[10] server        who calls, for whoever reads of a loss: 1-64 of A-Z a-z 0-9 . _ : -
local count = tonumber(ARGV[4])

local fields = {}
for value in string.gmatch(ARGV[6], '([^\n]*)\n') do
  fields[#fields + 1] = value
end

-- field takes the next field; number takes it as a number.
local field_at = 0
local function field()
  field_at = field_at + 1
  return fields[field_at]
end
local function number()
  field_at = field_at + 1
  return tonumber(fields[field_at])
end
