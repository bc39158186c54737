-- SPDX-License-Identifier: AGPL-3.0-or-later
-- A shop made something for somebody who walked in: the signed report goes to the ledger as those of jobs do, and moves no job.
--
-- key                       kind     use      what for
-- :done                     stream   changed  the report, on its way to the ledger
--
-- ARGV 3 work order, 4 number, 5 signed report. Answers "".
redis.call('XADD', key('done'), '*', 'order', ARGV[3], 'number', ARGV[4], 'epoch', 0, 'signed', ARGV[5])
return ''
