-- SPDX-License-Identifier: AGPL-3.0-or-later
-- What every script of the board shares; board_scripts.py puts this text before each of them.
--
-- KEYS[1] is the board's prefix, "cf:{<neighbourhood>}:board": its hash tag keeps all keys of one neighbourhood on one cluster node.
-- ARGV[1] is the time in milliseconds, or "0" for Redis's own clock, which is the one clock of all routers that share it.
-- ARGV[2] is how long ended jobs are kept, in milliseconds.
-- The head of each script names the keys that it touches, its own and those of the functions here that it calls.
--
-- key (behind the prefix)   kind     holds
-- :sequence                 string   counts changes of what plans depend on; begins at the time of the board's first change, ms
-- :began                    string   where :sequence began: a reader that stands before it has read another board
-- :changed                  zset     shop id -> sequence of its last change
-- :shops                    zset     shop id -> when it was last heard, ms
-- :shop:<id>                hash     descriptor, described (sequence), key, run, replaced (runs), version, closed (""|1), had (minutes), had_at (ms)
-- :shop:<id>:orders         set      its work orders that have not ended, and those about which it is asked
-- :shop:<id>:recalls        hash     revision -> notice of its recall, until the shop's agent says that it has seen it
-- :shop:<id>:pace           hash     machine -> reported through estimated time of its last works, newest first
-- :shop:<id>:proven         hash     process -> good pieces that it reported
-- :jobs                     zset     job id -> when it was requested, ms
-- :jobs:<requester>         zset     the same, of one requester
-- :open                     zset     jobs of which something can be offered -> their turn, see turn_of
-- :placed                   hash     requester -> machine time of its live orders, ms
-- :job:<id>                 hash     requester, request, specification, questions, quantity, unplaced, requested (ms), needed (""|ms),
--                                    urgency, version, live (orders that have not ended), state (held|waits|open|done|cancelled),
--                                    first (""|wanted|made|approved: the first article), product (""|its product's job),
--                                    parts (a product's part jobs, parted by spaces), parts_left, needs_work (1|0), each (machine time for one piece, ms),
--                                    answered (the questions that were confirmed), recall (absent, or the recall of its revision; then it is never open)
-- :job:<id>:orders          list     its work orders, oldest first
-- :job:<id>:passed          hash     shop id -> declined|tried|unanswered: whom not to ask (first) again
-- :order:<id>               hash     job, shop, machine, quantity, state, number, epoch, good, scrap, offer, minutes, reasons, deadline,
--                                    stopping (0|1), standby, weight (ms that count in :placed), accepted (ms), fence (the last one given
--                                    when it was offered). While it is offered, shop,
--                                    machine, minutes and offer are those of the best placed shop.
-- :order:<id>:asked         hash     shop id -> packed {rank, machine, minutes, offer}; "" once it is asked no more. Gone when one accepts.
-- :revision:<digest>        set      its jobs, until it is recalled
-- :recalls                  hash     revision -> its recall: no job of it is taken
-- :recall:<digest>:told     set      the shops that were told of the recall, or whose agents still have to hear it
-- :deadlines                zset     work order -> when its offer or lease ends, ms
-- :epoch                    string   the last fence number given
-- :restored                 hash     times (how often this board was set back), at (when the last time was noticed, ms)
-- :once:<requester>:<key>   string   the job that an idempotency key made
-- :done                     stream   ended attempts on their way to the ledger: order, number, epoch, signed
-- :counts                   hash     reason code -> reports refused for it
-- :bell                     channel  ids of shops and jobs that changed; "open" when there may be something to plan

local PREFIX = KEYS[1]
local KEEP = tonumber(ARGV[2])
local HOUR = 3600 * 1000

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

-- The newest run of an agent is heard. One that spoke after another had taken its place would be a second agent of the same shop.
local RUNS_REMEMBERED = 20

local function is_replaced(replaced, run)
  return run ~= '' and string.find(' ' .. (replaced or '') .. ' ', ' ' .. run .. ' ', 1, true) ~= nil
end

local function replace_run(shop, replaced, run)
  local kept = {run}
  for one in string.gmatch(replaced or '', '%S+') do
    if #kept < RUNS_REMEMBERED then kept[#kept + 1] = one end
  end
  redis.call('HSET', key('shop', shop), 'replaced', table.concat(kept, ' '))
end

local function count(code)
  redis.call('HINCRBY', key('counts'), code, 1)
  return code
end

-- Something that a plan depends on is no longer as it was. Answers the sequence of the change.
local function shop_moved(shop)
  local sequence = redis.call('INCR', key('sequence'))
  if sequence == 1 then
    sequence = NOW
    redis.call('SET', key('sequence'), sequence)
    redis.call('SET', key('began'), sequence)
  end
  redis.call('ZADD', key('changed'), sequence, shop)
  return sequence
end

-- The same, and the shop itself must be told.
local function shop_changed(shop)
  redis.call('HINCRBY', key('shop', shop), 'version', 1)
  shop_moved(shop)
  ring(shop)
end

local function job_changed(job)
  redis.call('HINCRBY', key('job', job), 'version', 1)
  ring(job)
end

local function get(order, ...)
  return unpack(redis.call('HMGET', key('order', order), ...))
end

local function get_job(job, ...)
  return unpack(redis.call('HMGET', key('job', job), ...))
end

-- Every write waits for the disk, so a deadline or a last call that moves by less than this is left as it is.
local SMALL_STEP = 1000

local function set_deadline(order, when)
  redis.call('HSET', key('order', order), 'deadline', when)
  redis.call('ZADD', key('deadlines'), when, order)
end

local function clear_deadline(order)
  redis.call('HDEL', key('order', order), 'deadline')
  redis.call('ZREM', key('deadlines'), order)
end

-- "declined" and "tried" are for good; "unanswered" only says whom to ask last, and never takes their place.
local function pass_over(job, shop, why)
  if why == 'unanswered' then
    redis.call('HSETNX', key('job', job, 'passed'), shop, why)
  else
    redis.call('HSET', key('job', job, 'passed'), shop, why)
  end
end

-- Counts a live order for its requester with so many machine minutes. Whole milliseconds, so that sums come back to nothing exactly.
local function weigh(order, minutes)
  local job, before = get(order, 'job', 'weight')
  local weight = math.floor(tonumber(minutes) * 60000 + 0.5)
  local more = weight - tonumber(before or 0)
  if more == 0 then return end
  local requester = get_job(job, 'requester')
  redis.call('HSET', key('order', order), 'weight', weight)
  if redis.call('HINCRBY', key('placed'), requester, more) <= 0 then redis.call('HDEL', key('placed'), requester) end
end

-- What a shop was given counts half after this long, so that who had much in spring is not last in autumn.
local HAD_HALF_LIFE = 14 * 24 * HOUR

local function faded(minutes, since)
  return tonumber(minutes) * math.exp(-math.log(2) * (NOW - tonumber(since)) / HAD_HALF_LIFE)
end

-- Adds minutes to what a shop was given, or takes back (below 0) what it was given at `since` and did not begin.
local function add_to_had(shop, minutes, since)
  local had, had_at = unpack(redis.call('HMGET', key('shop', shop), 'had', 'had_at'))
  local now_had = math.max(0, faded(had or 0, had_at or NOW) + faded(minutes, since))
  redis.call('HSET', key('shop', shop), 'had', string.format('%.6f', now_had), 'had_at', NOW)
end

-- Who is still asked about an offered order, best placed first: {{rank, machine, minutes, offer, shop = id}, …}
local function asked_of(order)
  local flat = redis.call('HGETALL', key('order', order, 'asked'))
  local asked = {}
  for i = 1, #flat, 2 do
    if flat[i + 1] ~= '' then
      local one = cmsgpack.unpack(flat[i + 1])
      one.shop = flat[i]
      asked[#asked + 1] = one
    end
  end
  table.sort(asked, function(a, b) return a[1] < b[1] end)
  return asked
end

-- The order speaks of this one of its asked: the best placed while it is offered, the one that accepted afterwards.
local function lead_by(order, one)
  redis.call('HSET', key('order', order), 'shop', one.shop, 'machine', one[2], 'minutes', one[3], 'offer', one[4])
  weigh(order, one[3])
end

-- Priority with ageing. A job's turn is the moment of its request, moved: an urgent one counts as asked for a day earlier, one for
-- whenever it is convenient three days later. So no job waits for ever: after four days even the least urgent comes before whatever is
-- asked for then. The fine order, and fairness between requesters, is made of this by router/turns.py.
local URGENT_BONUS, CONVENIENT_MALUS = 24 * HOUR, 72 * HOUR

local function turn_of(requested, urgency)
  if urgency == 'urgent' then return tonumber(requested) - URGENT_BONUS end
  if urgency == 'when_convenient' then return tonumber(requested) + CONVENIENT_MALUS end
  return tonumber(requested)
end

-- Whether `pieces` of a job may be offered now. Of a first article one piece goes out alone, and nothing more until it is approved.
local function may_offer(pieces, state, unplaced, first, live)
  if state ~= 'open' or tonumber(unplaced) < pieces or first == 'made' then return false end
  return first ~= 'wanted' or (pieces == 1 and tonumber(live) == 0)
end

-- Puts a job among the open ones, or takes it out, as it stands now. Answers whether something of it can be offered.
local function index_open(job)
  local requested, urgency, state, unplaced, first, live = get_job(job, 'requested', 'urgency', 'state', 'unplaced', 'first', 'live')
  local offerable = may_offer(1, state, unplaced, first, live)
  if offerable then
    redis.call('ZADD', key('open'), turn_of(requested, urgency), job)
  else
    redis.call('ZREM', key('open'), job)
  end
  return offerable
end

local function open_up(job)
  if index_open(job) then ring('open') end
end

local function forget_later(job)
  for _, order in ipairs(redis.call('LRANGE', key('job', job, 'orders'), 0, -1)) do redis.call('PEXPIRE', key('order', order), KEEP) end
  redis.call('PEXPIRE', key('job', job), KEEP)
  redis.call('PEXPIRE', key('job', job, 'orders'), KEEP)
  redis.call('PEXPIRE', key('job', job, 'passed'), KEEP)
end

-- A product and its parts are forgotten together, when the product has ended.
local function forget_when_over(job, product, parts)
  local product_state = product ~= '' and get_job(product, 'state')
  if product_state and product_state ~= 'done' and product_state ~= 'cancelled' then return end
  forget_later(job)
  for part in string.gmatch(parts, '%S+') do
    local state, live = get_job(part, 'state', 'live')
    if (state == 'done' or state == 'cancelled') and tonumber(live) == 0 then forget_later(part) end
  end
end

local end_job_if_over

-- All parts of a product are there: what is left is to put it together, or nothing.
local function all_parts_there(product)
  local needs_work, quantity = get_job(product, 'needs_work', 'quantity')
  redis.call('HSET', key('job', product), 'state', 'open', 'unplaced', needs_work == '1' and quantity or 0)
  open_up(product)
  end_job_if_over(product)
end

local function part_done(product)
  local left = redis.call('HINCRBY', key('job', product), 'parts_left', -1)
  local state, recall, needs_work = get_job(product, 'state', 'recall', 'needs_work')
  -- One that a recall holds is done with its parts where that is all there is to it; put together it is no more.
  if left == 0 and (state == 'waits' or (state == 'held' and recall and needs_work == '0')) then all_parts_there(product) end
  job_changed(product)
end

-- A job ends when nothing of it is unplaced and no shop holds any of it; one that a recall holds, too, where its last piece was made
-- while its shop was told to stop.
function end_job_if_over(job)
  local state, unplaced, live, product, parts, recall = get_job(job, 'state', 'unplaced', 'live', 'product', 'parts', 'recall')
  if tonumber(live) > 0 or tonumber(unplaced) > 0 then return end
  local going = state == 'open' or (state == 'held' and recall)
  if not going and state ~= 'cancelled' then return end
  if going then
    redis.call('HSET', key('job', job), 'state', 'done')
    if product ~= '' then part_done(product) end
  end
  forget_when_over(job, product, parts)
end

-- The pieces of an ended order that were not made go back to the job, to be planned anew.
local function give_back(job, pieces, good)
  local state, first = get_job(job, 'state', 'first')
  redis.call('HINCRBY', key('job', job), 'live', -1)
  if first == 'wanted' and good > 0 then redis.call('HSET', key('job', job), 'first', 'made') end
  if state ~= 'open' and state ~= 'held' then return end -- only what was recalled is held with orders
  if pieces > 0 then redis.call('HINCRBY', key('job', job), 'unplaced', pieces) end
  if pieces > 0 or first ~= '' then open_up(job) end
end

-- Nobody is asked about the order any more, but perhaps `but`.
local function ask_no_more(order, but)
  for _, one in ipairs(asked_of(order)) do
    if one.shop ~= but then
      redis.call('SREM', key('shop', one.shop, 'orders'), order)
      shop_changed(one.shop)
    end
  end
  redis.call('DEL', key('order', order, 'asked'))
end

-- A work order ends as `state`.
local function end_order(order, state)
  local job, shop, quantity, good, was, minutes, accepted =
    get(order, 'job', 'shop', 'quantity', 'good', 'state', 'minutes', 'accepted')
  if was == 'offered' then
    ask_no_more(order)
  else
    redis.call('SREM', key('shop', shop, 'orders'), order)
    if was == 'accepted' then add_to_had(shop, -tonumber(minutes), accepted) end
    shop_changed(shop)
  end
  redis.call('HSET', key('order', order), 'state', state, 'stopping', '0')
  clear_deadline(order)
  weigh(order, 0)
  give_back(job, tonumber(quantity) - tonumber(good), tonumber(good))
  end_job_if_over(job)
  job_changed(job)
end

-- One shop is asked no more; when it was the last, the order ends as `state`, because of `reasons`.
local function leave_asked(order, shop, state, reasons)
  redis.call('HSET', key('order', order, 'asked'), shop, '')
  redis.call('SREM', key('shop', shop, 'orders'), order)
  shop_changed(shop)
  local best = asked_of(order)[1]
  if not best then
    redis.call('HSET', key('order', order), 'reasons', reasons)
    return end_order(order, state)
  end
  local job, leader = get(order, 'job', 'shop')
  if leader == shop then lead_by(order, best) end
  job_changed(job)
end

-- A restored board leaves so many fences out (cli/backup/board.py): what has a fence from before them, or one that this board has yet to
-- give (Redis lost its last moments), may have been given by the board that was lost, and this one cannot know it.
local FENCES_LEFT_OUT, MOST_LOST = 1000000000, 10000

local function last_epoch()
  return tonumber(redis.call('GET', key('epoch')) or 0)
end

-- How often this board was set back.
local function times_restored()
  return math.floor(last_epoch() / FENCES_LEFT_OUT)
end

local function before_restoring(epoch)
  return math.floor(tonumber(epoch or 0) / FENCES_LEFT_OUT) < times_restored()
end

local function may_be_forgotten(epoch)
  local ahead = tonumber(epoch) - last_epoch()
  return tonumber(epoch) > 0 and ((ahead > 0 and ahead <= MOST_LOST) or before_restoring(epoch))
end

-- When it was noticed that this board was set back, ms; nil where it never was.
local function restored_at()
  local times = times_restored()
  if times == 0 then return nil end
  local known, at = unpack(redis.call('HMGET', key('restored'), 'times', 'at'))
  if tonumber(known or 0) == times then return tonumber(at) end
  redis.call('HSET', key('restored'), 'times', times, 'at', NOW)
  return NOW
end

-- An offer of before that time may have been accepted since. So nobody is given it, for a while, before all the others who were asked
-- have called and could say so.
local OTHERS_COME_FIRST = 5 * 60 * 1000

local function waits_for_others(order, shop)
  local fence = get(order, 'fence')
  if not before_restoring(fence) then return false end
  local at = restored_at()
  if NOW - at >= OTHERS_COME_FIRST then return false end
  for _, one in ipairs(asked_of(order)) do
    if one.shop ~= shop and tonumber(redis.call('ZSCORE', key('shops'), one.shop) or 0) <= at then return true end
  end
  return false
end

-- A shop holds the order from now on, under that attempt.
local function give_to(order, shop, packed, number, epoch)
  local taken = cmsgpack.unpack(packed)
  taken.shop = shop
  ask_no_more(order, shop)
  lead_by(order, taken)
  redis.call('HSET', key('order', order), 'state', 'accepted', 'number', number, 'epoch', epoch, 'accepted', NOW)
  add_to_had(shop, taken[3], NOW)
end

-- Pieces of a lot whose offer ended here may be with nobody, or only offered to others: then they are the lot's again.
local function takes_pieces_back(order)
  local job, quantity, minutes = get(order, 'job', 'quantity', 'minutes')
  local state, unplaced = get_job(job, 'state', 'unplaced')
  quantity = tonumber(quantity)
  if state ~= 'open' then return false end
  local orders, room = redis.call('LRANGE', key('job', job, 'orders'), 0, -1), tonumber(unplaced)
  for _, other in ipairs(orders) do
    local other_state, pieces = get(other, 'state', 'quantity')
    if other_state == 'offered' then room = room + tonumber(pieces) end
  end
  if room < quantity then return false end
  for _, other in ipairs(orders) do
    if tonumber(get_job(job, 'unplaced')) < quantity and get(other, 'state') == 'offered' then end_order(other, 'expired') end
  end
  redis.call('HINCRBY', key('job', job), 'unplaced', -quantity)
  redis.call('HINCRBY', key('job', job), 'live', 1)
  weigh(order, minutes)
  index_open(job)
  return true
end

-- A shop names an attempt that this board has forgotten, because it was set back to a moment before it was accepted. Where nobody else
-- was given the lot since, the shop is believed: what may be on its machine must not be made a second time elsewhere. `moves`: it says
-- that it was given leave to start.
local function believe(order, shop, number, epoch, moves)
  local state, holder, job, known = get(order, 'state', 'shop', 'job', 'number')
  if (state ~= 'offered' and state ~= 'expired') or tonumber(number) ~= tonumber(known) + 1 or not may_be_forgotten(epoch) then return end
  if state == 'offered' then
    local packed = redis.call('HGET', key('order', order, 'asked'), shop)
    if not packed or packed == '' then return end
    give_to(order, shop, packed, number, epoch)
  else
    if not moves or holder ~= shop or not takes_pieces_back(order) then return end
    redis.call('HSET', key('order', order), 'state', 'accepted', 'number', number, 'epoch', epoch, 'accepted', NOW, 'reasons', '')
    redis.call('SADD', key('shop', shop, 'orders'), order)
    add_to_had(shop, (get(order, 'minutes')), NOW)
  end
  if tonumber(epoch) > last_epoch() then redis.call('SET', key('epoch'), epoch) end
  shop_changed(shop)
  job_changed(job)
end

-- Why an attempt that does not own its order gets nothing: the order came after the moment to which this board was set back; whoever has
-- it was given it after that; or as ever.
local function not_owned(order, shop, epoch)
  local state, holder, number, job, quantity = get(order, 'state', 'shop', 'number', 'job', 'quantity')
  if not state then return may_be_forgotten(epoch) and 'attempt.forgotten' or 'order.unknown' end
  if not may_be_forgotten(epoch) then return 'attempt.superseded' end
  if holder ~= shop and tonumber(number) > 0 then return 'attempt.given_elsewhere' end
  local job_state, unplaced = get_job(job, 'state', 'unplaced')
  local gone = state == 'expired' and (job_state == 'done' or tonumber(unplaced or 0) < tonumber(quantity))
  return gone and 'attempt.given_elsewhere' or 'attempt.superseded'
end

-- Whether (order, number, epoch) is the attempt that owns the work order, and the shop is the one that holds it.
local function owns(order, shop, number, epoch)
  local holder, current_number, current_epoch = get(order, 'shop', 'number', 'epoch')
  return holder == shop and current_number == number and current_epoch == epoch
end
