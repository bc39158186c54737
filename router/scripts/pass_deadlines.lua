-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Ends what has run out: offers without an answer, leases of silent shops. After the start a silent shop's lot becomes uncertain and
-- stays where it is: a machine may be running.
-- Touches :deadlines :order:<id> :job:<id> :job:<id>:orders :job:<id>:passed :open :shop:<id> :shop:<id>:orders :bell
-- ARGV 3 at most this many, 4 reasons for "released", 5 reasons for "uncertain". Answers how many ended.
local late = redis.call('ZRANGEBYSCORE', key('deadlines'), '-inf', NOW, 'LIMIT', 0, tonumber(ARGV[3]))
for _, order in ipairs(late) do
  local state, job = get(order, 'state', 'job')
  if state == 'offered' then
    pass_over(order, 'unanswered')
    end_order(order, 'expired')
  elseif state == 'accepted' then
    redis.call('HSET', key('order', order), 'reasons', ARGV[4])
    pass_over(order, 'unanswered')
    end_order(order, 'released')
  elseif state == 'running' then
    redis.call('HSET', key('order', order), 'state', 'uncertain', 'reasons', ARGV[5])
    redis.call('HDEL', key('order', order), 'deadline')
    redis.call('ZREM', key('deadlines'), order)
    job_changed(job)
  else
    redis.call('ZREM', key('deadlines'), order)
  end
end
return #late
