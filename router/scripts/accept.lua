-- SPDX-License-Identifier: AGPL-3.0-or-later
-- A shop takes an offer: it gets an attempt, a lease, and a fence number that no one had before. Whoever else was asked is asked no more.
--
-- key                       kind     use      what for
-- :sequence                 string   changed  counts the change of a shop, so that plans made before it are out of date
-- :began                    string   changed  where :sequence began, if this is the board's first change
-- :changed                  zset     changed  the shops that are no longer as they were planned with
-- :shop:<id>                hash     changed  what it was given of late; the versions of all who were asked
-- :shop:<id>:orders         set      changed  the others are asked no more
-- :placed                   hash     changed  the requester's machine time is now that of this machine
-- :job:<id>                 hash     changed  its requester, its version
-- :order:<id>               hash     changed  the order's state
-- :order:<id>:asked         hash     changed  whether it was asked; gone afterwards
-- :deadlines                zset     changed  when the lease ends
-- :epoch                    string   changed  the fence
-- :restored                 hash     changed  whether an offer of before must wait for the others who were asked
-- :shops                    zset     read     whether those have called since
-- :counts                   hash     changed  refusals
-- :bell                     channel  changed  wakes whoever waits for a change
--
-- ARGV 3 order, 4 shop, 5 lease in ms
-- Answers {"" or a reason code, attempt number, epoch}. Accepting again gives the same attempt.
local order, shop = ARGV[3], ARGV[4]
local state, holder, job, number, epoch = get(order, 'state', 'shop', 'job', 'number', 'epoch')
if holder == shop and (state == 'accepted' or state == 'running' or state == 'uncertain') then return {'', number, epoch} end
if state ~= 'offered' then return {count('offer.gone'), '0', '0'} end
local packed = redis.call('HGET', key('order', order, 'asked'), shop)
if not packed then return {count('offer.other_shop'), '0', '0'} end
if packed == '' or waits_for_others(order, shop) then return {count('offer.gone'), '0', '0'} end
epoch = tostring(redis.call('INCR', key('epoch')))
number = tostring(tonumber(number) + 1)
give_to(order, shop, packed, number, epoch)
set_deadline(order, NOW + tonumber(ARGV[5]))
shop_changed(shop)
job_changed(job)
return {'', number, epoch}
