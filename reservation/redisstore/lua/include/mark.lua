-- For durability replica only: the loader joins it behind finish. A script whose answers repeat what was done
-- before, and which writes nothing else, writes the time into meta. The WAIT that ends the batch counts only what
-- its own connection has written, so that without it a repeat could be acknowledged while no replica has what it
-- repeats. What is refused repeats nothing; an OK that writes no event does, but where the script's header says
-- that only REPLAYED does.
local finish_unmarked = finish

local function repeats(reply)
  return reply[1] == code.REPLAYED or (reply[1] == code.OK and ok_repeats)
end

-- write_mark marks a stock that has a journal; without one nothing was ever done that could be repeated.
local function write_mark(replies)
  for i = 1, #replies do
    if repeats(replies[i]) then
      local marked = redis.pcall('HSET', KEYS[1], 'marked', now_text)
      if type(marked) == 'table' then
        return redis.error_reply('HFPARTIAL ' .. marked.err)
      end
      return nil
    end
  end
end

finish = function(decide, prepare)
  local answer = finish_unmarked(decide, prepare)
  if answer.err or #events > 0 or epoch == 0 then
    return answer
  end
  return write_mark(answer[4]) or answer
end
