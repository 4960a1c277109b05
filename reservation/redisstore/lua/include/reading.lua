-- What reads tell besides: holds_due is 1 while a hold is due and not reclaimed, otherwise 0.
local function holds_due()
  return redis.call('ZCOUNT', KEYS[5], '-inf', now_text) > 0 and 1 or 0
end
