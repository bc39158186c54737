-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Reads every shop with the work that lies with it, at one moment.
-- Touches :shops :shop:<id> :shop:<id>:orders :order:<id>, reading only
-- Answers {now, {shop, descriptor, last heard, machine, minutes left, machine, minutes left, …}, …}.
local answer = {NOW}
local shops = redis.call('ZRANGE', key('shops'), 0, -1, 'WITHSCORES')
for i = 1, #shops, 2 do
  local shop = shops[i]
  local row = {shop, redis.call('HGET', key('shop', shop), 'descriptor'), shops[i + 1]}
  for _, order in ipairs(redis.call('SMEMBERS', key('shop', shop, 'orders'))) do
    local machine, minutes, quantity, good = get(order, 'machine', 'minutes', 'quantity', 'good')
    row[#row + 1] = machine
    row[#row + 1] = tostring(tonumber(minutes) * (tonumber(quantity) - tonumber(good)) / tonumber(quantity))
  end
  answer[#answer + 1] = row
end
return answer
