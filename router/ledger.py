# SPDX-License-Identifier: AGPL-3.0-or-later
"""Completed work: from the board's stream into SQL, each attempt once, each entry chained to the one before."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import sqlalchemy as sa
from redis.exceptions import ResponseError

from commonfab import v1
from commonfab.chain import GENESIS, entry_hash
from commonfab.clock import Clock
from commonfab.moments import moment
from router.board import Board
from router.redis_door import TROUBLE
from router.tables import LEDGER, UNREPORTED_BUILDS

GROUP = "ledger"
WAIT_MS = 1000
AT_ONCE = 100
RETRY_SECONDS = 0.5

LEFT_BEHIND_MS = 30_000
"""A clerk that has had an event in hand for so long is taken to be dead, and another carries it."""

Attempt: TypeAlias = tuple[str, int, int]
"""A work order, the number of the attempt, its fence."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LedgerBook:
    """The ledger of one node."""

    engine: sa.Engine
    clock: Clock

    def append(self, reports: Sequence[v1.SignedWork]) -> list[int]:
        """Enter reports and answer their numbers; for one whose attempt was entered before, the number that it has.

        All are entered or none. Two writers may meet at the same number; the loser tries again with the next.
        """
        while True:
            try:
                with self.engine.begin() as connection:
                    return self._append(connection, reports)
            except sa.exc.IntegrityError:
                log.debug("another writer took the next number of the ledger; trying again")

    def _append(self, connection: sa.Connection, reports: Sequence[v1.SignedWork]) -> list[int]:
        works = [v1.CompletedWork.FromString(signed.work) for signed in reports]
        numbers = _entered(connection, works)
        last = connection.execute(sa.select(LEDGER.c.number, LEDGER.c.hash).order_by(LEDGER.c.number.desc()).limit(1)).first()
        number, previous = (0, GENESIS) if last is None else (last.number, bytes(last.hash))
        rows = []
        for signed, work in zip(reports, works, strict=True):
            attempt = _attempt(work.attempt)
            if attempt in numbers:
                continue
            number += 1
            digest = entry_hash(previous, number, signed)
            row = {
                "number": number,
                "previous_hash": previous,
                "hash": digest,
                "signed": signed.SerializeToString(),
                "work_order_id": work.attempt.work_order_id,
                "attempt_number": work.attempt.number,
                "epoch": work.attempt.epoch,
                "job_id": work.job_id,
                "recorded_at": self.clock.now(),
                "revision_digest": work.revision_digest,
            }
            previous, numbers[attempt] = digest, number
            rows.append(row)
        if rows:
            connection.execute(LEDGER.insert(), rows)
            # In the same transaction, so that no crash comes between: see build_reports.py.
            connection.execute(UNREPORTED_BUILDS.insert(), [{"number": row["number"]} for row in rows])
        return [numbers[_attempt(work.attempt)] for work in works]

    def entries(self, after: int, count: int, job_id: str = "") -> list[v1.LedgerEntry]:
        """Entries with a number larger than `after`, oldest first, at most `count`; of one job where it is named."""
        query = LEDGER.select().where(LEDGER.c.number > after).order_by(LEDGER.c.number).limit(count)
        if job_id:
            query = query.where(LEDGER.c.job_id == job_id)
        with self.engine.connect() as connection:
            return [_entry(row) for row in connection.execute(query).mappings()]

    def of_revision(self, digest: str) -> list[v1.CompletedWork]:
        """All work that was ever reported of a revision, oldest first."""
        query = sa.select(LEDGER.c.signed).where(LEDGER.c.revision_digest == digest).order_by(LEDGER.c.number)
        with self.engine.connect() as connection:
            signed = [v1.SignedWork.FromString(bytes(row)) for row in connection.execute(query).scalars()]
        return [v1.CompletedWork.FromString(one.work) for one in signed]

    def unreported(self, after: int, count: int) -> list[v1.LedgerEntry]:
        """Entries with a number larger than `after` that the design commons has not heard of, oldest first, at most `count`."""
        waiting = sa.select(UNREPORTED_BUILDS.c.number)
        query = LEDGER.select().where(LEDGER.c.number.in_(waiting), LEDGER.c.number > after).order_by(LEDGER.c.number).limit(count)
        with self.engine.connect() as connection:
            return [_entry(row) for row in connection.execute(query).mappings()]

    def note_reported(self, number: int) -> None:
        """The design commons has heard of this entry, or never will."""
        with self.engine.begin() as connection:
            connection.execute(UNREPORTED_BUILDS.delete().where(UNREPORTED_BUILDS.c.number == number))


