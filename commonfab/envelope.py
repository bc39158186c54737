# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whether a part has room in a machine. The router asks before it offers, the shop again before it accepts, and both must agree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from commonfab import v1
from commonfab.reasons import reason
from commonfab.units import told_apart

TOLERANCE_MM = 0.01
"""A part of exactly the machine's size fits, whatever the last bit of a measurement says."""

ABOUT_THE_SAME = 1.1


@dataclass(frozen=True)
class Room:
    """One way to put a part into a machine: the turn, the box it then takes along the machine's axes (mm), and the room there is."""

    turn: v1.Rotation
    sides: tuple[float, float, float]
    has: tuple[float, float, float]

    @property
    def misses_mm(self) -> float:
        """By how much it does not fit, summed over the axes; 0 where it fits."""
        gaps = [needs - has for needs, has in zip(self.sides, self.has, strict=True)]
        return sum(max(0.0, gap) for gap in gaps) if max(gaps) > TOLERANCE_MM else 0.0

    @property
    def margin_mm(self) -> float:
        """The room left along the tightest axis; negative where it does not fit."""
        return min(has - needs for needs, has in zip(self.sides, self.has, strict=True))


def best_room(need: v1.Requirement, room: v1.Size) -> Room:
    """The first of the allowed placements that fits, in the order of preference; where none does, the one that misses least.

    Of two that miss by about the same the preferred one is taken: nobody turns a plank by 10 degrees to save a finger's breadth.
    """
    tried = [min(_turned(placement, need, room), key=lambda way: way.misses_mm) for placement in need.placements or [_as_drawn(need)]]
    least = min(way.misses_mm for way in tried)
    return next(way for way in tried if way.misses_mm <= least * ABOUT_THE_SAME)


def too_small(need: v1.Requirement, room: v1.Size) -> list[v1.Reason]:
    """The axes along which the part does not fit in any allowed placement, each with what it needs and what there is, mm.

    Codes: `size.x`, `size.y`, `size.z`. The reasons are those of the placement that misses least.
    """
    best = best_room(need, room)
    missing = zip(("size.x", "size.y", "size.z"), best.sides, best.has, strict=True)
    return [_missing(code, needs, has) for code, needs, has in missing if needs > has + TOLERANCE_MM]


def _missing(code: str, needs: float, has: float) -> v1.Reason:
    told_needs, told_has = told_apart(needs, has)
    return reason(code, needs=told_needs, has=told_has)


def _as_drawn(need: v1.Requirement) -> v1.Placement:
    return v1.Placement(size_mm=need.size_mm)


def _turned(placement: v1.Placement, need: v1.Requirement, room: v1.Size) -> Iterator[Room]:
    """The placement, and the same a quarter turned about the vertical where that is allowed."""
    has = (room.x, room.y, room.z)
    size, turn = placement.size_mm, placement.turn
    yield Room(turn, (size.x, size.y, size.z), has)
    if not need.keep_direction:
        quarter = v1.Rotation(x_deg=turn.x_deg, y_deg=turn.y_deg, z_deg=(turn.z_deg + 90) % 360)
        yield Room(quarter, (size.y, size.x, size.z), has)
