-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Ends what has run out: offers without an answer, leases of silent shops. After the start a silent shop's lot becomes uncertain and
-- stays where it is: a machine may be running.
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
-- :job:<id>:passed          hash     changed  that they did not answer
-- :order:<id>               hash     changed  the order's state
-- :order:<id>:asked         hash     changed  who is asked
-- :deadlines                zset     changed  what has run out
-- :epoch                    string   read     whether the board was set back since an offer was made or taken
-- :restored                 hash     changed  when that was
-- :bell                     channel  changed  wakes whoever waits for a change
--
-- ARGV 3 at most this many, 4 reasons for "released", 5 reasons for "uncertain". Answers how many ended.
--
-- After the board was set back (restored from a backup), shops may have taken since what is only offered here, and begun what is only
-- accepted: offers stand a while longer, so that they can say so, and what was accepted is uncertain.
local AFTER_RESTORING = 15 * 60 * 1000
local stand_until = (restored_at() or 0) + AFTER_RESTORING
local late = redis.call('ZRANGEBYSCORE', key('deadlines'), '-inf', NOW, 'LIMIT', 0, tonumber(ARGV[3]))
for _, order in ipairs(late) do
  local state, job, shop, epoch, fence = get(order, 'state', 'job', 'shop', 'epoch', 'fence')
  if state == 'offered' and before_restoring(fence) and NOW < stand_until then
    set_deadline(order, stand_until)
  elseif state == 'offered' then
    for _, one in ipairs(asked_of(order)) do pass_over(job, one.shop, 'unanswered') end
    end_order(order, 'expired')
  elseif state == 'accepted' and not before_restoring(epoch) then
    redis.call('HSET', key('order', order), 'reasons', ARGV[4])
    pass_over(job, shop, 'unanswered')
    end_order(order, 'released')
  elseif state == 'running' or state == 'accepted' then
    redis.call('HSET', key('order', order), 'state', 'uncertain', 'reasons', ARGV[5])
    clear_deadline(order)
    job_changed(job)
  else
    redis.call('ZREM', key('deadlines'), order)
  end
end
return #late
