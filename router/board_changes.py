# SPDX-License-Identifier: AGPL-3.0-or-later
"""What has changed among the shops of a board since somebody last looked, so that a picture of many shops is kept by reading few."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from commonfab import v1
from router.board import Board
from router.shop_on_board import ShopOnBoard

SHOPS_AT_ONCE = 1000
"""Rows that one script reads: it holds everybody else up while it runs."""

FEWEST_REPORTS = 3
"""Fewer reports than this say nothing of a machine's pace."""


@dataclass(frozen=True)
class Changes:
    """What a board's shops are now.

    `sequence`, from where to read on the next time; `now_ms`, the board's clock; `shops`, each that changed with the moment (ms) when it
    was last heard; `heard`, the same moment of every shop that was heard since the moment asked for; `restarted`, the board is another
    than the one that was read before (Redis was emptied or set back), so `shops` are all there are and what was known of others is void.
    """

    sequence: int
    now_ms: int
    shops: tuple[tuple[ShopOnBoard, int], ...]
    heard: Mapping[str, int]
    restarted: bool = False


async def read_changes(board: Board, since: int, heard_since_ms: int, at_once: int = SHOPS_AT_ONCE) -> Changes:
    """Every shop that changed after the sequence `since` (0 for all), in the order of their changes.

    Parameters: `heard_since_ms`, a moment of the board's clock, itself included; `at_once`, how many rows one script may read.
    """
    rows: dict[str, tuple[ShopOnBoard, int]] = {}
    heard: dict[str, int] = {}
    restarted, size = False, at_once
    while True:
        now, sequence, again, changed, calls = await board.run("read_changes", since, heard_since_ms, size)
        if again:
            restarted = True
            rows.clear()
        for row in changed:
            known, heard_at = _shop(row, now)
            rows.pop(known.shop.id, None)  # It changed again while the pages were read.
            rows[known.shop.id] = (known, heard_at)
        heard.update({shop.decode(): int(float(at)) for shop, at in zip(calls[::2], calls[1::2], strict=True)})
        if len(changed) < size and len(calls) // 2 < size:
            return Changes(sequence, now, tuple(rows.values()), heard, restarted)
        since = int(float(changed[-1][1])) if len(changed) == size else sequence
        last = int(float(calls[-1])) if calls else heard_since_ms
        if len(calls) // 2 == size and last == heard_since_ms:  # A whole page that was heard in one millisecond.
            size *= 2
        heard_since_ms = last


async def read_shops(board: Board) -> list[ShopOnBoard]:
    """Every shop that was ever heard, in the order of their ids, with the work that lies with it."""
    changes = await read_changes(board, 0, 0)
    return sorted((known for known, _ in changes.shops), key=lambda known: known.shop.id)


def _shop(row: Sequence[Any], now: int) -> tuple[ShopOnBoard, int]:
    _, sequence, heard, descriptor, had, paces, proven, work = row
    queued: dict[str, float] = defaultdict(float)
    for machine, left in zip(work[::2], work[1::2], strict=True):
        queued[machine.decode()] += float(left)
    heard_at = int(float(heard))
    return ShopOnBoard(
        shop=v1.Shop.FromString(descriptor),
        heard_ago=(now - heard_at) / 1000,
        queued_minutes=dict(queued),
        pace=_pace(paces),
        had_minutes=float(had),
        proven={process.decode(): int(pieces) for process, pieces in zip(proven[::2], proven[1::2], strict=True)},
        sequence=int(float(sequence)),
    ), heard_at


def _pace(flat: Sequence[bytes]) -> dict[str, float]:
    """The median, which one wild report does not move."""
    reported = {machine.decode(): [float(ratio) for ratio in ratios.split()] for machine, ratios in zip(flat[::2], flat[1::2], strict=True)}
    return {machine: median(ratios) for machine, ratios in reported.items() if len(ratios) >= FEWEST_REPORTS}
