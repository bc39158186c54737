# SPDX-License-Identifier: AGPL-3.0-or-later
"""Inspection: queue → measure → store, one report per file and unit; the judgement is made anew from the report whenever it is read.

What waits stands in SQL, and that is the truth. Redis only carries the work to a worker: a message that is lost, doubled or late does no
harm, since what still waits is sent again and measuring twice gives the same report.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass

import dramatiq
import redis
import sqlalchemy as sa
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import Retries
from redis.backoff import NoBackoff
from redis.retry import Retry

from commonfab import v1
from commonfab.clock import Clock
from commonfab.errors import Refused
from registry.blobs import BlobStore
from registry.findings import inspected_part, measured_paths
from registry.geometry.sandbox import Sandbox
from registry.housekeeping.garbage import spare
from registry.housekeeping.names import drawn_in
from registry.rows import batches
from registry.tables import INSPECTIONS, writing

NAMESPACE = "commonfab-inspection"
QUEUE = "inspection"
ACTOR = "inspect"

PATIENCE_SECONDS = 30.0
"""What waited this long without being in the queue is sent again: its message was lost."""

Then = Callable[[sa.Connection], None]

log = logging.getLogger(__name__)


@dataclass(frozen=True, order=True)
class Subject:
    """What is inspected: a file, read in the unit that its maker names (empty where they name none)."""

    sha256: str
    unit: str


def subjects_of(manifest: v1.Manifest) -> list[Subject]:
    """What is inspected for a manifest: every file of its parts that is measured, in their order."""
    return [subject for part in manifest.parts for subject in _subjects(part, _digests(manifest)).values()]


def _digests(manifest: v1.Manifest) -> dict[str, str]:
    return {file.path: file.sha256 for file in manifest.files}


def _subjects(part: v1.Part, digests: Mapping[str, str]) -> dict[str, Subject]:
    """By path, what is inspected for a part."""
    return {path: Subject(digests[path], part.demands.unit) for path in measured_paths(part)}


def make_broker(redis_url: str) -> RedisBroker:
    """The way to the queue. Nothing is sent yet. Errors are tried again twice; after that SQL's own re-sending takes over."""
    # A Redis that hangs must not hold up a maker who publishes. One more try, for a connection that a restart of Redis had broken.
    once_more = Retry(NoBackoff(), 1)
    client = redis.Redis.from_url(redis_url, socket_timeout=5, socket_connect_timeout=2, retry=once_more)
    retries = Retries(max_retries=2, min_backoff=1000, max_backoff=5000)
    broker = RedisBroker(client=client, namespace=NAMESPACE, middleware=[retries])  # type: ignore[no-untyped-call]
    broker.declare_queue(QUEUE)
    return broker


