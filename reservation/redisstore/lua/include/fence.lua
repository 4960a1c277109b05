-- The fence: what was lost of a stock that somebody had seen acknowledged is noticed here, and from then on nothing
-- is granted until somebody lifts the fence (I8). Each changing call brings the last position that its server saw
-- acknowledged; only the store decides whether it still has it, for there neither answers out of order nor
-- what others have written over the loss meanwhile can mislead.
local seen_sequence = tonumber(ARGV[7] or 0) -- absent: nobody says what was seen
local fenced = meta[5] -- the fence as it is kept, see fence_text; false: there is none
local notices = true   -- whether the script looks for losses
local noticed = false  -- the caller had seen what is lost
local anew = false     -- what the caller had seen counts no more: it goes on from where this answer says

-- FENCE is how a fence is kept: "epoch ms since seen_epoch seen_sequence kept had_epoch had_sequence lost server":
-- the epoch that it began, and when (ms of store time), which together are its id; when the first loss was noticed;
-- the furthest position that was seen and is lost, and the sequence up to which the stock still had what led there;
-- where the stock was when that was noticed; how many events are lost at most; and which server had seen them.
local FENCE = '^(%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (.*)$'

-- fence_id returns the id of the fence, nil where there is none.
local function fence_id()
  if not fenced then return nil end
  local n, ms = string.match(fenced, FENCE)
  return n .. '-' .. ms
end

-- shared returns up to which sequence the stock can share its history with an epoch that is none of its own.
local function shared(n)
  if n > epoch and new_epoch then return first_sequence end
  local kept = to_fields(redis.call('HGETALL', KEYS[1]))
  for k = math.min(n, epoch), 1, -1 do
    local start = kept['e' .. text(k)]
    if start then return tonumber(start) end
  end
  return 0
end

-- kept_of returns up to which sequence the stock has what was written until the end of an epoch that a process began.
-- A sequence behind that is lost, and so is all of an epoch that the stock does not have (false).
local function kept_of(n, process)
  if n == epoch then
    return process == meta[1] and first_sequence
  end
  local began, began_by, ends =
    unpack(redis.call('HMGET', KEYS[1], 'e' .. text(n), 'p' .. text(n), 'e' .. text(n + 1)))
  return n < epoch and began and ends and (not began_by or began_by == process) and tonumber(ends)
end

-- raise_fence sets the fence, behind every epoch that was seen: the number of one that is lost is not used again. One
-- that is there is widened.
local function raise_fence(n, kept)
  local had_epoch, began, since, lost = epoch, false, now_text, seen_sequence - kept
  if fenced then
    local id_epoch, _, first, _, _, kept_before, _, _, so_far = string.match(fenced, FENCE)
    began, since, so_far = id_epoch, first, tonumber(so_far)
    if n < tonumber(began) then -- more of the same loss
      kept = math.min(kept, tonumber(kept_before))
      lost = math.max(so_far, seen_sequence - kept)
    else
      lost = lost + so_far
    end
  else
    begin_epoch(math.max(epoch, n) + 1)
    began = text(epoch)
    local ends = text(had_epoch + 1)
    meta_changes = append(meta_changes or {}, { 'e' .. ends, text(first_sequence), 'p' .. ends, run_id })
  end
  fenced = began .. ' ' .. now_text .. ' ' .. since .. ' ' .. text(n) .. ' ' .. text(seen_sequence) .. ' '
    .. text(kept) .. ' ' .. text(had_epoch) .. ' ' .. text(first_sequence) .. ' ' .. text(lost) .. ' ' .. ARGV[10]
  meta_changes = append(meta_changes or {}, { 'fenced', fenced })
end

-- is_told says whether the fence speaks of a position already.
local function is_told(n)
  if not fenced then return false end
  local _, _, _, told_epoch, told_sequence = string.match(fenced, FENCE)
  told_epoch = tonumber(told_epoch)
  return n < told_epoch or n == told_epoch and seen_sequence <= tonumber(told_sequence)
end

-- compare holds what the caller had seen against what the stock has.
local function compare()
  local n, process = string.match(ARGV[8], '^(%d+) (.*)$')
  n = tonumber(n)
  if tonumber(ARGV[9]) <= tonumber(redis.call('HGET', KEYS[1], 'settled') or 0) then
    anew = true
    return
  end
  local kept = kept_of(n, process)
  if kept and seen_sequence <= kept then return end
  noticed, anew = true, true
  if not is_told(n) then
    raise_fence(n, math.min(kept or shared(n), seen_sequence - 1))
  end
end

-- notice_loss looks whether what the caller had seen is still there. A stock that nothing happened to is told by the
-- sequence and the present epoch alone.
local function notice_loss()
  if notices and seen_sequence > 0 and
    (seen_sequence > first_sequence or ARGV[8] ~= meta[2] .. ' ' .. meta[1]) then
    compare()
  end
end

-- answer returns what a script answers: where the stock is, and behind the replies, where it is not all as
-- usual, the process that began the present epoch, whether that counts whatever was seen before, whether the
-- caller's loss was noticed, and the fence.
local function answer(sequence, replies)
  local owner = epoch_begins and run_id or meta[1] or ''
  if owner == run_id and not anew and not fenced then
    return { now, epoch, sequence, replies }
  end
  return { now, epoch, sequence, replies, { owner, anew and 1 or 0, noticed and 1 or 0, fenced or '' } }
end
