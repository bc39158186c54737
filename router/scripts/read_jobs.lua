-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Reads jobs with their work orders at one moment.
--
-- key                       kind     use      what for
-- :job:<id>                 hash     read     all of it
-- :job:<id>:orders          list     read     its work orders
-- :job:<id>:passed          hash     read     who passed it by
-- :order:<id>               hash     read     where it stands
-- :order:<id>:asked         hash     read     who is asked
--
-- ARGV 3 and on: jobs
-- Answers {now, {job, its fields and values, who passed it by and why, {order, values as in FIELDS, {shops still asked}}, …}, …};
-- what is not there is left out.
local FIELDS = {'job', 'shop', 'machine', 'quantity', 'state', 'number', 'epoch', 'good', 'scrap', 'reasons', 'deadline', 'standby',
  'minutes'}
local answer = {NOW}
for i = 3, #ARGV do
  local job = ARGV[i]
  local fields = redis.call('HGETALL', key('job', job))
  if #fields > 0 then
    local row = {job, fields, redis.call('HGETALL', key('job', job, 'passed'))}
    for _, order in ipairs(redis.call('LRANGE', key('job', job, 'orders'), 0, -1)) do
      local values = {get(order, unpack(FIELDS))}
      if values[1] then
        local asked = {}
        if values[5] == 'offered' then
          for rank, one in ipairs(asked_of(order)) do asked[rank] = one.shop end
        end
        row[#row + 1] = {order, values, asked}
      end
    end
    answer[#answer + 1] = row
  end
end
return answer
