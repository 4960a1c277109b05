-- What finish runs besides, in a script that makes its machinery only when something needs it: to make a hundred
-- functions takes longer than a plain request.
local made

local function general()
  made = made or machinery()
  return made
end

local function reclaim_due()
  local due = due_holds()
  if #due == 0 then return false, 0 end
  return general().reclaim(due)
end

-- end_general ends a request for the machinery, where there is one.
local function end_general()
  if made then made.end_request() end
end

local function write_rest()
  write_grants()
  if made then return made.write() end
  write_enqueued()
end
