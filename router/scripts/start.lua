-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Gives an attempt leave to set a machine in motion. From here on the lot is never offered again by itself.
--
-- key                       kind     use      what for
-- :sequence                 string   changed  counts the change of a shop, so that plans made before it are out of date
-- :began                    string   changed  where :sequence began, if this is the board's first change
-- :changed                  zset     changed  the shops that are no longer as they were planned with
-- :shop:<id>                hash     changed  what it was given, where the board had forgotten that it was; the versions of all
-- :shop:<id>:orders         set      changed  the others are asked no more
-- :open                     zset     changed  whether something of the job can be offered
-- :placed                   hash     changed  what the requester has lying with shops
-- :job:<id>                 hash     changed  whether it was withdrawn; its version
-- :job:<id>:orders          list     changed  its orders, to be forgotten with it
-- :job:<id>:passed          hash     changed  forgotten with the job
-- :order:<id>               hash     changed  the order's state
-- :order:<id>:asked         hash     changed  whether it was asked; gone afterwards
-- :deadlines                zset     changed  when the lease ends
-- :epoch                    string   changed  the last fence given: whether the attempt may be from before the board was set back
-- :counts                   hash     changed  refusals
-- :bell                     channel  changed  wakes whoever waits for a change
--
-- ARGV 3 order, 4 shop, 5 number, 6 epoch, 7 lease in ms. Answers "" or a reason code; asking again is no error.
local order, shop = ARGV[3], ARGV[4]
believe(order, shop, ARGV[5], ARGV[6], false)
if not owns(order, shop, ARGV[5], ARGV[6]) then return count(not_owned(order, shop, ARGV[6])) end
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
