-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Takes the rest of an uncertain work order from the shop that fell silent. Its later reports are refused.
-- Touches :order:<id> :deadlines :job:<id> :job:<id>:orders :job:<id>:passed :open :shop:<id> :shop:<id>:orders :bell
-- ARGV 3 order. Answers "" or a reason code.
local order = ARGV[3]
if get(order, 'state') ~= 'uncertain' then return 'order.not_uncertain' end
pass_over(order, 'tried')
end_order(order, 'superseded')
return ''
