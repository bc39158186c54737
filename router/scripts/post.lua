-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Puts jobs on the board, all or none: one, or a product and its parts.
--
-- key                       kind     use      what for
-- :jobs                     zset     changed  all jobs by age
-- :jobs:<requester>         zset     changed  the same, of one requester
-- :open                     zset     changed  whether something of the job can be offered
-- :job:<id>                 hash     changed  the new job
-- :revision:<digest>        set      changed  its jobs, to be found when it is recalled
-- :recalls                  hash     read     whether it was recalled since the registry was asked
-- :once:<requester>:<key>   string   changed  whether this wish was sent before
-- :bell                     channel  changed  the planners have something to do
--
-- ARGV 3 requester, 4 idempotency key or "", then fifteen values for each job: id, request, specification, questions, quantity,
--      urgency ("urgent", "when_convenient" or ""), ms until it is needed or "", "wanted" for a first article or "", product or "",
--      parts parted by spaces, how many parts, "1" where it is work itself and "0" where only its parts are, state,
--      machine time for one piece in ms, the revision's digest
-- Answers {the first job's id, or the id that the key made before, ""}, or {"", the recall} where the revision was recalled.
-- Sent again with the same ids it changes nothing.
local requester, once, first_job = ARGV[3], ARGV[4], ARGV[5]
if once ~= '' then
  local before = redis.call('GET', key('once', requester, once))
  if before then return {before, ''} end
end
if redis.call('EXISTS', key('job', first_job)) == 1 then return {first_job, ''} end
for i = 5, #ARGV, 15 do
  local recall = redis.call('HGET', key('recalls'), ARGV[i + 14])
  if recall then return {'', recall} end
end
if once ~= '' then redis.call('SET', key('once', requester, once), first_job, 'PX', KEEP) end
for i = 5, #ARGV, 15 do
  local job, request, specification, questions, quantity, urgency, needed_in, first, product, parts, parts_left, needs_work, state,
    each, revision = unpack(ARGV, i, i + 14)
  redis.call('HSET', key('job', job), 'requester', requester, 'request', request, 'specification', specification,
    'questions', questions, 'quantity', quantity, 'unplaced', parts == '' and quantity or 0, 'live', 0, 'requested', NOW,
    'needed', needed_in == '' and '' or NOW + tonumber(needed_in), 'urgency', urgency, 'first', first, 'product', product,
    'parts', parts, 'parts_left', parts_left, 'needs_work', needs_work, 'state', state, 'each', each, 'version', 1)
  redis.call('ZADD', key('jobs'), NOW, job)
  redis.call('ZADD', key('jobs', requester), NOW, job)
  redis.call('SADD', key('revision', revision), job)
  open_up(job)
end
return {first_job, ''}
