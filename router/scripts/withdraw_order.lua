-- SPDX-License-Identifier: AGPL-3.0-or-later
-- The requester takes one lot back. What has not started ends and is offered to others; what runs, or may be running, is asked to stop,
-- and what it did not make is offered to others once its shop has reported.
--
-- key                       kind     use      what for
-- :sequence                 string   changed  counts the change of a shop, so that plans made before it are out of date
-- :began                    string   changed  where :sequence began, if this is the board's first change
-- :changed                  zset     changed  the shops that are no longer as they were planned with
-- :shop:<id>                hash     changed  its version, so that it is told
-- :shop:<id>:orders         set      changed  what it is asked about or holds
-- :open                     zset     changed  whether something of the job can be offered
-- :placed                   hash     changed  what the requester has lying with shops
-- :job:<id>                 hash     changed  its state, its pieces, its version
-- :job:<id>:orders          list     changed  its orders, to be forgotten with it
-- :job:<id>:passed          hash     changed  that its shops are not asked again
-- :order:<id>               hash     changed  the order's state
-- :order:<id>:asked         hash     changed  who is asked
-- :deadlines                zset     changed  when the order's offer or lease ends
-- :bell                     channel  changed  wakes whoever waits for a change
--
-- ARGV 3 order. Answers "" or a reason code; withdrawing twice is no error.
local order = ARGV[3]
local state, job, shop, stopping = get(order, 'state', 'job', 'shop', 'stopping')
if not state then return 'order.unknown' end
if state == 'cancelled' then return '' end
if state == 'offered' then
  for _, one in ipairs(asked_of(order)) do pass_over(job, one.shop, 'tried') end
  end_order(order, 'cancelled')
elseif state == 'accepted' then
  pass_over(job, shop, 'tried')
  end_order(order, 'cancelled')
elseif state == 'running' or state == 'uncertain' then
  if stopping == '1' then return '' end
  pass_over(job, shop, 'tried')
  redis.call('HSET', key('order', order), 'stopping', '1')
  shop_changed(shop)
  job_changed(job)
else
  return 'order.ended'
end
return ''
