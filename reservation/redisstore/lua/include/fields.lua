-- The requests of a batch as a changing script gets them.
--
-- ARGV[5] skus    those that the requests name, each once, a packed list
-- ARGV[6] fields  of all requests in their order, one a line. A SKU stands there as its number in skus, from
--                 1; a reservation or request id as its index in KEYS.
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
