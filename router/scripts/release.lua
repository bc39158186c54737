-- SPDX-License-Identifier: AGPL-3.0-or-later
-- A shop gives an attempt back before anything moved.
--
-- key                       kind     use      what for
-- :sequence                 string   changed  counts the change of a shop, so that plans made before it are out of date
-- :began                    string   changed  where :sequence began, if this is the board's first change
-- :changed                  zset     changed  the shops that are no longer as they were planned with
-- :shop:<id>                hash     changed  its version, so that it is told
-- :shop:<id>:orders         set      changed  what it is asked about or holds
-- :open                     zset     changed  whether something of the job can be offered
-- :placed                   hash     changed  what the requester has lying with shops
-- :job:<id>                 hash     changed  its state, its pieces, its version
-- :job:<id>:orders          list     changed  its orders, to be forgotten with it
-- :job:<id>:passed          hash     changed  that it could not
-- :order:<id>               hash     changed  the order's state
-- :order:<id>:asked         hash     changed  who is asked
-- :deadlines                zset     changed  when the order's offer or lease ends
-- :epoch                    string   changed  the last fence given: whether the attempt may be from before the board was set back
-- :counts                   hash     changed  refusals
-- :bell                     channel  changed  wakes whoever waits for a change
--
-- ARGV 3 order, 4 shop, 5 number, 6 epoch, 7 reasons. Answers "" or a reason code; releasing twice is no error.
local order, shop = ARGV[3], ARGV[4]
believe(order, shop, ARGV[5], ARGV[6], false)
if not owns(order, shop, ARGV[5], ARGV[6]) then return count('attempt.superseded') end
local state, job, stopping = get(order, 'state', 'job', 'stopping')
if state == 'released' or (state == 'cancelled' and stopping ~= '1') then return '' end
-- Silent since this board was set back: it is uncertain only whether it started, and that is told now.
if state == 'uncertain' and before_restoring(ARGV[6]) then state = 'accepted' end
if state == 'running' or state == 'uncertain' or state == 'cancelled' then return count('attempt.started') end
if state ~= 'accepted' then return count('attempt.superseded') end
redis.call('HSET', key('order', order), 'reasons', ARGV[7])
pass_over(job, shop, 'tried')
end_order(order, 'released')
return ''
