-- What every script that changes a stock ends with: read all, decide all, write all. An error before the
-- first write has changed nothing (HFBEFORE); one after it must be looked into (HFPARTIAL).
local writing = false

-- finish decides every request, writes once, and returns {store time, epoch, sequence, replies}.
local function finish(decide, before)
  local function run()
    local replies = {}
    if before then
      before()
    end
    for i = 1, count do
      replies[i] = decide()
    end
    writing = true
    write_items()
    write_policies()
    write_records()
    write_requests()
    write_journal()
    return { now, epoch, sequence_now(), replies }
  end
  local ok, result = pcall(run)
  if ok then
    return result
  end
  local text = type(result) == 'table' and result.err or tostring(result)
  return redis.error_reply((writing and 'HFPARTIAL ' or 'HFBEFORE ') .. text)
end
