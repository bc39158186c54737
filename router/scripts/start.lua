-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Gives an attempt leave to set a machine in motion. From here on the lot is never offered again by itself.
--
-- key                       kind     use      what for
-- :job:<id>                 hash     changed  whether it was withdrawn; its version
-- :order:<id>               hash     changed  the order's state
-- :deadlines                zset     changed  when the lease ends
-- :counts                   hash     changed  refusals
-- :bell                     channel  changed  wakes whoever waits for a change
--
-- ARGV 3 order, 4 shop, 5 number, 6 epoch, 7 lease in ms. Answers "" or a reason code; asking again is no error.
local order, shop = ARGV[3], ARGV[4]
if not owns(order, shop, ARGV[5], ARGV[6]) then return count('attempt.superseded') end
local state, job, stopping = get(order, 'state', 'job', 'stopping')
if state == 'cancelled' then
  -- Leave was given before it was withdrawn, and the receipt was lost: a refusal now would end it without the report that is awaited.
  if stopping == '1' then return '' end
  local job_state, recall = get_job(job, 'state', 'recall')
  if recall then return count('order.recalled') end
  return count(job_state == 'cancelled' and 'job.cancelled' or 'order.withdrawn')
end
if state ~= 'accepted' and state ~= 'running' and state ~= 'uncertain' then return count('attempt.superseded') end
redis.call('HSET', key('order', order), 'state', 'running', 'reasons', '')
set_deadline(order, NOW + tonumber(ARGV[7]))
job_changed(job)
return ''
