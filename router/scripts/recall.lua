-- SPDX-License-Identifier: AGPL-3.0-or-later
-- A revision was recalled. From now on no job of it is taken; jobs that are there are held for good; what was only offered or accepted
-- ends; what runs, or may be running, is asked to stop and may still report. Every shop that made it or took work of it has to hear of it.
--
-- key                       kind     use      what for
-- :sequence                 string   changed  counts the change of a shop, so that plans made before it are out of date
-- :began                    string   changed  where :sequence began, if this is the board's first change
-- :changed                  zset     changed  the shops that are no longer as they were planned with
-- :shop:<id>                hash     changed  its version, so that it is told
-- :shop:<id>:orders         set      changed  what it is asked about or holds
-- :shop:<id>:recalls        hash     changed  what its agent has to hear
-- :open                     zset     changed  nothing of the jobs can be offered
-- :placed                   hash     changed  what the requesters have lying with shops
-- :job:<id>                 hash     changed  held, and why
-- :job:<id>:orders          list     changed  what has to end or to stop
-- :job:<id>:passed          hash     changed  whom not to ask again; forgotten with the job
-- :order:<id>               hash     changed  ended, or stopping
-- :order:<id>:asked         hash     changed  who is asked
-- :revision:<digest>        set      changed  its jobs; each is taken out when it is held
-- :recalls                  hash     changed  that it was recalled
-- :recall:<digest>:told     set      changed  whom it concerns
-- :deadlines                zset     changed  when an order's offer or lease ends
-- :bell                     channel  changed  wakes whoever waits for a change
--
-- ARGV 3 revision, 4 recall, 5 reasons for an order, 6 at most this many jobs, 7 notice for a shop that is not named here, then shop and
--      notice of each that made it by the ledger
-- Answers how many jobs are still to be held: call again until there are none. Doing it again changes nothing.
local revision, recall, reasons = ARGV[3], ARGV[4], ARGV[5]

local function tell(shop, notice)
  if redis.call('SADD', key('recall', revision, 'told'), shop) == 0 then return end
  redis.call('HSET', key('shop', shop, 'recalls'), revision, notice)
  -- One that this board never heard is told when it first calls.
  if redis.call('HEXISTS', key('shop', shop), 'descriptor') == 1 then shop_changed(shop) end
end

local function stop(order)
  local state, shop, number = get(order, 'state', 'shop', 'number')
  if not state then return end
  if tonumber(number) > 0 then tell(shop, ARGV[7]) end -- it was accepted once, so it lies there or has been made
  if state == 'offered' or state == 'accepted' then
    redis.call('HSET', key('order', order), 'reasons', reasons)
    end_order(order, 'cancelled')
  elseif state == 'running' or state == 'uncertain' then
    redis.call('HSET', key('order', order), 'stopping', '1', 'reasons', reasons)
    shop_changed(shop)
  end
end

local function hold(job)
  local state = get_job(job, 'state')
  if not state then return end -- forgotten long ago; whoever made it stands in the ledger
  redis.call('HSET', key('job', job), 'recall', recall)
  if state ~= 'done' and state ~= 'cancelled' then redis.call('HSET', key('job', job), 'state', 'held') end
  index_open(job)
  for _, order in ipairs(redis.call('LRANGE', key('job', job, 'orders'), 0, -1)) do stop(order) end
  job_changed(job)
end

redis.call('HSETNX', key('recalls'), revision, recall)
for i = 8, #ARGV, 2 do tell(ARGV[i], ARGV[i + 1]) end
for _ = 1, tonumber(ARGV[6]) do
  local job = redis.call('SPOP', key('revision', revision))
  if not job then break end
  hold(job)
end
return redis.call('SCARD', key('revision', revision))
