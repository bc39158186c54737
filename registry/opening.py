# SPDX-License-Identifier: AGPL-3.0-or-later
"""Opens the room: from settings and connections to services that can be mounted on a server."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial

import obstore.exceptions
import redis
import sqlalchemy as sa
from prometheus_client import CollectorRegistry

from commonfab import v1
from commonfab.clock import Clock
from commonfab.database import migrate
from commonfab.errors import Refused
from commonfab.ids import Ids
from commonfab.rpc_server import Mount
from commonfab.settings import NodeSettings
from commonfab.tasks import cancelled
from registry.blobs import BlobStore, open_store
from registry.blobs.disk import no_room
from registry.catalogue import Catalogue
from registry.evidence.defects import Defects
from registry.evidence.following import Following
from registry.evidence.recalls import Recalls
from registry.evidence.reports import BuildReports
from registry.evidence.service import DesignEvidenceService
from registry.housekeeping.garbage import Garbage
from registry.housekeeping.intake import Intake
from registry.housekeeping.quotas import MIB, Quotas
from registry.housekeeping.service import HousekeepingService
from registry.housekeeping.verifying import Verifier
from registry.inspection import Inspections, make_broker
from registry.licences import Licences
from registry.publishing import Publisher
from registry.search.finding import Search
from registry.search.reindexing import Reindexing
from registry.service import DesignRegistryService, add_service

SERVICE = "commonfab.v1.DesignRegistry"
EVIDENCE_SERVICE = "commonfab.v1.DesignEvidence"
HOUSEKEEPING_SERVICE = "commonfab.v1.Housekeeping"


def open_blobs(settings: NodeSettings) -> BlobStore:
    """The files of the node. Errors: `Refused` (`node.blobs_url`)."""
    return open_store(settings.blobs_url, settings.data_dir, settings.largest_file_mb * 1024 * 1024)


@dataclass(frozen=True)
class Registry:
    """The open room. `start` before the server answers, `close` after it has stopped."""

    mounts: tuple[Mount, ...]
    engine: sa.Engine
    inspections: Inspections
    blobs: BlobStore
    following: Following
    background: tuple[Callable[[], Coroutine[None, None, None]], ...]
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self) -> None:
        """Bring the tables up to date, send to the workers what still waits, and begin what goes on in the background.

        Errors: `sqlalchemy.exc.OperationalError`. A Redis that is away is no error: what waits is sent when it is back.
        """
        await asyncio.to_thread(migrate, self.engine, "registry")
        await asyncio.to_thread(self.blobs.sweep, self.inspections.clock.now())
        await asyncio.to_thread(self.inspections.send_again, 0.0)
        self.tasks.update(asyncio.create_task(live()) for live in self.background)

    async def close(self) -> None:
        """Stop what goes on in the background. The engine belongs to the caller."""
        await cancelled(*self.tasks)
        self.tasks.clear()
        await asyncio.to_thread(self.inspections.broker.client.close)


def open_registry(
    settings: NodeSettings, engine: sa.Engine, redis_url: str, clock: Clock, ids: Ids, metrics: CollectorRegistry | None = None
) -> Registry:
    """The design commons of one node; nothing is read or sent yet.

    Parameters: `metrics`, where to count; counted nowhere without it.
    """
    blobs = open_blobs(settings)
    inspections = Inspections(engine, make_broker(redis_url), clock)
    licences = Licences()
    catalogue = Catalogue(engine, inspections, licences)
    garbage, quotas = Garbage(engine, blobs, clock), Quotas(engine, blobs, clock, settings.quota_mb * MIB)
    publisher = Publisher(engine, blobs, inspections, licences, clock, ids, quotas)
    search = Search(engine)
    service = DesignRegistryService(catalogue, publisher, Intake(blobs, garbage, quotas), search, clock, metrics or CollectorRegistry())
    reports, defects = BuildReports(engine, blobs, inspections, clock), Defects(engine, blobs, inspections, clock, ids)
    following = Following(engine, clock)
    evidence = DesignEvidenceService(reports, defects, Recalls(engine, inspections, clock), following)
    house = HousekeepingService(garbage, Verifier(engine, blobs, settings.data_dir / "set-aside"), quotas)
    mounts = (
        Mount(SERVICE, add_service, service),
        Mount(EVIDENCE_SERVICE, v1.add_DesignEvidenceServicer_to_server, evidence),
        Mount(HOUSEKEEPING_SERVICE, v1.add_HousekeepingServicer_to_server, house),
    )
    background = [inspections.keep_sending, following.run, Reindexing(engine, inspections).run, search.warm_up]
    if settings.gc_every_hours:
        background.append(partial(garbage.keep_collecting, settings.gc_every_hours))
    return Registry(mounts, engine, inspections, blobs, following, tuple(background))


def explain(error: Exception) -> Refused | None:
    """What to tell a caller of a database or a Redis that does not answer; None for anything else."""
    if (isinstance(error, OSError) and no_room(error)) or (isinstance(error, sa.exc.OperationalError) and _database_is_full(error)):
        return Refused("node.disk_full", "this call")
    if isinstance(error, sa.exc.DataError):  # a NUL in a name that somebody asks for, which PostgreSQL keeps in no text
        return Refused("request.malformed", "a text or a number in it is none that a database keeps")
    if isinstance(error, obstore.exceptions.BaseError):
        return Refused("node.files_away")
    if isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError | sa.exc.TimeoutError):
        return Refused("node.database_away")
    if isinstance(error, redis.ConnectionError | redis.TimeoutError):
        return Refused("node.board_away")
    return None


def _database_is_full(error: sa.exc.OperationalError) -> bool:
    """SQLite says it by its own code, PostgreSQL by SQLSTATE 53100."""
    cause = error.orig
    return getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL or getattr(cause, "sqlstate", None) == "53100"
