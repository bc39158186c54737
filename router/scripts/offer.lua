-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Proposes a lot to a shop, if the plan still fits the present: another router may have been faster.
-- Touches :job:<id> :job:<id>:orders :job:<id>:passed :open :order:<id> :deadlines :shops :shop:<id> :shop:<id>:orders :bell
-- ARGV 3 order, 4 job, 5 shop, 6 machine, 7 quantity, 8 offer, 9 minutes in all, 10 ms that the offer stands,
--      11 why the shop may have been passed over before and is asked all the same: "" or "unanswered"
-- Answers 1, or 0 where the plan is out of date.
local order, job, shop, quantity = ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[7])
local state, unplaced = unpack(redis.call('HMGET', key('job', job), 'state', 'unplaced'))
if state ~= 'open' or tonumber(unplaced) < quantity then return 0 end
local passed = redis.call('HGET', key('job', job, 'passed'), shop)
if passed and passed ~= ARGV[11] then return 0 end
if not redis.call('ZSCORE', key('shops'), shop) then return 0 end
redis.call('HSET', key('order', order), 'job', job, 'shop', shop, 'machine', ARGV[6], 'quantity', quantity, 'state', 'offered',
  'number', 0, 'epoch', 0, 'good', 0, 'scrap', 0, 'offer', ARGV[8], 'minutes', ARGV[9], 'reasons', '', 'stopping', '0')
redis.call('RPUSH', key('job', job, 'orders'), order)
redis.call('SADD', key('shop', shop, 'orders'), order)
set_deadline(order, NOW + tonumber(ARGV[10]))
if redis.call('HINCRBY', key('job', job), 'unplaced', -quantity) == 0 then redis.call('ZREM', key('open'), job) end
shop_changed(shop)
job_changed(job)
return 1
