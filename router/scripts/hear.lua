-- SPDX-License-Identifier: AGPL-3.0-or-later
-- A shop says what it is and which attempts it holds. Offers that stand with a shop that is closed, or with a machine that is out of
-- service, are withdrawn; that does not count against it. What it accepted goes on.
--
-- key                       kind     use      what for
-- :sequence                 string   changed  counts the change of a shop, so that plans made before it are out of date
-- :began                    string   changed  where :sequence began, if this is the board's first change
-- :changed                  zset     changed  the shops that are no longer as they were planned with
-- :shops                    zset     changed  that it was heard
-- :shop:<id>                hash     changed  what it says it is
-- :shop:<id>:orders         set      changed  offers that it can no longer take
-- :open                     zset     changed  whether something of the job can be offered
-- :placed                   hash     changed  what the requester has lying with shops
-- :job:<id>                 hash     changed  its state, its pieces, its version
-- :job:<id>:orders          list     changed  its orders, to be forgotten with it
-- :job:<id>:passed          hash     changed  whom not to ask again; forgotten with the job
-- :order:<id>               hash     changed  how far its attempts are; offers that end
-- :order:<id>:asked         hash     changed  it is asked no more, where it takes nothing
-- :deadlines                zset     changed  leases that are renewed
-- :epoch                    string   changed  the last fence given: whether an attempt may be from before the board was set back
-- :restored                 hash     changed  when it is noticed that the board was set back
-- :counts                   hash     changed  refusals
-- :bell                     channel  changed  wakes whoever waits for a change
--
-- ARGV 3 shop, 4 descriptor, 5 public key in hexadecimal, 6 agent run, 7 lease in ms, 8 "1" where it is closed or "",
--      9 reasons of an offer that is withdrawn, 10 how many machines are out of service, then their ids, then six values for each
--      attempt: order, number, epoch, phase ("preparing" or "running"), good, scrap
-- Answers {"" or a reason code, then for each attempt "go_on", "stop" (the job is cancelled),
-- "withdrawn" (only this lot), "recalled" (the revision was recalled), "drop", or a "drop" because this board was set back: "forgotten"
-- (it does not know the order) or "elsewhere" (somebody else was given it since)}.
local shop = ARGV[3]
local UNOWNED = {['attempt.forgotten'] = 'forgotten', ['attempt.given_elsewhere'] = 'elsewhere'}
local LONG_SILENCE = 2 * tonumber(ARGV[7])
local FIRST_ATTEMPT = 11 + tonumber(ARGV[10])

local function withdraw_offers()
  local out = {}
  for i = 11, FIRST_ATTEMPT - 1 do out[ARGV[i]] = true end
  if ARGV[8] == '' and not next(out) then return end
  for _, order in ipairs(redis.call('SMEMBERS', key('shop', shop, 'orders'))) do
    local packed = redis.call('HGET', key('order', order, 'asked'), shop)
    if packed and packed ~= '' and (ARGV[8] ~= '' or out[cmsgpack.unpack(packed)[2]]) then
      leave_asked(order, shop, 'expired', ARGV[9])
    end
  end
end

local function wish_for(order, number, epoch, phase, good, scrap)
  believe(order, shop, number, epoch, phase == 'running')
  if not owns(order, shop, number, epoch) then return UNOWNED[not_owned(order, shop, epoch)] or 'drop' end
  local state, stopping, known_good, quantity, job, deadline = get(order, 'state', 'stopping', 'good', 'quantity', 'job', 'deadline')
  local recalled = get_job(job, 'recall')
  if state == 'cancelled' then
    if stopping ~= '1' and phase ~= 'preparing' then return 'drop' end
    return recalled and 'recalled' or 'stop'
  end
  if state ~= 'accepted' and state ~= 'running' and state ~= 'uncertain' then return 'drop' end
  local lease_ends = NOW + tonumber(ARGV[7])
  if lease_ends - tonumber(deadline or 0) >= SMALL_STEP then set_deadline(order, lease_ends) end
  -- A machine that says it moves is believed, whatever the board thought.
  local moves = state == 'uncertain' or (state == 'accepted' and phase == 'running')
  -- Of what was only accepted when this board was set back it was uncertain whether it had started since; its shop knows.
  local stands = (state == 'uncertain' and phase == 'preparing' and before_restoring(epoch)) and 'accepted' or 'running'
  if moves then redis.call('HSET', key('order', order), 'state', stands, 'reasons', '') end
  local more = tonumber(good) > tonumber(known_good) and tonumber(good) <= tonumber(quantity)
  if more then
    redis.call('HSET', key('order', order), 'good', good, 'scrap', scrap)
    shop_moved(shop)
  end
  if moves or more then job_changed(job) end
  if stopping ~= '1' then return 'go_on' end
  return recalled and 'recalled' or 'withdrawn'
end

local known_key, known, known_run, replaced = unpack(redis.call('HMGET', key('shop', shop), 'key', 'descriptor', 'run', 'replaced'))
if known_key and known_key ~= ARGV[5] then return {count('shop.key_changed')} end
if is_replaced(replaced, ARGV[6]) then return {count('shop.replaced')} end
if known_run and known_run ~= '' and known_run ~= ARGV[6] then replace_run(shop, replaced, known_run) end
if known ~= ARGV[4] then
  redis.call('HSET', key('shop', shop), 'key', ARGV[5], 'descriptor', ARGV[4], 'run', ARGV[6], 'closed', ARGV[8],
    'described', shop_moved(shop))
  redis.call('HSETNX', key('shop', shop), 'version', 1)
  withdraw_offers()
  ring('open')
elseif known_run ~= ARGV[6] then
  redis.call('HSET', key('shop', shop), 'run', ARGV[6])
end
restored_at() -- who calls from now on has called since
local heard_before = tonumber(redis.call('ZSCORE', key('shops'), shop) or 0)
if NOW - heard_before > LONG_SILENCE then ring('open') end
if NOW - heard_before >= SMALL_STEP then redis.call('ZADD', key('shops'), NOW, shop) end

local answer = {''}
for i = FIRST_ATTEMPT, #ARGV, 6 do answer[#answer + 1] = wish_for(unpack(ARGV, i, i + 5)) end
return answer
