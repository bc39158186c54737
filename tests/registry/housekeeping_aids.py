# SPDX-License-Identifier: AGPL-3.0-or-later
"""A node's files and tables without a server, for tests that must decide what happens between two steps of the product."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import sqlalchemy as sa
from clocks import ManualClock

from commonfab import v1
from commonfab.database import open_database
from commonfab.ids import make_ids
from commonfab.settings import NodeSettings
from registry.blobs import BlobStore
from registry.housekeeping.garbage import Garbage
from registry.housekeeping.intake import Intake
from registry.opening import Registry, open_registry
from registry.publishing import Publisher
from registry.service import DesignRegistryService
from registry.tables import REVISION_FILES

ADA = v1.Token(subject="ada", scope=v1.SCOPE_MAKER)


@dataclass(frozen=True)
class WatchedStore(BlobStore):
    """The store, with a place to do something between two steps: `before_transaction`, when a publisher has looked and not yet written."""

    meanwhile: list[Callable[[], None]] = field(default_factory=list)

    def settle(self, names: Iterable[str]) -> None:
        super().settle(names)
        _run(self.meanwhile)

    def sweep(self, now: float) -> None:
        super().sweep(time.time())  # uploads under way are dated by the file system, whose clock no test moves


class WatchedGarbage(Garbage):
    """The rounds, with a place to do something after it was read what is named, and before anything is removed."""

    meanwhile: list[Callable[[], None]]

    def _remove(self, sha256: str, now: float) -> bool:
        _run(self.meanwhile)
        return super()._remove(sha256, now)


def _run(actions: list[Callable[[], None]]) -> None:
    now, actions[:] = list(actions), []
    for action in now:
        action()


@dataclass(frozen=True)
class House:
    """One process of a node."""

    registry: Registry
    engine: sa.Engine
    blobs: WatchedStore
    publisher: Publisher
    garbage: WatchedGarbage
    intake: Intake
    clock: ManualClock

    @classmethod
    def open(cls, folder: Path, url: str, redis_url: str, clock: ManualClock, **settings: object) -> House:
        """A process on a folder and a migrated database."""
        engine = open_database(url)
        given = NodeSettings(data_dir=folder, redis_url=redis_url, database_url=url, **settings)  # type: ignore[arg-type]
        registry = open_registry(given, engine, redis_url, clock, make_ids(clock))
        service = registry.mounts[0].servicer
        assert isinstance(service, DesignRegistryService)
        blobs = WatchedStore(registry.blobs.staging, registry.blobs.shelf, registry.blobs.largest_bytes)
        garbage = WatchedGarbage(engine, blobs, clock)
        object.__setattr__(garbage, "meanwhile", [])
        publisher = replace(service._publisher, blobs=blobs)
        return cls(registry, engine, blobs, publisher, garbage, Intake(blobs, garbage, publisher.quotas), clock)

    def upload(self, content: bytes, subject: str = "ada") -> str:
        """Send a file as a maker's client does. It is dated by the test's clock."""
        sha256 = hashlib.sha256(content).hexdigest()
        if not self.intake.stat(subject, v1.StatFileRequest(sha256=sha256)).complete:
            asyncio.run(self._send(subject, v1.UploadHeader(sha256=sha256, size_bytes=len(content)), content))
        return sha256

    async def _send(self, subject: str, header: v1.UploadHeader, content: bytes) -> None:
        async def pieces() -> AsyncIterator[memoryview]:
            yield memoryview(content)

        await self.intake.receive(subject, header, pieces())

    def date(self, sha256: str) -> None:
        """Have the file be as old as the test's clock says: the file system has a clock of its own."""
        self.blobs.shelf.settle([sha256])
        with self.blobs.local(sha256) as path:
            os.utime(path, (self.clock.now(), self.clock.now()))

    def publish(self, title: str, *files: str, subject: str = "ada") -> v1.PublishRevisionResponse:
        """Publish files that were uploaded; they are notes and no parts, so nothing is measured."""
        entries = [v1.FileEntry(path=f"{sha256[:12]}.txt", sha256=sha256) for sha256 in files]
        manifest = v1.Manifest(licence="CC0-1.0", files=entries)
        token = v1.Token(subject=subject, scope=v1.SCOPE_MAKER)
        return self.publisher.publish(token, v1.PublishRevisionRequest(design=v1.Design(title=title), manifest=manifest))

    def here(self, sha256: str) -> bool:
        return self.blobs.shelf.size(sha256) is not None

    def named(self) -> set[str]:
        """Every file of every revision."""
        with self.engine.connect() as connection:
            return set(connection.execute(sa.select(REVISION_FILES.c.sha256)).scalars())

    def close(self) -> None:
        self.engine.dispose()
        self.blobs.settling.shutdown()
        self.registry.inspections.broker.client.close()
