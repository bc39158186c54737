-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Proposes lots of some jobs, each to one or several shops, where the plan still fits the present: another router may have been faster.
--
-- key                       kind     use      what for
-- :sequence                 string   changed  counts the change of a shop, so that plans made before it are out of date
-- :began                    string   changed  where :sequence began, if this is the board's first change
-- :changed                  zset     changed  whether the plan still fits, and that the next may not
-- :shop:<id>                hash     changed  whether it is closed; its version
-- :shop:<id>:orders         set      changed  what it is asked about or holds
-- :open                     zset     changed  whether something of the job can be offered
-- :placed                   hash     changed  what the requester has lying with shops
-- :job:<id>                 hash     changed  its pieces without a shop
-- :job:<id>:orders          list     changed  the new orders
-- :job:<id>:passed          hash     read     whom not to ask
-- :order:<id>               hash     changed  the new orders
-- :order:<id>:asked         hash     changed  the shops, each with its offer
-- :deadlines                zset     changed  when the offers end
-- :epoch                    string   read     the last fence given
-- :bell                     channel  changed  wakes whoever waits for a change
--
-- ARGV 3 ms that the offers stand, then for each job: job, how many lots; and for each of them: order, quantity, standby shop or "", how
--      many are asked; and for each of them, best placed first: shop, machine, minutes in all, offer, the sequence that the plan saw of the shop,
--      "unanswered" where it may be asked again though it did not answer before, or ""
-- Answers {{1 for each lot that is offered, 0 for one that is out of date}, {shop, new sequence, …}}.
local stands = tonumber(ARGV[3])
local at_entry, touched = {}, {}

-- Several lots of one call may go to one shop, so the first must not make the second look late.
local function sequence_of(shop)
  if at_entry[shop] == nil then at_entry[shop] = tonumber(redis.call('ZSCORE', key('changed'), shop) or -1) end
  return at_entry[shop]
end

local function may_ask(job, shop, sequence, again)
  if sequence_of(shop) ~= tonumber(sequence) then return false end
  local passed = redis.call('HGET', key('job', job, 'passed'), shop)
  if passed and passed ~= again then return false end
  return redis.call('HGET', key('shop', shop), 'closed') == ''
end

local function place(job, order, quantity, standby, first, last)
  local state, unplaced, first_article, live = get_job(job, 'state', 'unplaced', 'first', 'live')
  if first > last or quantity < 1 or not may_offer(quantity, state or '', unplaced or 0, first_article, live) then return 0 end
  for i = first, last, 6 do
    if not may_ask(job, ARGV[i], ARGV[i + 4], ARGV[i + 5]) then return 0 end
  end
  redis.call('HSET', key('order', order), 'job', job, 'quantity', quantity, 'state', 'offered', 'number', 0, 'epoch', 0, 'good', 0,
    'scrap', 0, 'reasons', '', 'stopping', '0', 'standby', standby, 'weight', 0, 'fence', last_epoch())
  for i = first, last, 6 do
    local shop = ARGV[i]
    local packed = cmsgpack.pack({i, ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]})
    redis.call('HSETNX', key('order', order, 'asked'), shop, packed)
    redis.call('SADD', key('shop', shop, 'orders'), order)
    touched[shop] = true
  end
  lead_by(order, asked_of(order)[1])
  set_deadline(order, NOW + stands)
  redis.call('RPUSH', key('job', job, 'orders'), order)
  redis.call('HINCRBY', key('job', job), 'unplaced', -quantity)
  redis.call('HINCRBY', key('job', job), 'live', 1)
  return 1
end

local placed, i = {}, 4
while i <= #ARGV do
  local job, any = ARGV[i], false
  local lots = tonumber(ARGV[i + 1])
  i = i + 2
  for _ = 1, lots do
    local order, asked = ARGV[i], tonumber(ARGV[i + 3])
    if redis.call('EXISTS', key('order', order)) == 1 then
      placed[#placed + 1] = 1 -- this very call was carried out before, and its answer was lost
    else
      placed[#placed + 1] = place(job, order, tonumber(ARGV[i + 1]), ARGV[i + 2], i + 4, i + 3 + 6 * asked)
      any = any or placed[#placed] == 1
    end
    i = i + 4 + 6 * asked
  end
  if any then
    index_open(job)
    job_changed(job)
  end
end
local sequences = {}
for shop in pairs(touched) do
  shop_changed(shop)
  sequences[#sequences + 1] = shop
  sequences[#sequences + 1] = redis.call('ZSCORE', key('changed'), shop)
end
return {placed, sequences}
