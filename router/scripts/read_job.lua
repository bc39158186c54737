-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Reads a job and its work orders at one moment.
-- Touches :job:<id> :job:<id>:orders :order:<id>, reading only
-- ARGV 3 job. Answers {now, job's fields and values, {order, its fields and values}, …}; only {now} where there is no such job.
local job = ARGV[3]
local answer = {NOW}
local fields = redis.call('HGETALL', key('job', job))
if #fields == 0 then return answer end
answer[2] = fields
for _, order in ipairs(redis.call('LRANGE', key('job', job, 'orders'), 0, -1)) do
  answer[#answer + 1] = {order, redis.call('HGETALL', key('order', order))}
end
return answer
