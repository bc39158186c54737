# SPDX-License-Identifier: AGPL-3.0-or-later
"""The Redis in which work in flight is kept: the operator's own, else a private one."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import redis
import redis.asyncio
from redis.connection import parse_url

from cli.up.redis_child import start_private
from commonfab.clock import Clock
from commonfab.errors import Refused
from commonfab.settings import NodeSettings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class OpenBoard:
    """A Redis that answers. `shown` says where it is, without its password."""

    url: str
    shown: str


@asynccontextmanager
async def open_board(settings: NodeSettings, clock: Clock) -> AsyncIterator[OpenBoard]:
    """The board's Redis, for as long as the context lasts.

    Errors: `Refused` (`node.board_away_at_start`, and those of `start_private`).
    """
    if settings.redis_url:
        shown = shown_url(settings.redis_url)
        for warning in await weaknesses(settings.redis_url, shown):
            log.warning("%s", warning)
        yield OpenBoard(settings.redis_url, shown)
        return
    child, private = await start_private(settings.data_dir / "board", clock)
    try:
        yield OpenBoard(private.url, f"private redis-server, 127.0.0.1:{private.port}")
    finally:
        await child.stop()


async def weaknesses(url: str, shown: str) -> list[Refused]:
    """What about the operator's Redis could lose accepted work. Errors: `Refused` (`node.board_away_at_start`, `node.settings`)."""
    try:
        async with redis.asyncio.Redis.from_url(url, socket_connect_timeout=5, decode_responses=True) as client:
            # INFO, because hosted servers often forbid CONFIG.
            persistence, memory = await client.info("persistence"), await client.info("memory")
    except redis.RedisError:
        raise Refused("node.board_away_at_start", shown) from None
    found = []
    if not int(persistence.get("aof_enabled", 0)):
        found.append(Refused("node.board_not_kept", shown))
    if memory.get("maxmemory_policy", "noeviction") != "noeviction":
        found.append(Refused("node.board_evicts", shown))
    return found


def shown_url(url: str) -> str:
    """`url` without its credentials. Errors: `Refused` (`node.settings`) for a malformed one."""
    try:
        parts: dict[str, object] = dict(parse_url(url))  # type: ignore[no-untyped-call]
    except ValueError as error:
        raise Refused("node.settings", f"redis_url: {error}") from None
    return str(parts.get("path") or f"{parts.get('host', 'localhost')}:{parts.get('port', 6379)}")
