-- Policies: a SKU's own fields, else the stock's default, else what is built in.

-- policy_fields returns the fields of a SKU's own policy, as they stand behind its figures.
local function policy_fields(own_text)
  local own = {}
  for name, value in string.gmatch(own_text, '\n(%a%a) ([^\n]*)') do
    own[name] = value
  end
  return own
end

-- resolve makes a policy out of a SKU's own fields and the stock's default. floor is nil where there is none;
-- edge is what available must be above to be in stock; plain says that no purchase rule can refuse a line.
local function resolve(own, default)
  local p = {
    mode = own.bm or default.bm or '1',
    low = tonumber(own.ls or default.ls),
    min = tonumber(own.mn or default.mn or 1),
    max = tonumber(own.mx or default.mx),
    increment = tonumber(own.qi or default.qi or 1),
    sellable = (own.se or default.se) ~= '0',
    tracked = (own.tr or default.tr) ~= '0',
    floor = nil, edge = 0, plain = false,
  }
  if p.mode == '1' then
    p.floor = tonumber(own.ss or default.ss or 0)
    p.edge = p.floor
  else
    local limit = tonumber(own.bl or default.bl or MAX_FIGURE)
    if limit < MAX_FIGURE then
      p.floor = -limit
    end
  end
  p.plain = p.sellable and p.tracked and p.min == 1 and not p.max and p.increment == 1
  return p
end
