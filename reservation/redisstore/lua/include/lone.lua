-- One plain Reserve by itself, the most common batch of a stock that is not busy: a script spends more time on making
-- its functions than on such a request, so this one is decided before most of them are made. It is plain where
-- nothing is due or waits, every SKU stands on one line, has no purchase rule and units enough, and no
-- threshold is crossed. Anything else is left to the rules below, with nothing written.
local lone_writes = false

local function lone()
  local _, asks, not_after, key, fingerprint, ttl, replaces, list = cmsgpack.unpack_limit(ARGV[6], 7, 0)
  if not list or asks > 1 or replaces > 0 or now > not_after then return nil end
  local skus = cmsgpack.unpack(ARGV[5])
  local count_lines = #list / 2
  if #skus ~= count_lines or count_lines > 100 then return nil end
  local meta = redis.call('HMGET', KEYS[1], 'run_id', 'epoch', 'sequence', 'restoring', 'fenced')
  if meta[1] ~= run_id or meta[4] or meta[5] then return nil end
  if ARGV[7] ~= '0' and -- whether something was lost is for include/fence.lua to say
    (tonumber(ARGV[7]) > tonumber(meta[3]) or ARGV[8] ~= meta[2] .. ' ' .. run_id) then
    return nil
  end
  local existing = redis.call('EXISTS', KEYS[key], KEYS[2]) -- most stocks have no default policy
  if existing > 1 then return nil end
  if redis.call('ZCOUNT', KEYS[5], '-inf', now_text) > 0 then return nil end

  local default, policies = {}, {}
  if existing > 0 then
    local flat = redis.call('HGETALL', KEYS[2])
    if #flat == 0 then return nil end -- then it is the reservation that exists
    for i = 1, #flat, 2 do
      default[flat[i]] = flat[i + 1]
    end
  else
    policies[''] = { plain = true, edge = 0 } -- what is built in
  end
  local values = redis.call('HMGET', KEYS[11], unpack(skus))
  local lines, items, format = {}, {}, string.format
  for i = 1, count_lines do
    local sku, quantity = skus[list[2 * i - 1]], list[2 * i]
    local on_hand, reserved, own_text = string.match(values[list[2 * i - 1]] or '', '^(%d+) (%d+)(.*)$')
    if not on_hand or string.byte(own_text) == 32 then return nil end -- unknown, or it has a queue
    local policy = policies[own_text]
    if not policy then
      policy = resolve(own_text == '' and default or policy_fields(own_text), default)
      policies[own_text] = policy
    end
    local before, taken = on_hand - reserved, reserved + quantity
    local after = before - quantity
    if not policy.plain or after < 0 or after <= policy.edge or taken > MAX_FIGURE or
      (policy.low and before >= policy.low and after < policy.low) then
      return nil
    end
    lines[i] = format('%d %d 0 %d 1 %s', quantity, quantity, after, sku)
    items[2 * i - 1], items[2 * i] = sku, format('%s %d%s', on_hand, taken, own_text)
  end

  local id, sequence = string.sub(KEYS[key], #base + 5), format('%d', meta[3] + 1)
  local expires, state, index, score = '0', '2', KEYS[6], now_text
  if ttl ~= '0' then
    expires, state, index = format('%d', now + ttl), '1', KEYS[5]
    score = expires
  end
  local record = { 'h', now_text .. ' ' .. sequence .. ' ' .. count_lines .. ' ' .. ttl .. ' ' .. fingerprint,
    's', state .. ' 1 ' .. expires .. ' 0 0 0' }
  for i = 1, count_lines do
    record[2 * i + 3], record[2 * i + 4] = 'l' .. i, lines[i]
  end
  lone_writes = true
  redis.call('HSET', KEYS[11], unpack(items))
  redis.call('HSET', KEYS[key], unpack(record))
  redis.call('ZADD', index, score, id)
  redis.call('XADD', KEYS[3], 'MINID', '~', format('%d', math.max(0, sequence - journal_cap)), sequence .. '-0',
    't', now_text, 'e',
    'RESERVED\t' .. id .. '\t' .. state .. '\t' .. expires .. '\t' .. table.concat(lines, '\t'))
  redis.call('HSET', KEYS[1], 'sequence', sequence)
  sequence = tonumber(sequence)
  return { now, tonumber(meta[2]), sequence, { { 0, sequence, -- code.OK
    now_text .. ' ' .. expires .. ' ' .. state .. '\n' .. table.concat(lines, '\n') } } }
end

if count == 1 then
  local ok, result = pcall(lone)
  if not ok then
    local message = type(result) == 'table' and result.err or tostring(result)
    return redis.error_reply((lone_writes and 'HFPARTIAL ' or 'HFBEFORE ') .. message)
  elseif result then
    return result
  end
end
