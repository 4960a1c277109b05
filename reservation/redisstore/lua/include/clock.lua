-- store_now returns the store's clock, in whole milliseconds. It is the only clock that decides.
local function store_now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
