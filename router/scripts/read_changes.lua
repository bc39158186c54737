-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Reads the shops that changed after a sequence, and when shops were last heard, at one moment.
--
-- key                       kind     use      what for
-- :sequence                 string   read     how far the reader is now
-- :began                    string   read     whether it has read another board before
-- :changed                  zset     read     which shops to read
-- :shops                    zset     read     when shops were heard
-- :shop:<id>                hash     read     descriptor, what it was given
-- :shop:<id>:orders         set      read     the work that lies with it
-- :shop:<id>:pace           hash     read     how fast its machines really are
-- :shop:<id>:proven         hash     read     what it has made of each process
-- :order:<id>               hash     read     how much of that work is left
-- :order:<id>:asked         hash     read     how much work it is asked for
--
-- ARGV 3 sequence, 4 the moment (ms) since which shops were heard, 5 at most this many of each
-- Answers {now, sequence, 1 where the reader has read another board and begins anew, {row, …}, {shop, last heard, …}}. A row is {shop,
-- sequence, last heard, descriptor, had minutes, {machine, paces, …}, {process, pieces, …}, {machine, minutes left, …}}.
local since, at_most = tonumber(ARGV[3]), tonumber(ARGV[5])
local sequence, began = tonumber(redis.call('GET', key('sequence')) or 0), tonumber(redis.call('GET', key('began')) or 0)
local restarted = since > sequence or (since > 0 and since < began)
if restarted then since = 0 end

local function work_of(shop)
  local work = {}
  for _, order in ipairs(redis.call('SMEMBERS', key('shop', shop, 'orders'))) do
    local machine, minutes, quantity, good, state = get(order, 'machine', 'minutes', 'quantity', 'good', 'state')
    if state == 'offered' then
      local mine = cmsgpack.unpack(redis.call('HGET', key('order', order, 'asked'), shop))
      machine, minutes = mine[2], mine[3]
    end
    work[#work + 1] = machine
    work[#work + 1] = tostring(tonumber(minutes) * (tonumber(quantity) - tonumber(good)) / tonumber(quantity))
  end
  return work
end

local rows = {}
local changed = redis.call('ZRANGEBYSCORE', key('changed'), '(' .. since, '+inf', 'WITHSCORES', 'LIMIT', 0, at_most)
for i = 1, #changed, 2 do
  local shop = changed[i]
  local descriptor, had, had_at = unpack(redis.call('HMGET', key('shop', shop), 'descriptor', 'had', 'had_at'))
  local heard = redis.call('ZSCORE', key('shops'), shop)
  rows[#rows + 1] = {shop, changed[i + 1], heard, descriptor, tostring(faded(had or 0, had_at or NOW)),
    redis.call('HGETALL', key('shop', shop, 'pace')), redis.call('HGETALL', key('shop', shop, 'proven')), work_of(shop)}
end
local heard = redis.call('ZRANGEBYSCORE', key('shops'), ARGV[4], '+inf', 'WITHSCORES', 'LIMIT', 0, at_most)
return {NOW, sequence, restarted and 1 or 0, rows, heard}
