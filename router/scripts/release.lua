-- SPDX-License-Identifier: AGPL-3.0-or-later
-- A shop gives an attempt back before anything moved.
-- Touches :order:<id> :deadlines :counts :job:<id> :job:<id>:orders :job:<id>:passed :open :shop:<id> :shop:<id>:orders :bell
-- ARGV 3 order, 4 shop, 5 number, 6 epoch, 7 reasons. Answers "" or a reason code; releasing twice is no error.
local order, shop = ARGV[3], ARGV[4]
if not owns(order, shop, ARGV[5], ARGV[6]) then return count('attempt.superseded') end
local state = get(order, 'state')
if state == 'released' or state == 'cancelled' then return '' end
if state == 'running' or state == 'uncertain' then return count('attempt.started') end
if state ~= 'accepted' then return count('attempt.superseded') end
redis.call('HSET', key('order', order), 'reasons', ARGV[7])
pass_over(order, 'tried')
end_order(order, 'released')
return ''
