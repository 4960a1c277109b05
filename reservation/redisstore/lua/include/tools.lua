-- What the parts of scripts share.

-- name_in_key returns what KEYS[i] names: the id of <base>res:<id> or <base>req:<id>.
local function name_in_key(i)
  return string.sub(KEYS[i], #base + 5)
end

-- text returns a whole number as text; small ones are made once, for the same come again and again. Larger
-- ones are not kept: miniredis' Lua pads a table with a number key up to that number.
local MAX_KEPT = 256
local texts = {}
local format = string.format
local function text(n)
  if n > MAX_KEPT or n < 0 then
    return format('%d', n)
  end
  local t = texts[n]
  if not t then
    t = format('%d', n)
    texts[n] = t
  end
  return t
end

-- unpack_call calls a Redis command with a long list of arguments, at most 500 at once (Redis ends near
-- 8,000; miniredis, in the midst of a script, before 1,000). step is how many belong together.
local function unpack_call(command, key, list, step)
  local most = 500 - 500 % step
  for from = 1, #list, most do
    redis.call(command, key, unpack(list, from, math.min(from + most - 1, #list)))
  end
end

-- joined is table.concat for long lists, 500 at once for the same reason.
local function joined(list, between)
  if #list <= 500 then
    return table.concat(list, between)
  end
  local parts = {}
  for from = 1, #list, 500 do
    parts[#parts + 1] = table.concat(list, between, from, math.min(from + 499, #list))
  end
  return table.concat(parts, between)
end

-- append puts all values of a list behind another.
local function append(to, list)
  local at = #to
  for i = 1, #list do
    to[at + i] = list[i]
  end
  return to
end

-- to_fields turns a flat reply of names and values into a table.
local function to_fields(flat)
  local fields = {}
  for i = 1, #flat, 2 do
    fields[flat[i]] = flat[i + 1]
  end
  return fields
end

-- contains says whether a list has a value from a place on.
local function contains(list, from, value)
  for i = from, #list do
    if list[i] == value then
      return true
    end
  end
  return false
end
