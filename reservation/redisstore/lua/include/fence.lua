-- The fence: what was lost of a stock that somebody had seen acknowledged is noticed here, and from then on nothing
-- is granted until somebody lifts the fence (I8). Each changing call brings the last position that its server saw
-- acknowledged; only the store decides whether it still has it, for there neither answers out of order nor
-- what others have written over the loss meanwhile can mislead. A stock that nothing happened to is told by the
-- sequence and the present epoch alone, and no function is made for it.
--
-- ARGV[7] seen_sequence  of the last position of this stock that the calling server saw acknowledged, 0: none
-- ARGV[8] seen_epoch     "epoch process": of that position, and the run_id that began the epoch
-- ARGV[9] seen_time      ms of store time at which it was answered
-- ARGV[10] server        who calls, for whoever reads of a loss: 1-64 of A-Z a-z 0-9 . _ : -
local seen_sequence = tonumber(ARGV[7] or 0) -- 0: nobody says what was seen
local fenced = meta[5] -- the fence as it is kept; false: there is none

-- standing is what a script answers behind the replies where not all is as usual: the process that began the
-- present epoch, 1 where the caller goes on from where this answer says whatever it had seen, 1 where what
-- it had seen is lost, and the fence.
local standing = (fenced or new_epoch) and { meta[1] or '', 0, 0, fenced or '' } or nil

-- FENCE is how a fence is kept: "epoch ms since seen_epoch seen_sequence kept had_epoch had_sequence lost server":
-- the epoch that it began, and when (ms of store time), which together are its id; when the first loss was noticed;
-- the furthest position that was seen and is lost, and the sequence up to which the stock still had what led there;
-- where the stock was when that was noticed; how many events are lost at most; and which server had seen them.
local FENCE = '^(%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (.*)$'

if seen_sequence > 0 and not restoring and
  (seen_sequence > first_sequence or ARGV[8] ~= meta[2] .. ' ' .. meta[1]) then
  local seen_epoch, seen_process = string.match(ARGV[8], '^(%d+) (.*)$')
  local n = tonumber(seen_epoch)

  -- kept_of returns up to which sequence the stock has what was written until the end of the caller's epoch. A
  -- sequence behind that is lost, and so is all of an epoch that the stock does not have (false).
  local function kept_of()
    if n == epoch then
      return seen_process == meta[1] and first_sequence
    end
    local began, began_by, ends =
      unpack(redis.call('HMGET', KEYS[1], 'e' .. text(n), 'p' .. text(n), 'e' .. text(n + 1)))
    return n < epoch and began and ends and (not began_by or began_by == seen_process) and tonumber(ends)
  end

  -- shared returns up to which sequence the stock can share its history with an epoch that is none of its own.
  local function shared()
    if n > epoch and new_epoch then return first_sequence end
    local kept = to_fields(redis.call('HGETALL', KEYS[1]))
    for k = math.min(n, epoch), 1, -1 do
      local start = kept['e' .. text(k)]
      if start then return tonumber(start) end
    end
    return 0
  end

  -- is_told says whether the fence speaks of the loss already.
  local function is_told()
    if not fenced then return false end
    local _, _, _, told_epoch, told_sequence = string.match(fenced, FENCE)
    told_epoch = tonumber(told_epoch)
    return n < told_epoch or n == told_epoch and seen_sequence <= tonumber(told_sequence)
  end

  -- raise_fence sets the fence and begins an epoch, behind every one that was seen: the number of one that is lost
  -- is not used again. A fence that is there is widened.
  local function raise_fence(kept)
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
      new_epoch, epoch = false, math.max(epoch, n) + 1
      began = text(epoch)
      events[1] = 'STORE_CHANGED\t' .. began .. '\t' .. run_id
      local ends = text(had_epoch + 1)
      meta_changes = { 'e' .. ends, text(first_sequence), 'p' .. ends, run_id }
    end
    fenced = began .. ' ' .. now_text .. ' ' .. since .. ' ' .. seen_epoch .. ' ' .. text(seen_sequence) .. ' '
      .. text(kept) .. ' ' .. text(had_epoch) .. ' ' .. text(first_sequence) .. ' ' .. text(lost) .. ' ' .. ARGV[10]
    meta_changes = append(meta_changes or {}, { 'fenced', fenced })
  end

  standing = standing or { meta[1] or '', 0, 0, '' }
  if tonumber(ARGV[9]) <= tonumber(redis.call('HGET', KEYS[1], 'settled') or 0) then
    standing[2] = 1
  else
    local kept = kept_of()
    if not kept or seen_sequence > kept then
      standing[2], standing[3] = 1, 1
      if not is_told() then
        raise_fence(math.min(kept or shared(), seen_sequence - 1))
        standing[4] = fenced
      end
    end
  end
end