@dataclass(frozen=True)
class Inspections:
    """What is known of files, and what waits to be known."""

    engine: sa.Engine
    broker: RedisBroker
    clock: Clock

    def note_waiting(self, connection: sa.Connection, subjects: Iterable[Subject]) -> None:
        """Within a transaction: have these inspected, unless they were or will be.

        Whoever stores a report of one of these meanwhile waits for the end of the transaction, and sees what it added: else neither would
        know of the other, and the report would be missed for good.
        """
        for subject in sorted(set(subjects)):
            row_of_it = sa.select(INSPECTIONS.c.sha256).where(_is(subject)).with_for_update(read=True)
            if connection.execute(row_of_it).first() is None:
                row = {"sha256": subject.sha256, "unit": subject.unit, "enqueued_at": self.clock.now()}
                connection.execute(INSPECTIONS.insert().values(row))

    def send(self, subjects: Iterable[Subject]) -> bool:
        """Put subjects into the queue; says whether Redis took them. If not, they are sent later, for SQL knows of them."""
        try:
            for subject in subjects:
                arguments = (subject.sha256, subject.unit)
                self.broker.enqueue(dramatiq.Message(QUEUE, ACTOR, arguments, {}, {}))
        except redis.RedisError as error:
            log.warning("the inspection queue does not answer, what waits is sent later: %s", error)
            return False
        return True

    def send_again(self, waited_seconds: float = PATIENCE_SECONDS) -> int:
        """Send what has waited longer than `waited_seconds`, unless messages still lie in the queue; returns how many were sent."""
        try:
            if waited_seconds and self.broker.client.llen(f"{NAMESPACE}:{QUEUE}"):
                return 0  # the workers have enough to do; more messages would only pile up
        except redis.RedisError as error:
            log.warning("the inspection queue does not answer: %s", error)
            return 0
        now = self.clock.now()
        late = INSPECTIONS.c.done_at.is_(None) & (INSPECTIONS.c.enqueued_at <= now - waited_seconds)
        with writing(self.engine) as connection:
            rows = connection.execute(sa.select(INSPECTIONS.c.sha256, INSPECTIONS.c.unit).where(late)).all()
            connection.execute(INSPECTIONS.update().where(late).values(enqueued_at=now))
        subjects = [Subject(*row) for row in rows]
        return len(subjects) if self.send(subjects) else 0

    async def keep_sending(self) -> None:
        """Send again what was lost, for as long as the registry runs."""
        while True:
            await self.clock.sleep(PATIENCE_SECONDS)
            try:
                await asyncio.to_thread(self.send_again)
            except sa.exc.SQLAlchemyError:
                log.warning("what waits for inspection could not be looked up; trying again", exc_info=True)

    def report(self, subject: Subject) -> v1.GeometryReport | None:
        """What was measured, or None while it waits."""
        return self.reports([subject]).get(subject)

    def reports(self, subjects: Iterable[Subject], connection: sa.Connection | None = None) -> dict[Subject, v1.GeometryReport]:
        """What was measured of those that were measured. Parameters: `connection`, of a transaction that asks; else one of its own."""
        files = sorted({subject.sha256 for subject in subjects})
        found: dict[Subject, v1.GeometryReport] = {}
        with nullcontext(connection) if connection is not None else self.engine.connect() as connection:
            for some in batches(files):
                those = INSPECTIONS.c.sha256.in_(some) & INSPECTIONS.c.done_at.is_not(None)
                for row in connection.execute(sa.select(INSPECTIONS).where(those)).mappings():
                    found[Subject(row["sha256"], row["unit"])] = v1.GeometryReport.FromString(row["report"])
        return found

    def store(self, subject: Subject, report: v1.GeometryReport, blobs: BlobStore, then: Then = lambda connection: None) -> None:
        """Keep a report. A second one for the same subject takes the place of the first.

        Parameters: `then`, what else is to be done in the same transaction, so that nobody sees the report without what follows from it.
        Errors: `Refused` (`file.unknown`) where a file that it names was removed meanwhile: then it is to be measured again.
        """
        values = {"report": report.SerializeToString(), "done_at": self.clock.now()}
        with writing(self.engine) as connection:
            spare(connection, drawn_in(report), blobs)
            connection.execute(INSPECTIONS.update().where(_is(subject)).values(values))
            then(connection)

    def inspected(self, manifest: v1.Manifest, material: str = "", connection: sa.Connection | None = None) -> list[v1.InspectedPart]:
        """Every part of a manifest with what is known of it.

        Parameters: `material`, what it shall be made of where its maker leaves that open; empty for any; `connection`, as for `reports`.
        """
        reports, digests = self.reports(subjects_of(manifest), connection), _digests(manifest)
        subjects = [_subjects(part, digests) for part in manifest.parts]
        known = [{path: reports.get(subject) for path, subject in of_part.items()} for of_part in subjects]
        return [inspected_part(part, of_part, material) for part, of_part in zip(manifest.parts, known, strict=True)]


def _is(subject: Subject) -> sa.ColumnElement[bool]:
    return (INSPECTIONS.c.sha256 == subject.sha256) & (INSPECTIONS.c.unit == subject.unit)


def inspect(subject: Subject, inspections: Inspections, blobs: BlobStore, sandbox: Sandbox, then: Then = lambda connection: None) -> None:
    """Measure one file and keep the report, unless it has one. The derived mesh is stored before the report that names it.

    Parameters: `then`, as `Inspections.store` has it.
    Errors: `SandboxBroken`, `OSError`, `sqlalchemy.exc.OperationalError`: to be tried again later.
    """
    if inspections.report(subject) is not None:
        return
    with ExitStack() as held:
        try:
            path = held.enter_context(blobs.local(subject.sha256))
        except Refused:
            log.error("file %s waits for inspection and is not there", subject.sha256)
            raise
        measured = held.enter_context(sandbox.measure(path, subject.sha256, subject.unit))
        if measured.derived_mesh is not None:
            measured.report.mesh_sha256 = blobs.adopt(measured.derived_mesh)
        for picture in measured.pictures:
            sha256 = blobs.adopt(picture.path)
            measured.report.previews.append(v1.Preview(media_type=picture.media_type, sha256=sha256, size_bytes=blobs.size(sha256)))
        inspections.store(subject, measured.report, blobs, then)