@dataclass(frozen=True)
class LedgerClerk:
    """Carries ended attempts from the board to the book.

    An event is acknowledged after its entry is committed, so it may be carried twice; the book enters it once.
    """

    board: Board
    book: LedgerBook
    name: str
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever something was entered."""

    async def run(self) -> None:
        """Carry until cancelled. What an earlier clerk took and did not acknowledge is taken over: at the start, and in quiet moments."""
        while True:
            try:
                await self._open_group()
                await self._carry(await self._unacknowledged(0))
                while True:
                    await self._carry(await self._new() or await self._unacknowledged(LEFT_BEHIND_MS))
            except (*TROUBLE, sa.exc.OperationalError) as error:
                log.warning("the ledger waits: %s", error)
                await asyncio.sleep(RETRY_SECONDS)

    async def _open_group(self) -> None:
        try:
            await self.board.redis.xgroup_create(self.board.key("done"), GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    async def _unacknowledged(self, idle_ms: int) -> list[Any]:
        claimed: list[Any] = []
        start = b"0-0"
        while True:
            start, events, *_ = await self.board.redis.xautoclaim(
                self.board.key("done"), GROUP, self.name, min_idle_time=idle_ms, start_id=start, count=AT_ONCE
            )
            claimed += events
            if start == b"0-0":
                return claimed

    async def _new(self) -> list[Any]:
        streams = {self.board.key("done"): ">"}
        answer = await self.board.redis.xreadgroup(GROUP, self.name, streams, count=AT_ONCE, block=WAIT_MS)
        # redis-py answers a list or, from version 8 on, a mapping of the streams.
        rows = answer.items() if isinstance(answer, dict) else (answer or [])
        return [event for _, events in rows for event in (events[0] if events and isinstance(events[0], list) else events)]

    async def _carry(self, events: list[Any]) -> None:
        if not events:
            return
        reports = [v1.SignedWork.FromString(fields[b"signed"]) for _, fields in events]
        numbers = await asyncio.to_thread(self.book.append, reports)
        self.entered.set()
        carried = [event_id for event_id, _ in events]
        await self.board.run("carried", GROUP, *carried)
        for number, (_, fields) in zip(numbers, events, strict=True):
            log.info("ledger entry %d: work order %s", number, fields[b"order"].decode())


def _attempt(ref: v1.AttemptRef) -> Attempt:
    return ref.work_order_id, ref.number, ref.epoch


def _entered(connection: sa.Connection, works: Sequence[v1.CompletedWork]) -> dict[Attempt, int]:
    """Which of these attempts, and others of the same work orders, stand in the ledger already, and where."""
    columns = (LEDGER.c.work_order_id, LEDGER.c.attempt_number, LEDGER.c.epoch, LEDGER.c.number)
    found = connection.execute(sa.select(*columns).where(LEDGER.c.work_order_id.in_({work.attempt.work_order_id for work in works})))
    return {(order, attempt, epoch): number for order, attempt, epoch, number in found}


def _entry(row: sa.RowMapping) -> v1.LedgerEntry:
    signed = v1.SignedWork.FromString(bytes(row["signed"]))
    return v1.LedgerEntry(
        number=row["number"],
        previous_hash=bytes(row["previous_hash"]),
        hash=bytes(row["hash"]),
        signed=signed,
        work=v1.CompletedWork.FromString(signed.work),
        recorded_at=moment(row["recorded_at"]),
    )
