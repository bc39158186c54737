# SPDX-License-Identifier: AGPL-3.0-or-later
"""The board of one moment, kept and put back, without the processes of a node around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cli.backup.board import ALL_KEYS, FENCES_LEFT_OUT
from router.board import Board


@dataclass(frozen=True)
class BoardBackup:
    """All keys of the board of one moment, taken and put back as `commonfab admin backup` and `restore` do."""

    board: Board
    kept: list[Any]

    @classmethod
    async def taken(cls, board: Board) -> BoardBackup:
        return cls(board, await board.redis.eval(ALL_KEYS, 1, board.prefix, f"{board.prefix}:*"))

    async def restore(self) -> None:
        redis = self.board.redis
        await redis.flushall()
        for name, left_ms, kept in zip(self.kept[::3], self.kept[1::3], self.kept[2::3], strict=True):
            await redis.restore(name, max(left_ms, 0), kept)
        await redis.incrby(self.board.key("epoch"), FENCES_LEFT_OUT)
