-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Reads the offers that stand for one shop, and the recalls that it has not yet said it has seen.
--
-- key                       kind     use      what for
-- :shop:<id>                hash     read     its version
-- :shop:<id>:orders         set      read     what may be offered to it
-- :shop:<id>:recalls        hash     read     recalls that concern it
-- :order:<id>               hash     read     whether it is still offered, until when
-- :order:<id>:asked         hash     read     its own offer
--
-- ARGV 3 shop. Answers {now, version, {revision, notice, …}, order, offer, deadline, order, offer, deadline, …}.
local shop = ARGV[3]
local answer = {NOW, redis.call('HGET', key('shop', shop), 'version') or '0', redis.call('HGETALL', key('shop', shop, 'recalls'))}
local orders = redis.call('SMEMBERS', key('shop', shop, 'orders'))
table.sort(orders)
for _, order in ipairs(orders) do
  local state, deadline = get(order, 'state', 'deadline')
  if state == 'offered' then
    answer[#answer + 1] = order
    answer[#answer + 1] = cmsgpack.unpack(redis.call('HGET', key('order', order, 'asked'), shop))[4]
    answer[#answer + 1] = deadline
  end
end
return answer
