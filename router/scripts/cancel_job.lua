-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Withdraws a job, and a product's parts with it. What has not started ends at once; what runs is asked to stop and may still report what
-- it made. A part is withdrawn only with its product, which could never be done without it.
--
-- key                       kind     use      what for
-- :sequence                 string   changed  counts the change of a shop, so that plans made before it are out of date
-- :began                    string   changed  where :sequence began, if this is the board's first change
-- :changed                  zset     changed  the shops that are no longer as they were planned with
-- :shop:<id>                hash     changed  its version, so that it is told
-- :shop:<id>:orders         set      changed  what it is asked about or holds
-- :open                     zset     changed  whether something of the job can be offered
-- :placed                   hash     changed  what the requester has lying with shops
-- :job:<id>                 hash     changed  its state, and the states of a product's parts
-- :job:<id>:orders          list     changed  what has to end or to stop
-- :job:<id>:passed          hash     changed  whom not to ask again; forgotten with the job
-- :order:<id>               hash     changed  ended, or stopping
-- :order:<id>:asked         hash     changed  who is asked
-- :deadlines                zset     changed  when the order's offer or lease ends
-- :bell                     channel  changed  wakes whoever waits for a change
--
-- ARGV 3 job. Answers "" or a reason code; cancelling twice is no error.
local function cancel(job)
  redis.call('HSET', key('job', job), 'state', 'cancelled', 'unplaced', 0)
  index_open(job)
  for _, order in ipairs(redis.call('LRANGE', key('job', job, 'orders'), 0, -1)) do
    local order_state, shop = get(order, 'state', 'shop')
    if order_state == 'offered' or order_state == 'accepted' then
      end_order(order, 'cancelled')
    elseif order_state == 'running' or order_state == 'uncertain' then
      redis.call('HSET', key('order', order), 'state', 'cancelled', 'stopping', '1')
      clear_deadline(order)
      weigh(order, 0)
      shop_changed(shop)
    end
  end
  end_job_if_over(job)
  job_changed(job)
end

local job = ARGV[3]
local state, product, parts = get_job(job, 'state', 'product', 'parts')
if not state then return 'job.unknown' end
if state == 'cancelled' then return '' end
if state == 'done' then return 'job.ended' end
if product ~= '' then return 'job.of_product' end
cancel(job)
for part in string.gmatch(parts, '%S+') do
  local part_state = get_job(part, 'state')
  if part_state and part_state ~= 'done' and part_state ~= 'cancelled' then cancel(part) end
end
return ''
