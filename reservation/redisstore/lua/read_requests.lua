-- read_requests answers what is remembered of request ids, and where they are listed, as of one moment. Audit
-- and Export walk a stock with it.
--
-- Include: codes clock begin tools journal policy_rules items grants records requests
-- Flags: no-writes
-- KEYS[12..] the requests <base>req:<request id>, at most 64
-- Returns {store time, 0, 0, {{OK, sequence, epoch, requests}}}: a request is a list: 1 when it is there and its
-- retention is not over, else 0; score in requests (empty: not listed); fingerprint, sequence, time ms, end of
-- retention ms, and the first answer's two texts.
local found = {}
for i = FIXED_KEYS + 1, #KEYS do
  local id = name_in_key(i)
  local readable, q = pcall(request, id)
  local score = redis.call('ZSCORE', KEYS[8], id) or ''
  if not readable then
    found[#found + 1] = { 2, score }
  elseif q.exists then
    found[#found + 1] = { 1, score, q.fingerprint, q.sequence or -1, q.created or -1, q.forget, q.a, q.b }
  else
    found[#found + 1] = { 0, score }
  end
end
return { now, 0, 0, { { code.OK, first_sequence, epoch, found } } }
