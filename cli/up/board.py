# SPDX-License-Identifier: AGPL-3.0-or-later
"""The Redis in which work in flight is kept, and the inspections that are queued: the operator's own, else a private one.

The queue needs a single server; the board may also be a Redis Cluster.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import redis
import redis.asyncio
from redis.connection import parse_url
from redis.exceptions import RedisClusterException

from cli.up.redis_child import start_private
from commonfab.clock import Clock
from commonfab.errors import Refused
from commonfab.settings import NodeSettings
from router.redis_door import CLUSTER, is_cluster, open_redis

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class OpenBoard:
    """A Redis that answers. `shown` says where it is, without its password; `queue_url` is where inspections are queued."""

    url: str
    shown: str
    queue_url: str


@asynccontextmanager
async def open_board(settings: NodeSettings, clock: Clock) -> AsyncIterator[OpenBoard]:
    """The board's Redis and the queue's, for as long as the context lasts. They are one where `board_url` names no other.

    Errors: `Refused` (`node.board_away_at_start`, `node.settings`, and those of `start_private`).
    """
    if is_cluster(settings.redis_url):
        raise Refused("node.settings", "redis_url: inspections cannot be queued in a Redis Cluster; name it in board_url")
    if settings.board_url:
        await _warn(settings.board_url, "board_url")
    if settings.redis_url:
        await _warn(settings.redis_url, "redis_url")
        yield _opened(settings, settings.redis_url, shown_url(settings.redis_url))
        return
    child, private = await start_private(settings.data_dir / "board", clock)
    try:
        yield _opened(settings, private.url, f"private redis-server, 127.0.0.1:{private.port}")
    finally:
        await child.stop()


def _opened(settings: NodeSettings, queue_url: str, shown: str) -> OpenBoard:
    if settings.board_url:
        return OpenBoard(settings.board_url, shown_url(settings.board_url, "board_url"), queue_url)
    return OpenBoard(queue_url, shown, queue_url)


async def _warn(url: str, setting: str) -> None:
    for warning in await weaknesses(url, shown_url(url, setting)):
        log.warning("%s", warning)


async def weaknesses(url: str, shown: str) -> list[Refused]:
    """What about the operator's Redis could lose accepted work; of a cluster, what about any of its masters could.

    Errors: `Refused` (`node.board_away_at_start`).
    """
    try:
        # Of a cluster, one that answers for it; each of its masters is then asked by its own place.
        async with open_redis(url) as client:
            if isinstance(client, redis.asyncio.Redis):
                return await _of_server(client, shown)
            found = []
            for node in client.get_primaries():
                pool = redis.asyncio.ConnectionPool(connection_class=node.connection_class, **node.connection_kwargs)
                async with redis.asyncio.Redis.from_pool(pool) as master:
                    found += await _of_server(master, f"{node.host}:{node.port}")
            return found
    except (redis.RedisError, RedisClusterException, OSError):
        raise Refused("node.board_away_at_start", shown) from None


async def _of_server(client: redis.asyncio.Redis, shown: str) -> list[Refused]:
    persistence, memory = await client.info("persistence"), await client.info("memory")
    found = []
    if not int(persistence.get("aof_enabled", 0)):
        found.append(Refused("node.board_not_kept", shown))
    elif await _policy_of_writing(client) != "always":
        found.append(Refused("node.board_behind", shown))
    if memory.get("maxmemory_policy", "noeviction") != "noeviction":
        found.append(Refused("node.board_evicts", shown))
    return found


async def _policy_of_writing(client: redis.asyncio.Redis) -> str:
    """`appendfsync`, or "always" where hosted servers forbid CONFIG: nobody could do anything about the warning there."""
    try:
        told: Mapping[Any, Any] = await client.config_get("appendfsync")
    except redis.ResponseError:
        return "always"
    policy = next(iter(told.values()), "always")
    return policy.decode() if isinstance(policy, bytes) else str(policy)


def shown_url(url: str, setting: str = "redis_url") -> str:
    """`url` without its credentials. Errors: `Refused` (`node.settings`) for a malformed one."""
    try:
        parts: dict[str, object] = dict(parse_url(url.replace(CLUSTER, "", 1) if is_cluster(url) else url))  # type: ignore[no-untyped-call]
    except ValueError as error:
        raise Refused("node.settings", f"{setting}: {error}") from None
    place = str(parts.get("path") or f"{parts.get('host', 'localhost')}:{parts.get('port', 6379)}")
    return f"Redis Cluster by way of {place}" if is_cluster(url) else place
