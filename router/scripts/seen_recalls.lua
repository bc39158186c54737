-- SPDX-License-Identifier: AGPL-3.0-or-later
-- A shop's agent has written down that revisions were recalled: it need not be told again.
--
-- key                       kind     use      what for
-- :shop:<id>:recalls        hash     changed  the notices
--
-- ARGV 3 shop, then the revisions' digests. Answers how many it was still to be told.
return redis.call('HDEL', key('shop', ARGV[3], 'recalls'), unpack(ARGV, 4))
