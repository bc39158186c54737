# SPDX-License-Identifier: AGPL-3.0-or-later
"""The room that a machine would need: the usual sizes, and the few of them in which most of what waits would fit. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from commonfab import v1
from commonfab.envelope import TOLERANCE_MM
from commonfab.units import Quantity

Box = tuple[float, float, float]
"""Three sides, mm."""

STEP_MM, LARGE_STEP_MM, LARGE_MM = 50, 100, 500
"""Machines are built in steps of about that size; to name a finer one would promise more than a box can hold."""

ROOMS_AT_ONCE = 64
"""Rooms that are tried side by side: enough to be fast, few enough to need little memory."""

MOST_ROOMS = 4
"""Sizes that are named for one process. With more of them nobody would know which to buy."""


class Stand(NamedTuple):
    """One way in which a part may stand: its box in usual sizes, and whether it may be turned a quarter about the vertical.

    One that may be turned has its longer side along X.
    """

    box: Box
    turns: bool


def boxes_of(need: v1.Requirement) -> list[Stand]:
    """Every way in which a part may stand, in usual sizes, each once."""
    sizes = [placement.size_mm for placement in need.placements] or [need.size_mm]
    sheet, turns = need.stock == "sheet", not need.keep_direction
    return list(dict.fromkeys(_stand(size.x, size.y, size.z, sheet, turns) for size in sizes))


def few_rooms(parts: Sequence[Sequence[Stand]]) -> list[tuple[Box, set[int]]]:
    """A few rooms, and for each the parts (by their place in `parts`) that fit there in one of their ways, all of them counted.

    Each room is one that a part needs. The first is the one that takes most parts for its size (the edge of a cube as large), the next the
    one that takes most of the rest, and so on: so neither the one huge part hides what the many others need, nor the many small ones it.
    """
    rows = [(*stand.box, stand.turns, number) for number, stands in enumerate(parts) for stand in stands]
    if not rows:
        return []
    table = np.array(rows, dtype=np.float64)
    rooms = np.unique(table[:, :3], axis=0)
    edges = np.cbrt(np.maximum(rooms, 1.0).prod(axis=1))
    order = np.lexsort((*rooms.T[::-1], edges))  # of rooms that take as many for their size, the smallest
    rooms, edges = rooms[order], edges[order]
    takes = np.concatenate([_parts_in(rooms[at : at + ROOMS_AT_ONCE], table, len(parts)) for at in range(0, len(rooms), ROOMS_AT_ONCE)])
    left = np.ones(len(parts), dtype=bool)
    chosen: list[tuple[Box, set[int]]] = []
    while len(chosen) < MOST_ROOMS:
        gains = takes[:, left].sum(axis=1)
        if not gains.any():
            break
        best = int(np.argmax(gains / edges))
        x, y, z = rooms[best].tolist()
        chosen.append(((x, y, z), set(np.flatnonzero(takes[best]).tolist())))
        left &= ~takes[best]
    return chosen


def with_room(process: str, box: Box) -> str:
    """A machine in words: "fdm with room for 300 × 300 × 150 mm". Sides of which nothing is asked are left out, and so is a sheet's
    thickness: no bed is bought for that."""
    sides = " × ".join(str(Quantity(side)) for side in box if side >= STEP_MM)
    return f"{process} with room for {sides} mm" if sides else process


def _stand(x: float, y: float, z: float, sheet: bool, turns: bool) -> Stand:
    long, short = (max(x, y), min(x, y)) if turns else (x, y)
    return Stand((_usual(long), _usual(short), float(math.ceil(z - TOLERANCE_MM)) if sheet else _usual(z)), turns)


def _usual(side: float) -> float:
    """The next usual size that has room for a side; 0 where the side does not matter."""
    step = STEP_MM if side <= LARGE_MM + TOLERANCE_MM else LARGE_STEP_MM
    return float(math.ceil((side - TOLERANCE_MM) / step) * step) if side > 0 else 0.0


def _parts_in(rooms: npt.NDArray[np.float64], table: npt.NDArray[np.float64], parts: int) -> npt.NDArray[np.bool_]:
    """Which parts fit into which rooms in one of their ways: a row for every room. The rows of `table` are in the order of the parts."""
    boxes, turns, numbers = table[:, :3], table[:, 3] > 0, table[:, 4].astype(np.intp)
    turned = np.column_stack((rooms[:, :2].max(axis=1), rooms[:, :2].min(axis=1), rooms[:, 2]))
    fits = np.where(turns, _within(boxes, turned), _within(boxes, rooms))
    present, begins = np.unique(numbers, return_index=True)
    found = np.zeros((len(rooms), parts), dtype=bool)
    found[:, present] = np.logical_or.reduceat(fits, begins, axis=1)
    return found


def _within(boxes: npt.NDArray[np.float64], rooms: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Whether each box has room as it stands: a row for every room, a column for every box."""
    fits: npt.NDArray[np.bool_] = (boxes[:, 0] <= rooms[:, :1]) & (boxes[:, 1] <= rooms[:, 1:2]) & (boxes[:, 2] <= rooms[:, 2:])
    return fits
