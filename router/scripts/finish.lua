-- SPDX-License-Identifier: AGPL-3.0-or-later
-- An attempt ends with a signed report, which leaves the board for the ledger in this same step.
--
-- key                       kind     use      what for
-- :sequence                 string   changed  counts the change of a shop, so that plans made before it are out of date
-- :began                    string   changed  where :sequence began, if this is the board's first change
-- :changed                  zset     changed  the shops that are no longer as they were planned with
-- :shop:<id>                hash     changed  its version, so that it is told
-- :shop:<id>:orders         set      changed  what it is asked about or holds
-- :shop:<id>:pace           hash     changed  how fast its machines really are
-- :shop:<id>:proven         hash     changed  what it has made of each process
-- :open                     zset     changed  whether something of the job can be offered
-- :placed                   hash     changed  what the requester has lying with shops
-- :job:<id>                 hash     changed  its state, its pieces, its version
-- :job:<id>:orders          list     changed  its orders, to be forgotten with it
-- :job:<id>:passed          hash     changed  that it could not
-- :order:<id>               hash     changed  what was made; its end
-- :order:<id>:asked         hash     changed  who is asked
-- :deadlines                zset     changed  when the order's offer or lease ends
-- :done                     stream   changed  the report, on its way to the ledger
-- :epoch                    string   changed  the last fence given: whether the attempt may be from before the board was set back
-- :counts                   hash     changed  refusals
-- :bell                     channel  changed  wakes whoever waits for a change
--
-- ARGV 3 order, 4 shop, 5 number, 6 epoch, 7 "done" or "failed", 8 good, 9 scrap, 10 signed report, 11 reasons,
--      12 minutes that were estimated, 13 minutes that it took, each 0 where unknown, 14 process or "",
--      15 "1" where the shop says that it had leave to start, or ""
-- Answers "" or a reason code.
local order, shop, outcome, good, process = ARGV[3], ARGV[4], ARGV[7], tonumber(ARGV[8]), ARGV[14]
local REPORTS, LEAST, MOST = 15, 0.1, 10

-- One report that is far out says more about the report than about the machine, so it is cut; and old ones are forgotten.
local function note_pace(machine, estimated, took)
  if estimated <= 0 or took <= 0 then return end
  local kept = {string.format('%.4f', math.min(MOST, math.max(LEAST, took / estimated)))}
  for ratio in string.gmatch(redis.call('HGET', key('shop', shop, 'pace'), machine) or '', '%S+') do
    if #kept < REPORTS then kept[#kept + 1] = ratio end
  end
  redis.call('HSET', key('shop', shop, 'pace'), machine, table.concat(kept, ' '))
end

local had_leave = ARGV[15] == '1'
believe(order, shop, ARGV[5], ARGV[6], had_leave)
if not owns(order, shop, ARGV[5], ARGV[6]) then return count(not_owned(order, shop, ARGV[6])) end
local state, job, machine, quantity, stopping = get(order, 'state', 'job', 'machine', 'quantity', 'stopping')
if state == 'done' or state == 'failed' or (state == 'cancelled' and stopping ~= '1') then return count('attempt.reported') end
if good > tonumber(quantity) then return count('report.mismatch') end
if state == 'accepted' then
  if not had_leave then return count('attempt.not_started') end
  state = 'running' -- its start was lost with the board that gave the leave
  redis.call('HSET', key('order', order), 'state', state)
end
if state ~= 'running' and state ~= 'uncertain' and state ~= 'cancelled' then return count('attempt.superseded') end
redis.call('XADD', key('done'), '*', 'order', order, 'number', ARGV[5], 'epoch', ARGV[6], 'signed', ARGV[10])
redis.call('HSET', key('order', order), 'good', good, 'scrap', ARGV[9], 'reasons', ARGV[11])
note_pace(machine, tonumber(ARGV[12]), tonumber(ARGV[13]))
if good > 0 and process ~= '' then redis.call('HINCRBY', key('shop', shop, 'proven'), process, good) end
if outcome == 'failed' or good == 0 then pass_over(job, shop, 'tried') end
end_order(order, state == 'cancelled' and 'cancelled' or outcome)
return ''
