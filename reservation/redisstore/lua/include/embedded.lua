-- What miniredis lacks: cmsgpack, as far as the scripts use it, for the forms that pack.go writes.
local cmsgpack = {}
do
  local byte, sub = string.byte, string.sub

  -- one returns the value at a place and the place behind it.
  local function one(packed, at)
    local form = byte(packed, at)
    if form <= 0x7f then return form, at + 1 end
    if form == 0xcf then
      local n = 0
      for i = at + 1, at + 8 do
        n = n * 256 + byte(packed, i)
      end
      return n, at + 9
    end
    if form == 0xd9 then
      local ends = at + 1 + byte(packed, at + 1)
      return sub(packed, at + 2, ends), ends + 1
    end
    if form ~= 0xdc then error('what is packed begins with ' .. form) end
    local list, n = {}, byte(packed, at + 1) * 256 + byte(packed, at + 2)
    at = at + 3
    for i = 1, n do
      list[i], at = one(packed, at)
    end
    return list, at
  end

  function cmsgpack.unpack(packed)
    return (one(packed, 1))
  end

  -- unpack_limit returns where it ended, and up to limit values from offset on.
  function cmsgpack.unpack_limit(packed, limit, offset)
    local values, at = {}, offset + 1
    for i = 1, limit do
      values[i], at = one(packed, at)
    end
    return at > #packed and -1 or at - 1, unpack(values, 1, limit)
  end
end
