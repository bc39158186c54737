-- SPDX-License-Identifier: AGPL-3.0-or-later
-- What every script of the board shares; board.py puts this text before each of them.
--
-- KEYS[1] is the board's prefix, "cf:{<neighbourhood>}:board": its hash tag keeps all keys of one neighbourhood on one cluster node.
-- ARGV[1] is the time in milliseconds, or "0" for Redis's own clock, which is the one clock of all routers that share it.
-- ARGV[2] is how long ended jobs are kept, in milliseconds.
--
-- key (behind the prefix)   kind    holds
-- :shops                    zset    shop id -> when it was last heard, ms
-- :shop:<id>                hash    descriptor, key, run, version
-- :shop:<id>:orders         set     its work orders that have not ended
-- :jobs                     zset    job id -> when it was requested, ms
-- :jobs:<requester>         zset    the same, of one requester
-- :open                     zset    jobs with unplaced pieces -> when they were requested, ms
-- :job:<id>                 hash    requester, request, specification, questions, state (held|open|done|cancelled),
--                                   quantity, unplaced, requested, version
-- :job:<id>:orders          list    its work orders, oldest first
-- :job:<id>:passed          hash    shop id -> declined|tried|unanswered: whom not to ask (first) again
-- :order:<id>               hash    job, shop, machine, quantity, state, number, epoch, good, scrap, offer, minutes, reasons, deadline,
--                                   stopping
-- :deadlines                zset    work order -> when its offer or lease ends, ms
-- :epoch                    string  the last fence number given
-- :once:<requester>:<key>   string  the job that an idempotency key made
-- :done                     stream  ended attempts on their way to the ledger: order, number, epoch, signed
-- :counts                   hash    reason code -> reports refused for it
-- :bell                     channel ids of shops and jobs that changed; "open" when there may be something to plan

local PREFIX = KEYS[1]
local KEEP = tonumber(ARGV[2])

local function now_ms()
  local given = tonumber(ARGV[1])
  if given > 0 then return given end
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local NOW = now_ms()

local function key(...)
  return PREFIX .. ':' .. table.concat({...}, ':')
end

local function ring(name)
  redis.call('PUBLISH', key('bell'), name)
end

local function shop_changed(shop)
  redis.call('HINCRBY', key('shop', shop), 'version', 1)
  ring(shop)
end

local function job_changed(job)
  redis.call('HINCRBY', key('job', job), 'version', 1)
  ring(job)
end

local function get(order, ...)
  return unpack(redis.call('HMGET', key('order', order), ...))
end

local function count(code)
  redis.call('HINCRBY', key('counts'), code, 1)
  return code
end

-- Every write waits for the disk, so a deadline or a last call that moves by less than this is left as it is.
local SMALL_STEP = 1000

local function set_deadline(order, when)
  redis.call('HSET', key('order', order), 'deadline', when)
  redis.call('ZADD', key('deadlines'), when, order)
end

-- A job ends when nothing of it is unplaced and no shop holds any of it.
local function end_job_if_over(job)
  local state, unplaced = unpack(redis.call('HMGET', key('job', job), 'state', 'unplaced'))
  local live = false
  local orders = redis.call('LRANGE', key('job', job, 'orders'), 0, -1)
  for _, order in ipairs(orders) do
    local order_state, stopping = get(order, 'state', 'stopping')
    if order_state == 'offered' or order_state == 'accepted' or order_state == 'running' or order_state == 'uncertain'
      or stopping == '1' then live = true end
  end
  if live or tonumber(unplaced) > 0 or state == 'held' then return end
  if state == 'open' then redis.call('HSET', key('job', job), 'state', 'done') end
  for _, name in ipairs({key('job', job), key('job', job, 'orders'), key('job', job, 'passed')}) do
    redis.call('PEXPIRE', name, KEEP)
  end
  for _, order in ipairs(orders) do redis.call('PEXPIRE', key('order', order), KEEP) end
end

-- Give `pieces` back to the job, to be planned anew.
local function unplace(job, pieces)
  local state, requested = unpack(redis.call('HMGET', key('job', job), 'state', 'requested'))
  if state == 'open' and pieces > 0 then
    redis.call('HINCRBY', key('job', job), 'unplaced', pieces)
    redis.call('ZADD', key('open'), requested, job)
    ring('open')
  end
end

-- A work order ends as `state`; the pieces that were not made go back to the job.
local function end_order(order, state)
  local job, shop, quantity, good = get(order, 'job', 'shop', 'quantity', 'good')
  redis.call('HSET', key('order', order), 'state', state, 'stopping', '0')
  redis.call('HDEL', key('order', order), 'deadline')
  redis.call('ZREM', key('deadlines'), order)
  redis.call('SREM', key('shop', shop, 'orders'), order)
  unplace(job, tonumber(quantity) - tonumber(good))
  end_job_if_over(job)
  shop_changed(shop)
  job_changed(job)
end

local function pass_over(order, why)
  local job, shop = get(order, 'job', 'shop')
  redis.call('HSET', key('job', job, 'passed'), shop, why)
end

-- Whether (order, number, epoch) is the attempt that owns the work order, and the shop is the one that holds it.
local function owns(order, shop, number, epoch)
  local holder, current_number, current_epoch = get(order, 'shop', 'number', 'epoch')
  return holder == shop and current_number == number and current_epoch == epoch
end
