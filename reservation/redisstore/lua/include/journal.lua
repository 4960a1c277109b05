-- The journal: events of this script, each with its own sequence, written as one stream entry.
local meta = redis.call('HMGET', KEYS[1], 'run_id', 'epoch', 'sequence', 'restoring', 'fenced')
local epoch = tonumber(meta[2] or 0)
local first_sequence = tonumber(meta[3] or 0)
local events = {}
local new_epoch = meta[1] ~= run_id -- the next event begins one
local restoring = meta[4] -- the export that the stock is being built from; false: it is not
local meta_changes, meta_removed = nil, nil -- further names and values of meta to write, names to delete

-- sequence_now returns the sequence after the last event so far.
local function sequence_now()
  return first_sequence + #events
end

-- emit_line adds an event as a line: its name and its values, a tab between them, none of which holds a tab
-- or a newline (the limits of ids and SKUs see to it). It returns the event's sequence.
local function emit_line(line)
  if new_epoch then
    new_epoch = false
    epoch = epoch + 1
    if meta[1] then
      events[1] = 'STORE_CHANGED\t' .. text(epoch) .. '\t' .. run_id
    end
  end
  events[#events + 1] = line
  return first_sequence + #events
end

-- emit adds an event that is given as a list of its name and its values, all of them text.
local function emit(event)
  return emit_line(joined(event, '\t'))
end

-- write_journal appends the events and moves the sequence on.
local function write_journal()
  if meta_changes then
    unpack_call('HSET', KEYS[1], meta_changes, 2)
    unpack_call('HDEL', KEYS[1], meta_removed or {}, 1)
  end
  if #events == 0 then
    return
  end
  local last = text(sequence_now())
  redis.call('XADD', KEYS[3], 'MINID', '~', text(math.max(0, sequence_now() - journal_cap)), last .. '-0',
    't', now_text, 'e', joined(events, '\n'))
  if text(epoch) ~= meta[2] then
    redis.call('HSET', KEYS[1], 'run_id', run_id, 'epoch', text(epoch), 'sequence', last,
      'e' .. text(epoch), text(first_sequence), 'p' .. text(epoch), run_id)
  else
    redis.call('HSET', KEYS[1], 'sequence', last)
  end
end
