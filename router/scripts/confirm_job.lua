-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Lets a held job go on. A product goes on to wait for its parts.
--
-- key                       kind     use      what for
-- :open                     zset     changed  what can be offered now
-- :job:<id>                 hash     changed  its state; and, for a product whose parts are all there, what that brings about
-- :job:<id>:orders          list     changed  its orders, to be forgotten with it
-- :job:<id>:passed          hash     changed  whom not to ask again; forgotten with the job
-- :order:<id>               hash     changed  the order's state
-- :bell                     channel  changed  wakes whoever waits for a change
--
-- ARGV 3 job. Answers "" or a reason code.
local job = ARGV[3]
local state, parts, parts_left, questions, recall = get_job(job, 'state', 'parts', 'parts_left', 'questions', 'recall')
if state ~= 'held' then return 'job.not_held' end
if recall then return 'job.recalled' end
redis.call('HSET', key('job', job), 'questions', '', 'answered', questions)
if parts == '' then
  redis.call('HSET', key('job', job), 'state', 'open')
  open_up(job)
elseif tonumber(parts_left) > 0 then
  redis.call('HSET', key('job', job), 'state', 'waits')
else
  all_parts_there(job)
end
job_changed(job)
return ''
