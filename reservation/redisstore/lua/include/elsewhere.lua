-- What scripts need that catch errors: a key of the stock that has moved to another node of a cluster is no
-- damage. Where an error tells of that it is raised again, and the whole script fails.
local function raise_elsewhere(err)
  local message = type(err) == 'table' and err.err or tostring(err)
  if string.find(message, 'access a non local key', 1, true) or string.find(message, 'during rehashing', 1, true) then
    error(err, 0)
  end
end
