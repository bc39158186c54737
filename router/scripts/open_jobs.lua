-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Reads the jobs of which something can be offered, in their turn: priority with ageing, see turn_of in common.lua.
--
-- key                       kind     use      what for
-- :open                     zset     read     their turn
-- :placed                   hash     read     what the requester has lying with shops
-- :job:<id>                 hash     read     what decides about the fine order
--
-- ARGV 3 how many to pass over, 4 at most this many
-- Answers {now, {job, requester, requested, urgency, needed or "", unplaced, version, ms for one piece, ms of the
-- requester's live orders}, …}.
local answer = {NOW}
for _, job in ipairs(redis.call('ZRANGE', key('open'), tonumber(ARGV[3]), tonumber(ARGV[3]) + tonumber(ARGV[4]) - 1)) do
  local row = redis.call('HMGET', key('job', job), 'requester', 'requested', 'urgency', 'needed', 'unplaced', 'version', 'each')
  row[#row + 1] = redis.call('HGET', key('placed'), row[1]) or '0'
  table.insert(row, 1, job)
  answer[#answer + 1] = row
end
return answer
