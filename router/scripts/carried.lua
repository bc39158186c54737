-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Ended attempts have reached the ledger: takes their events off the list of what a clerk has in hand and out of the stream, in one step.
-- What had only left the stream would stay on that list for ever, and what had only left the list would stay in the stream.
--
-- key                       kind     use      what for
-- :done                     stream   changed  the events
--
-- ARGV 3 consumer group, then the events' ids. Answers how many left the stream.
redis.call('XACK', key('done'), ARGV[3], unpack(ARGV, 4))
return redis.call('XDEL', key('done'), unpack(ARGV, 4))
