-- SPDX-License-Identifier: AGPL-3.0-or-later
-- An attempt ends with a signed report, which leaves the board for the ledger in this same step.
-- Touches :order:<id> :deadlines :counts :done :job:<id> :job:<id>:orders :job:<id>:passed :open :shop:<id> :shop:<id>:orders :bell
-- ARGV 3 order, 4 shop, 5 number, 6 epoch, 7 "done" or "failed", 8 good, 9 scrap, 10 signed report, 11 reasons
-- Answers "" or a reason code.
local order, shop, outcome, good = ARGV[3], ARGV[4], ARGV[7], tonumber(ARGV[8])
if not owns(order, shop, ARGV[5], ARGV[6]) then return count('attempt.superseded') end
local state, quantity, stopping = get(order, 'state', 'quantity', 'stopping')
if state == 'done' or state == 'failed' or (state == 'cancelled' and stopping ~= '1') then return count('attempt.reported') end
if state == 'accepted' then return count('attempt.not_started') end
if state ~= 'running' and state ~= 'uncertain' and state ~= 'cancelled' then return count('attempt.superseded') end
if good > tonumber(quantity) then return count('report.mismatch') end
redis.call('XADD', key('done'), '*', 'order', order, 'number', ARGV[5], 'epoch', ARGV[6], 'signed', ARGV[10])
redis.call('HSET', key('order', order), 'good', good, 'scrap', ARGV[9], 'reasons', ARGV[11])
if outcome == 'failed' or good == 0 then pass_over(order, 'tried') end
end_order(order, state == 'cancelled' and 'cancelled' or outcome)
return ''
