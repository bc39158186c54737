-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Puts a job on the board, once for each idempotency key.
-- Touches :jobs :jobs:<requester> :job:<id> :open :once:<requester>:<key> :bell
-- ARGV 3 job, 4 requester, 5 idempotency key or "", 6 request, 7 specification, 8 questions, 9 quantity, 10 "held" or "open"
-- Answers the job's id: the new one, or the one that the key made before.
local job, requester, once = ARGV[3], ARGV[4], ARGV[5]
if once ~= '' then
  local before = redis.call('GET', key('once', requester, once))
  if before then return before end
  redis.call('SET', key('once', requester, once), job, 'PX', KEEP)
end
redis.call('HSET', key('job', job), 'requester', requester, 'request', ARGV[6], 'specification', ARGV[7], 'questions', ARGV[8],
  'quantity', ARGV[9], 'unplaced', ARGV[9], 'state', ARGV[10], 'requested', NOW, 'version', 1)
redis.call('ZADD', key('jobs'), NOW, job)
redis.call('ZADD', key('jobs', requester), NOW, job)
if ARGV[10] == 'open' then redis.call('ZADD', key('open'), NOW, job) end
ring('open')
return job
