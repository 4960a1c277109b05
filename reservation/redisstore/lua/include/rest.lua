-- What finish runs besides, in scripts that use all of it.

local function reclaim_due()
  local due = due_holds()
  if #due == 0 then return false, 0 end
  return reclaim(due)
end

local function write_rest()
  write_queues()
  write_policies()
  write_records()
  write_requests()
end

-- named_item takes the next field as a SKU.
local function named_item()
  return items[named_skus[number()]]
end
