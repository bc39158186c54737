-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Takes the rest of an uncertain work order from the shop that fell silent. Its later reports are refused.
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
-- :bell                     channel  changed  wakes whoever waits for a change
--
-- ARGV 3 order. Answers "" or a reason code.
local order = ARGV[3]
local state, job, shop = get(order, 'state', 'job', 'shop')
if state ~= 'uncertain' then return 'order.not_uncertain' end
if get_job(job, 'recall') then return 'order.recalled' end -- its shop must still hear that it has to stop
pass_over(job, shop, 'tried')
end_order(order, 'superseded')
return ''
