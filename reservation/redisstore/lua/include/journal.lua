-- The journal: events of this script, each with its own sequence, written as one stream entry.
local meta = redis.call('HMGET', KEYS[1], 'run_id', 'epoch', 'sequence', 'restoring')
local epoch = tonumber(meta[2] or 0)
local first_sequence = tonumber(meta[3] or 0)
local events = {}
local new_epoch = meta[1] ~= run_id
local meta_changes = {} -- further fields of meta to write
local meta_removed = {} -- fields of meta to delete
local restoring = meta[4] -- the export that the stock is being built from

-- sequence_now returns the sequence after the last event so far.
local function sequence_now()
  return first_sequence + #events
end

-- emit adds an event: a list of its name and its values, none of which holds a tab or a newline (the
-- limits of ids and SKUs see to it). It returns the event's sequence.
local function emit(event)
  if new_epoch then
    new_epoch = false
    epoch = epoch + 1
    if meta[1] then
      events[1] = 'STORE_CHANGED\t' .. epoch .. '\t' .. run_id
    end
  end
  events[#events + 1] = joined(event, '\t')
  return sequence_now()
end

-- write_journal appends the events and moves the sequence on.
local function write_journal()
  unpack_call('HSET', KEYS[1], meta_changes, 2)
  unpack_call('HDEL', KEYS[1], meta_removed, 1)
  if #events == 0 then
    return
  end
  local last = sequence_now()
  redis.call('XADD', KEYS[3], 'MINID', '~', math.max(0, last - journal_cap), last .. '-0',
    't', now, 'e', joined(events, '\n'))
  if meta[1] ~= run_id then
    redis.call('HSET', KEYS[1], 'run_id', run_id, 'epoch', epoch, 'sequence', last,
      'e' .. epoch, first_sequence)
  else
    redis.call('HSET', KEYS[1], 'sequence', last)
  end
end
