-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Lets a held job go on.
-- Touches :job:<id> :open :bell
-- ARGV 3 job. Answers "" or a reason code.
local job = ARGV[3]
local state, requested = unpack(redis.call('HMGET', key('job', job), 'state', 'requested'))
if state ~= 'held' then return 'job.not_held' end
redis.call('HSET', key('job', job), 'state', 'open', 'questions', '')
redis.call('ZADD', key('open'), requested, job)
job_changed(job)
ring('open')
return ''
