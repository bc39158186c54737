-- SPDX-License-Identifier: AGPL-3.0-or-later
-- A shop says what it is and which attempts it holds.
-- Touches :shops :shop:<id> :order:<id> :deadlines :counts :job:<id> :bell
-- ARGV 3 shop, 4 descriptor, 5 public key in hexadecimal, 6 agent run, 7 lease in ms, then six values for each attempt:
--      order, number, epoch, phase ("preparing" or "running"), good, scrap
-- Answers {"" or a reason code, then for each attempt "go_on", "stop" or "drop"}.
local shop = ARGV[3]
local LONG_SILENCE = 2 * tonumber(ARGV[7])
local known_key, known, known_run = unpack(redis.call('HMGET', key('shop', shop), 'key', 'descriptor', 'run'))
if known_key and known_key ~= ARGV[5] then return {count('shop.key_changed')} end
if known ~= ARGV[4] or known_run ~= ARGV[6] then
  redis.call('HSET', key('shop', shop), 'key', ARGV[5], 'descriptor', ARGV[4], 'run', ARGV[6])
  redis.call('HSETNX', key('shop', shop), 'version', 1)
  ring('open')
end
local heard_before = tonumber(redis.call('ZSCORE', key('shops'), shop) or 0)
if NOW - heard_before > LONG_SILENCE then ring('open') end
if NOW - heard_before >= SMALL_STEP then redis.call('ZADD', key('shops'), NOW, shop) end

local wishes = {}
for i = 8, #ARGV, 6 do
  local order, number, epoch, phase, good, scrap = unpack(ARGV, i, i + 5)
  local wish = 'drop'
  if owns(order, shop, number, epoch) then
    local state, stopping, known_good, quantity, job, deadline =
      get(order, 'state', 'stopping', 'good', 'quantity', 'job', 'deadline')
    if state == 'cancelled' and (stopping == '1' or phase == 'preparing') then wish = 'stop' end
    if state == 'accepted' or state == 'running' or state == 'uncertain' then
      wish = 'go_on'
      local lease_ends = NOW + tonumber(ARGV[7])
      if lease_ends - tonumber(deadline or 0) >= SMALL_STEP then set_deadline(order, lease_ends) end
      -- A machine that says it moves is believed, whatever the board thought.
      local changed = false
      if state == 'uncertain' or (state == 'accepted' and phase == 'running') then
        redis.call('HSET', key('order', order), 'state', 'running', 'reasons', '')
        changed = true
      end
      if tonumber(good) > tonumber(known_good) and tonumber(good) <= tonumber(quantity) then
        redis.call('HSET', key('order', order), 'good', good, 'scrap', scrap)
        changed = true
      end
      if changed then job_changed(job) end
    end
  end
  wishes[#wishes + 1] = wish
end
return {'', unpack(wishes)}
