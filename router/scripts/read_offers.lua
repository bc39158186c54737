-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Reads the offers that stand for one shop.
-- Touches :shop:<id> :shop:<id>:orders :order:<id>, reading only
-- ARGV 3 shop. Answers {now, version, order, offer, deadline, order, offer, deadline, …}.
local shop = ARGV[3]
local answer = {NOW, redis.call('HGET', key('shop', shop), 'version') or '0'}
local orders = redis.call('SMEMBERS', key('shop', shop, 'orders'))
table.sort(orders)
for _, order in ipairs(orders) do
  local state, offer, deadline = get(order, 'state', 'offer', 'deadline')
  if state == 'offered' then
    answer[#answer + 1] = order
    answer[#answer + 1] = offer
    answer[#answer + 1] = deadline
  end
end
return answer
