# SPDX-License-Identifier: AGPL-3.0-or-later
"""A design commons in a process of its own that kills itself, as `kill -9` would, before its n-th step of storing something.

A step is whatever changes what outlives the process: a write, a sync, a name made, moved or removed, an SQL statement, a commit, a message
to the queue. They are met where they happen, and the product knows nothing of it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from multiprocessing.connection import Connection
from typing import Any

import sqlalchemy as sa
from dramatiq.brokers.redis import RedisBroker
from prometheus_client import CollectorRegistry

from commonfab.clock import SystemClock
from commonfab.database import open_database
from commonfab.ids import make_ids
from commonfab.rpc_server import Transport, serve
from commonfab.settings import NodeSettings
from commonfab.tokens import TokenStore
from registry.blobs import staging
from registry.opening import explain, open_registry

CALLS = ("fsync", "link", "rename", "replace", "unlink", "mkdir", "utime", "truncate")
"""Of `os`, which `pathlib` goes through too."""


@dataclass
class Death:
    """Counts steps from `armed` on, in whichever thread, and ends the process at the one named."""

    at: int
    taken: int = 0
    armed: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def step(self) -> None:
        if not self.armed:
            return
        with self.lock:
            self.taken += 1
            if self.taken == self.at:
                os.kill(os.getpid(), signal.SIGKILL)

    def before(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def stepping(*arguments: Any, **named: Any) -> Any:
            self.step()
            return call(*arguments, **named)

        return stepping

    def watch(self, engine: sa.Engine) -> None:
        for name in CALLS:
            setattr(os, name, self.before(getattr(os, name)))
        staging._write_all = self.before(staging._write_all)
        RedisBroker.enqueue = self.before(RedisBroker.enqueue)  # type: ignore[method-assign]
        sa.event.listen(engine, "before_cursor_execute", self.statement)
        engine.dialect.do_commit = self.before(engine.dialect.do_commit)  # type: ignore[method-assign]

    def statement(self, connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if not statement.lstrip().upper().startswith("SELECT"):
            self.step()


def run(settings: dict[str, str], dies_at: int, told: Connection) -> None:
    """Serve until killed.

    Parameters: `dies_at`, the step, counted from 1; 0 for never; `told`, where the address is sent
    to; steps are counted from the moment that something comes back from there.
    """
    asyncio.run(_serve(NodeSettings(**settings), Death(dies_at), told))  # type: ignore[arg-type]


async def _serve(settings: NodeSettings, death: Death, told: Connection) -> None:
    engine = open_database(settings.database())
    clock, numbers = SystemClock(), count(1)
    tokens = TokenStore(engine, clock, make_ids(clock))
    metrics = CollectorRegistry()
    # The same names every time, so that the same publication has the same digest whenever it is made.
    registry = open_registry(settings, engine, settings.redis_url, clock, lambda kind: f"{kind}-{next(numbers)}", metrics)
    await registry.start()
    server = await serve(registry.mounts, Transport(settings.listen), tokens.holder, metrics, explain)
    death.watch(engine)
    told.send(server.address)
    await asyncio.to_thread(told.recv)  # the caller has reached us
    death.armed = death.at > 0
    told.send("armed")
    await server.server.wait_for_termination()
