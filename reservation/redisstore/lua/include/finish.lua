-- What every script that changes a stock ends with: read all, decide all, write all. An error before the
-- first write has changed nothing (HFBEFORE); one after it must be looked into (HFPARTIAL).
local writing = false
local restoring_reply = restoring and { code.STOCK_RESTORING, first_sequence }

-- finish decides every request, writes once, and returns {store time, epoch, sequence, replies}. While the
-- stock is being restored only restore may write to it.
local function finish(decide, before, restores)
  local function run()
    local replies = {}
    local refused = not restores and restoring_reply
    if before and not refused then
      before()
    end
    for i = 1, count do
      replies[i] = refused or decide()
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
