# SPDX-License-Identifier: AGPL-3.0-or-later
"""The board of a neighbourhood, all keys in one moment, and back into another Redis."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from redis.exceptions import ResponseError

from cli.up.lock import hold_folder
from cli.up.redis_child import left_behind, start_private
from commonfab.clock import SystemClock
from commonfab.errors import Refused
from commonfab.settings import NodeSettings
from router.board import Board
from router.redis_door import TROUBLE, open_redis

ALL_KEYS = """
local found = {}
for _, name in ipairs(redis.call('KEYS', ARGV[1])) do
  local kept = redis.call('DUMP', name)
  if kept then
    found[#found + 1] = name
    found[#found + 1] = redis.call('PTTL', name)
    found[#found + 1] = kept
  end
end
return found
"""
"""One script, so that no change of the board comes between two keys. KEYS[1], the board's prefix, finds the node of a cluster."""

FENCES_LEFT_OUT = 1_000_000_000
"""Attempts that began after the backup had fences that the restored board knows nothing of. It must never give one of them again."""


async def write_board(settings: NodeSettings, path: Path) -> int:
    """Write all keys of the neighbourhood; returns how many. Errors: `Refused` (`backup.board`)."""
    try:
        async with _board_of(settings) as board:
            found = await board.redis.eval(ALL_KEYS, 1, board.prefix, f"{board.prefix}:*")
    except (*TROUBLE, Refused) as error:
        raise Refused("backup.board", str(error)) from None
    with path.open("w", encoding="utf-8") as file:
        for name, left_ms, kept in zip(found[::3], found[1::3], found[2::3], strict=True):
            file.write(json.dumps([name.decode(), left_ms, base64.b64encode(kept).decode()]) + "\n")
    return len(found) // 3


async def read_board(settings: NodeSettings, path: Path) -> None:
    """Put the keys into the Redis of the settings, else into a private one in the data folder.

    Errors: `Refused` (`restore.board`, `backup.newer`), those of Redis.
    """
    async with _board_of(settings) as board:
        if await _is_there(board):
            raise Refused("restore.board")
        try:
            with path.open(encoding="utf-8") as file:
                for line in file:
                    name, left_ms, kept = json.loads(line)
                    # The keys are those of the neighbourhood that was backed up; this node's may have another name.
                    mine = board.prefix + name[name.index("}:board") + len("}:board") :]
                    await board.ask("RESTORE", mine, max(left_ms, 0), base64.b64decode(kept))
            await board.ask("INCRBY", board.key("epoch"), FENCES_LEFT_OUT)
        except ResponseError as error:
            raise Refused("backup.newer", f"the board: {error}") from None


async def check_no_board(settings: NodeSettings) -> None:
    """Errors: `Refused` (`restore.board`), those of Redis."""
    if _own_url(settings):
        async with _board_of(settings) as board:
            if await _is_there(board):
                raise Refused("restore.board")


async def drop_board(settings: NodeSettings) -> None:
    """Take away the keys that a restoring which failed had made in a Redis of the operator's."""
    if _own_url(settings):
        async with _board_of(settings) as board:
            for name in await board.redis.eval("return redis.call('KEYS', ARGV[1])", 1, board.prefix, f"{board.prefix}:*"):
                await board.ask("DEL", name)


async def _is_there(board: Board) -> bool:
    return bool(await board.redis.eval("return #redis.call('KEYS', ARGV[1])", 1, board.prefix, f"{board.prefix}:*"))


def _own_url(settings: NodeSettings) -> str:
    return settings.board_url or settings.redis_url


@asynccontextmanager
async def _board_of(settings: NodeSettings) -> AsyncIterator[Board]:
    async with _redis_url(settings) as url:
        client: Any = open_redis(url)
        try:
            yield Board(client, settings.neighbourhood)
        finally:
            await client.aclose()


@asynccontextmanager
async def _redis_url(settings: NodeSettings) -> AsyncIterator[str]:
    """The operator's Redis; else the private one of the running node; else one that is started for this, on the node's files."""
    if own := _own_url(settings):
        yield own
        return
    folder = settings.data_dir / "board"
    with ExitStack() as held:
        try:
            held.enter_context(hold_folder(settings.data_dir))
        except Refused:  # a node runs on it, or it is being restored
            left = left_behind(folder)
            if left is not None:
                yield left[0].url
                return
        child, private = await start_private(folder, SystemClock())
        try:
            yield private.url
        finally:
            await child.stop()
