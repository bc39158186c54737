-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Gives an attempt leave to set a machine in motion. From here on the lot is never offered again by itself.
-- Touches :order:<id> :deadlines :counts :job:<id> :bell
-- ARGV 3 order, 4 shop, 5 number, 6 epoch, 7 lease in ms. Answers "" or a reason code; asking again is no error.
local order, shop = ARGV[3], ARGV[4]
if not owns(order, shop, ARGV[5], ARGV[6]) then return count('attempt.superseded') end
local state, job = get(order, 'state', 'job')
if state == 'cancelled' then return count('job.cancelled') end
if state ~= 'accepted' and state ~= 'running' and state ~= 'uncertain' then return count('attempt.superseded') end
redis.call('HSET', key('order', order), 'state', 'running', 'reasons', '')
set_deadline(order, NOW + tonumber(ARGV[7]))
job_changed(job)
return ''
