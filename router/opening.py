# SPDX-License-Identifier: AGPL-3.0-or-later
"""Opens the router: its services, and the tasks that keep its board moving."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import sqlalchemy as sa
from prometheus_client import CollectorRegistry, Counter

from commonfab import v1
from commonfab.clock import Clock
from commonfab.database import migrate
from commonfab.errors import Refused
from commonfab.ids import Ids
from commonfab.rpc_server import Mount
from commonfab.settings import NodeSettings
from commonfab.tasks import cancelled
from router.bell import Bell
from router.board import Board
from router.build_reports import BuildReporter
from router.desk import Desk
from router.dispatch import Dispatcher
from router.jobs import Jobs
from router.ledger import LedgerBook, LedgerClerk
from router.overview import Overview
from router.pulse import Terms
from router.ranking import RankingPolicy, load_policy
from router.recalls import RecallWatch
from router.redis_door import BoardRedis, is_away, open_redis
from router.registry_door import RegistryDoor
from router.service import JobRouterService, LedgerService, ShopDeskService

BEGIN_AGAIN_SECONDS = 1.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Router:
    """The router of one node: mount its services, then start it."""

    mounts: tuple[Mount, ...]
    _engine: sa.Engine
    _redis: BoardRedis
    _door: RegistryDoor
    _clerk: LedgerClerk
    _dispatcher: Dispatcher
    _reporter: BuildReporter
    _recalls: RecallWatch
    _tasks: set[asyncio.Task[None]]

    async def start(self, registry_address: str, token: str) -> None:
        """Bring the tables up to date and begin to keep the board moving.

        The registry answers at `registry_address`, on this machine; `token` is the node's own, of scope steward.
        """
        await asyncio.to_thread(migrate, self._engine, "router")
        self._door.open(registry_address, token)
        dispatcher = self._dispatcher
        moving = (dispatcher.bell.run, dispatcher.run, dispatcher.keep_deadlines)
        for live in (*moving, self._clerk.run, self._reporter.run, self._recalls.run):
            self._tasks.add(asyncio.create_task(_keep_alive(live)))

    async def close(self) -> None:
        """Stop; what is under way lies on the board and goes on at the next start."""
        await cancelled(*self._tasks)
        await self._door.close()
        await self._redis.aclose()


def open_router(settings: NodeSettings, engine: sa.Engine, redis_url: str, clock: Clock, ids: Ids, metrics: CollectorRegistry) -> Router:
    """The router of one node; nothing is called before `Router.start`. Parameters: `redis_url`, as `open_redis` knows it."""
    redis = open_redis(redis_url)
    board = Board(redis, settings.neighbourhood)
    bell = Bell(board)
    terms = Terms(settings.offer_seconds, settings.lease_seconds, settings.most_calls_per_second)
    overview = Overview(board, terms)
    policy, book, door = policy_of(settings), LedgerBook(engine, clock), RegistryDoor(clock)
    refused = Counter("commonfab_refused_reports", "Events of shops that changed nothing, by reason", ["code"], registry=metrics)
    desk = Desk(board, bell, overview, random.random, lambda code: refused.labels(code).inc())
    mounts = (
        Mount(
            "commonfab.v1.JobRouter", v1.add_JobRouterServicer_to_server, JobRouterService(Jobs(board, bell, overview, door, policy, ids))
        ),
        Mount("commonfab.v1.ShopDesk", v1.add_ShopDeskServicer_to_server, ShopDeskService(desk)),
        Mount("commonfab.v1.Ledger", v1.add_LedgerServicer_to_server, LedgerService(book)),
    )
    clerk = LedgerClerk(board, book, ids("clerk"))
    reporter, recalls = BuildReporter(board, book, door, clock, clerk.entered), RecallWatch(board, book, door, clock)
    return Router(mounts, engine, redis, door, clerk, Dispatcher(board, bell, overview, policy, terms, ids), reporter, recalls, set())


def policy_of(settings: NodeSettings) -> RankingPolicy:
    """The ranking policy that the settings name, or the one that ships. Errors: `Refused` (`node.settings`)."""
    try:
        return load_policy(settings.ranking_policy)
    except (OSError, ValueError) as error:
        raise Refused("node.settings", f"ranking_policy: {error}") from None


async def _keep_alive(live: Callable[[], Awaitable[None]]) -> None:
    """Live until cancelled. An error that nobody foresaw is logged and the task begins again: a board that stands still helps nobody."""
    while True:
        try:
            await live()
        except Exception:
            log.exception("%s broke and begins again", live.__qualname__)
            await asyncio.sleep(BEGIN_AGAIN_SECONDS)


def explain(error: Exception) -> Refused | None:
    """What to tell a caller when Redis or the database is away; None for any other error."""
    if is_away(error):
        return Refused("node.board_away")
    if isinstance(error, sa.exc.OperationalError):
        return Refused("node.database_away")
    return None
