-- SPDX-License-Identifier: AGPL-3.0-or-later
-- A shop takes an offer: it gets an attempt, a lease, and a fence number that no one had before.
-- Touches :order:<id> :deadlines :epoch :counts :shop:<id> :job:<id> :bell
-- ARGV 3 order, 4 shop, 5 lease in ms
-- Answers {"" or a reason code, attempt number, epoch}. Accepting again gives the same attempt.
local order, shop = ARGV[3], ARGV[4]
local state, holder, job, number, epoch = get(order, 'state', 'shop', 'job', 'number', 'epoch')
if not state then return {count('offer.gone'), '0', '0'} end
if holder ~= shop then return {count('offer.other_shop'), '0', '0'} end
if state == 'accepted' or state == 'running' or state == 'uncertain' then return {'', number, epoch} end
if state ~= 'offered' then return {count('offer.gone'), '0', '0'} end
epoch = tostring(redis.call('INCR', key('epoch')))
number = tostring(tonumber(number) + 1)
redis.call('HSET', key('order', order), 'state', 'accepted', 'number', number, 'epoch', epoch)
set_deadline(order, NOW + tonumber(ARGV[5]))
shop_changed(shop)
job_changed(job)
return {'', number, epoch}
