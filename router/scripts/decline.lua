-- SPDX-License-Identifier: AGPL-3.0-or-later
-- A shop does not take an offer.
-- Touches :order:<id> :deadlines :counts :job:<id> :job:<id>:orders :job:<id>:passed :open :shop:<id> :shop:<id>:orders :bell
-- ARGV 3 order, 4 shop. Answers "" or a reason code; declining twice is no error.
local order, shop = ARGV[3], ARGV[4]
local state, holder = get(order, 'state', 'shop')
if not state then return count('offer.gone') end
if holder ~= shop then return count('offer.other_shop') end
if state == 'declined' then return '' end
if state ~= 'offered' then return count('offer.gone') end
pass_over(order, 'declined')
end_order(order, 'declined')
return ''
