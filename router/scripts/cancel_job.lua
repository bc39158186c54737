-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Withdraws a job. What has not started ends at once; what runs is asked to stop and may still report what it made.
-- Touches :job:<id> :job:<id>:orders :job:<id>:passed :open :order:<id> :deadlines :shop:<id> :shop:<id>:orders :bell
-- ARGV 3 job. Answers "" or a reason code; cancelling twice is no error.
local job = ARGV[3]
local state = redis.call('HGET', key('job', job), 'state')
if state == 'cancelled' then return '' end
if state == 'done' then return 'job.ended' end
redis.call('HSET', key('job', job), 'state', 'cancelled', 'unplaced', 0)
redis.call('ZREM', key('open'), job)
for _, order in ipairs(redis.call('LRANGE', key('job', job, 'orders'), 0, -1)) do
  local order_state, shop = get(order, 'state', 'shop')
  if order_state == 'offered' or order_state == 'accepted' then
    end_order(order, 'cancelled')
  elseif order_state == 'running' or order_state == 'uncertain' then
    redis.call('HSET', key('order', order), 'state', 'cancelled', 'stopping', '1')
    redis.call('ZREM', key('deadlines'), order)
    shop_changed(shop)
  end
end
end_job_if_over(job)
job_changed(job)
return ''
