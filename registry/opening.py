# SPDX-License-Identifier: AGPL-3.0-or-later
"""Opens the room: from settings and connections to services that can be mounted on a server."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field

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
from registry.blobs import BlobStore
from registry.catalogue import Catalogue
from registry.inspection import Inspections, make_broker
from registry.licences import Licences
from registry.service import DesignRegistryService

SERVICE = "commonfab.v1.DesignRegistry"


def open_blobs(settings: NodeSettings) -> BlobStore:
    """The files of the node."""
    return BlobStore(settings.data_dir / "blobs", settings.largest_file_mb * 1024 * 1024)


@dataclass(frozen=True)
class Registry:
    """The open room. `start` before the server answers, `close` after it has stopped."""

    mounts: tuple[Mount, ...]
    engine: sa.Engine
    inspections: Inspections
    blobs: BlobStore
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self) -> None:
        """Bring the tables up to date, send to the workers what still waits, and go on doing so.

        Errors: `sqlalchemy.exc.OperationalError`. A Redis that is away is no error: what waits is sent when it is back.
        """
        await asyncio.to_thread(migrate, self.engine, "registry")
        await asyncio.to_thread(self.blobs.sweep, self.inspections.clock.now())
        await asyncio.to_thread(self.inspections.send_again, 0.0)
        self.tasks.add(asyncio.create_task(self.inspections.keep_sending()))

    async def close(self) -> None:
        """Stop what goes on in the background. The engine belongs to the caller."""
        for task in self.tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
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
    catalogue = Catalogue(engine, blobs, inspections, Licences(), clock, ids)
    service = DesignRegistryService(catalogue, blobs, clock, metrics or CollectorRegistry())
    return Registry((Mount(SERVICE, v1.add_DesignRegistryServicer_to_server, service),), engine, inspections, blobs)


def explain(error: Exception) -> Refused | None:
    """What to tell a caller of a database or a Redis that does not answer; None for anything else."""
    if isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError | sa.exc.TimeoutError):
        return Refused("node.database_away")
    if isinstance(error, redis.ConnectionError | redis.TimeoutError):
        return Refused("node.board_away")
    return None
