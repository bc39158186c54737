-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Reads the offers that stand for one shop, and the recalls that it has not yet said it has seen. After this board was set back, an offer
-- of before is kept from it until the others who were asked have called, or a while has passed.
--
-- key                       kind     use      what for
-- :shop:<id>                hash     read     its version
-- :shop:<id>:orders         set      read     what may be offered to it
-- :shop:<id>:recalls        hash     read     recalls that concern it
-- :order:<id>               hash     read     whether it is still offered, until when
-- :order:<id>:asked         hash     read     its own offer; who else is asked
-- :epoch                    string   read     whether this board was set back since the offer
-- :restored                 hash     changed  when that was
-- :shops                    zset     read     who has called since
--
-- ARGV 3 shop. Answers {now, version, {revision, notice, …}, order, offer, deadline, order, offer, deadline, …}.
local shop = ARGV[3]
-- What a board that was set back answers is always less than what it answered before, however much has happened since: by that its agents
-- notice it. A Lua number counts to 2^53.
local MOST_TIMES, EVENTS_BETWEEN = 2 ^ 12, 2 ^ 40
local version = tonumber(redis.call('HGET', key('shop', shop), 'version') or 0) + (MOST_TIMES - times_restored()) * EVENTS_BETWEEN
local answer = {NOW, version, redis.call('HGETALL', key('shop', shop, 'recalls'))}
local orders = redis.call('SMEMBERS', key('shop', shop, 'orders'))
table.sort(orders)
for _, order in ipairs(orders) do
  local state, deadline = get(order, 'state', 'deadline')
  if state == 'offered' and not waits_for_others(order, shop) then
    answer[#answer + 1] = order
    answer[#answer + 1] = cmsgpack.unpack(redis.call('HGET', key('order', order, 'asked'), shop))[4]
    answer[#answer + 1] = deadline
  end
end
return answer
