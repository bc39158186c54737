-- SPDX-License-Identifier: AGPL-3.0-or-later
-- The requester approves of a job's first article: the rest may be offered.
--
-- key                       kind     use      what for
-- :open                     zset     changed  the rest can be offered now
-- :job:<id>                 hash     changed  where its first article stands
-- :bell                     channel  changed  wakes whoever waits for a change
--
-- ARGV 3 job. Answers "" or a reason code; approving twice is no error.
local job = ARGV[3]
local state, first = get_job(job, 'state', 'first')
if not state then return 'job.unknown' end
if first == 'approved' then return '' end
if state == 'done' or state == 'cancelled' then return 'job.ended' end
if first == '' then return 'job.no_first_article' end
if first ~= 'made' then return 'job.first_not_made' end
redis.call('HSET', key('job', job), 'first', 'approved')
open_up(job)
job_changed(job)
return ''
