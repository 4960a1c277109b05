-- What every script that changes a stock ends with: read all, decide all, write all. An error before the
-- first write has changed nothing (HFBEFORE); one after it must be looked into (HFPARTIAL).
local writing = false

-- restoring_reply is what every request of every script gets while the stock is built from an export, restore's
-- own aside.
local restoring_reply = restoring and { code.STOCK_RESTORING, first_sequence }

-- MAX_WORK is after how many lines of reservations a script takes no further request: how long they are only
-- the store knows, and nobody else is served meanwhile.
local MAX_WORK = 1000

-- look_at_queues touches the queues that are to be written. Nobody declared their keys: where one of them has moved
-- to another node of a cluster, or would be new while its slot moves, the script fails here and not half-written.
local function look_at_queues()
  for from = 1, #queues, 500 do
    redis.call('EXISTS', unpack(queues, from, math.min(from + 499, #queues)))
  end
end

-- finish reads what the requests name, prepares, reclaims what is due, decides every request, writes once, and
-- returns {store time, epoch, sequence, replies}, and what include/fence.lua adds.
local function finish(decide, prepare)
  local function run()
    local replies = {}
    if restoring_reply then
      for i = 1, count do
        replies[i] = restoring_reply
      end
      return { now, epoch, first_sequence, replies, standing }
    end
    read_named()
    if prepare then
      prepare()
    end
    if reclaims then
      more_due = reclaim_due()
    end
    for i = 1, count do
      replies[i] = i > 1 and work >= MAX_WORK and { code.AGAIN } or decide()
    end
    look_at_queues()
    writing = true
    write_items()
    write_rest()
    write_journal()
    if standing and not new_epoch then
      standing[1] = run_id
    end
    return { now, epoch, sequence_now(), replies, standing }
  end
  local ok, result = pcall(run)
  if ok then
    return result
  end
  local message = type(result) == 'table' and result.err or tostring(result)
  return redis.error_reply((writing and 'HFPARTIAL ' or 'HFBEFORE ') .. message)
end

-- stamped puts the present sequence into a reply that has none of its own.
local function stamped(reply)
  if not reply[2] or reply[2] == 0 then
    reply[2] = sequence_now()
  end
  return reply
end
