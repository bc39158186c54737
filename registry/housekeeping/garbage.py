# SPDX-License-Identifier: AGPL-3.0-or-later
"""Files that nothing names any more: marked in one round, removed in a later one.

What could go wrong is that somebody looks, sees a file, and names it while it is being removed. Three rules rule that out, whichever
processes of a node do what:

1. Whoever names a file does so in a transaction in which it calls `spare`. That takes the mark away; where a mark says that the removal
   was decided, it looks whether the file is there, and refuses where it is not. Whoever answers that a file is here calls `ask_for`
   first and looks then.
2. A file is removed in a transaction that holds its mark. On PostgreSQL the two transactions meet at the row of the mark, on SQLite at
   the one place of a writer: one of them comes first, and the other sees what it did.
3. A mark is a day old before it counts, and what is named is read after that day. So a transaction that had called `spare` before
   the mark was made is long committed, and what it names is seen.

The mark stays behind as a tombstone, for whoever looked before the removal and names the file after it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from commonfab import v1
from commonfab.clock import Clock
from registry.blobs import BlobStore
from registry.housekeeping.names import named_among, named_by_revision
from registry.rows import batches
from registry.tables import DOOMED, INSPECTIONS, UPLOADS, one_at_a_time, writing

DAY = 24 * 3600.0
YOUNG_SECONDS = 7 * DAY
"""A file that came in within a week may belong to a revision that is about to be published."""

MARKED_SECONDS = DAY
TOMBSTONE_SECONDS = 30 * DAY
ROUND_LOCK = 4782
"""PostgreSQL's advisory lock: two rounds mark one after the other."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Garbage:
    """The rounds of one node."""

    engine: sa.Engine
    blobs: BlobStore
    clock: Clock

    def collect(self, dry_run: bool = False) -> v1.CollectGarbageResponse:
        """One round: remove what was marked long enough, spare what is named again, mark what nothing names.

        Errors: `OSError`, `sqlalchemy.exc.OperationalError`; what was done until then is done, and the next round goes on.
        """
        now = self.clock.now()
        stored = {file.sha256: file for file in self.blobs.all()}
        with self.engine.connect() as connection:
            marks = {row.sha256: row.since for row in connection.execute(DOOMED.select().where(DOOMED.c.removed_at.is_(None)))}
            old = {sha256 for sha256, file in stored.items() if file.modified <= now - YOUNG_SECONDS}
            named = named_among(connection, old | marks.keys())
        spared = marks.keys() & named
        due = [sha256 for sha256, since in marks.items() if sha256 not in named and since <= now - MARKED_SECONDS]
        fresh = old - named - marks.keys()
        told = v1.CollectGarbageResponse(files=len(stored), marked=len(fresh), spared=len(spared))
        if dry_run:
            told.removed = len(due)
            told.removed_bytes = sum(stored[sha256].size_bytes for sha256 in due if sha256 in stored)
            return told
        for sha256 in due:
            if self._remove(sha256, now):
                told.removed += 1
                told.removed_bytes += stored[sha256].size_bytes if sha256 in stored else 0
        self._mark(fresh, spared, now)
        self.blobs.sweep(now)
        return told

    def ask_for(self, sha256: str) -> bool:
        """Keep a file for a day at the least: somebody is about to name it. To be called before it is looked whether it is here.

        Returns whether it was doomed; whoever looked before must look again then.
        """
        marked = DOOMED.c.sha256 == sha256
        with self.engine.connect() as connection:
            if connection.execute(sa.select(DOOMED.c.since).where(marked)).first() is None:
                return False
        with writing(self.engine) as connection:  # waits for a removal that is under way
            connection.execute(DOOMED.delete().where(marked, DOOMED.c.removed_at.is_(None)))
        return True

    async def keep_collecting(self, every_hours: float) -> None:
        """A round every so many hours, for as long as the registry runs."""
        while True:
            await self.clock.sleep(every_hours * 3600)
            try:
                told = await asyncio.to_thread(self.collect)
                log.info("garbage: %d of %d files removed, %d marked, %d spared", told.removed, told.files, told.marked, told.spared)
            except (OSError, sa.exc.SQLAlchemyError):
                log.warning("a round of collecting garbage failed; the next one goes on", exc_info=True)

    def _remove(self, sha256: str, now: float) -> bool:
        """Remove one file, unless it was spared since. A crash leaves the mark, and the next round does the rest."""
        held = (DOOMED.c.sha256 == sha256) & DOOMED.c.removed_at.is_(None) & (DOOMED.c.since <= now - MARKED_SECONDS)
        with writing(self.engine) as connection:
            if not connection.execute(DOOMED.update().where(held).values(removed_at=now)).rowcount:
                return False
            if named_by_revision(connection, sha256):
                connection.execute(DOOMED.delete().where(DOOMED.c.sha256 == sha256))
                return False
            # What was measured of it goes with it; the mesh that was drawn from it is then named by nothing, and goes later.
            connection.execute(INSPECTIONS.delete().where(INSPECTIONS.c.sha256 == sha256))
            self.blobs.delete(sha256)
        return True

    def _mark(self, fresh: Iterable[str], spared: Iterable[str], now: float) -> None:
        with writing(self.engine) as connection:
            one_at_a_time(connection, ROUND_LOCK)
            connection.execute(DOOMED.delete().where(DOOMED.c.removed_at <= now - TOMBSTONE_SECONDS))
            for sha256 in sorted(spared):  # in the order in which `spare` takes them, so that neither waits for the other
                connection.execute(DOOMED.delete().where(DOOMED.c.sha256 == sha256, DOOMED.c.removed_at.is_(None)))
            for some in batches(fresh):
                # Of those that were removed once and came again; another round may have marked some meanwhile.
                connection.execute(DOOMED.delete().where(DOOMED.c.sha256.in_(some), DOOMED.c.removed_at.is_not(None)))
                there = set(connection.execute(sa.select(DOOMED.c.sha256).where(DOOMED.c.sha256.in_(some))).scalars())
                rows = [{"sha256": sha256, "since": now} for sha256 in some if sha256 not in there]
                if rows:
                    connection.execute(DOOMED.insert(), rows)
            connection.execute(UPLOADS.delete().where(UPLOADS.c.at <= now - YOUNG_SECONDS))


def spare(connection: sa.Connection, files: Collection[str], blobs: BlobStore) -> None:
    """Within the transaction that names `files`: see to it that none of them is removed.

    Errors: `Refused` (`file.unknown`) for a file that was removed since the caller looked.
    """
    for some in batches(sorted(files)):
        marked = sorted(connection.execute(sa.select(DOOMED.c.sha256).where(DOOMED.c.sha256.in_(some))).scalars())
        for sha256 in marked:
            # Waits for a removal that is under way. Only then is it looked whether the file is there.
            connection.execute(DOOMED.delete().where(DOOMED.c.sha256 == sha256))
            blobs.size(sha256)
