-- SPDX-License-Identifier: AGPL-3.0-or-later
-- A shop does not take an offer. The others that were asked are still asked.
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
-- :job:<id>:passed          hash     changed  that it said no
-- :order:<id>               hash     changed  the order's state
-- :order:<id>:asked         hash     changed  it is asked no more
-- :deadlines                zset     changed  when the order's offer or lease ends
-- :counts                   hash     changed  refusals
-- :bell                     channel  changed  wakes whoever waits for a change
--
-- ARGV 3 order, 4 shop. Answers "" or a reason code; declining twice is no error.
local order, shop = ARGV[3], ARGV[4]
local state, job = get(order, 'state', 'job')
if not state then return count('offer.gone') end
local asked = redis.call('HGET', key('order', order, 'asked'), shop)
if state == 'offered' and asked and asked ~= '' then
  pass_over(job, shop, 'declined')
  leave_asked(order, shop, 'declined', '')
  return ''
end
if redis.call('HGET', key('job', job, 'passed'), shop) == 'declined' then return '' end
return count((state == 'offered' and not asked) and 'offer.other_shop' or 'offer.gone')
