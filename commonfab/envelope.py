# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whether a part has room in a machine. The router asks before it offers, the shop again before it accepts, and both must agree."""

from __future__ import annotations

from dataclasses import dataclass

from commonfab import v1
from commonfab.reasons import reason
from commonfab.units import told_apart

TOLERANCE_MM = 0.01
"""A part of exactly the machine's size fits, whatever the last bit of a measurement says."""

ABOUT_THE_SAME = 1.1


Sides = tuple[float, float, float]


@dataclass(frozen=True)
class Room:
    """One way to put a part into a machine: the turn, the box it then takes along the machine's axes (mm), and the room there is."""

    turn: v1.Rotation
    sides: Sides
    has: Sides

    @property
    def misses_mm(self) -> float:
        """By how much it does not fit, summed over the axes; 0 where it fits."""
        return _misses(self.sides, self.has)

    @property
    def margin_mm(self) -> float:
        """The room left along the tightest axis; negative where it does not fit."""
        return min(has - needs for needs, has in zip(self.sides, self.has, strict=True))


def best_room(need: v1.Requirement, room: v1.Size) -> Room:
    """The first of the allowed placements that fits, in the order of preference; where none does, the one that misses least.

    Of two that miss by about the same the preferred one is taken: nobody turns a plank by 10 degrees to save a finger's breadth.
    """
    has = (room.x, room.y, room.z)
    tried: list[tuple[float, v1.Placement, bool]] = []
    for placement in need.placements or [_as_drawn(need)]:
        misses, turned = _least_missing(placement.size_mm, has, not need.keep_direction)
        if not misses:
            return _placed(placement, turned, has)
        tried.append((misses, placement, turned))
    least = min(misses for misses, _, _ in tried)
    return next(_placed(placement, turned, has) for misses, placement, turned in tried if misses <= least * ABOUT_THE_SAME)


def has_room(need: v1.Requirement, x: float, y: float, z: float) -> bool:
    """Whether `too_small` says nothing of a room of those sides, mm, without finding the best placement: most parts fit as they are
    preferred, and this is asked of every machine."""
    wide, deep, high = x + TOLERANCE_MM, y + TOLERANCE_MM, z + TOLERANCE_MM
    turns = not need.keep_direction
    for one in need.placements or (need,):
        size = one.size_mm
        across, along = size.x, size.y
        if size.z <= high and ((across <= wide and along <= deep) or (turns and along <= wide and across <= deep)):
            return True
    return False


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


def _least_missing(size: v1.Size, has: Sides, may_turn: bool) -> tuple[float, bool]:
    """By how much a box misses, mm, as it is or, where that is less, a quarter turned about the vertical; and whether it was turned."""
    x, y, z = size.x, size.y, size.z
    as_is = _misses((x, y, z), has)
    if not as_is or not may_turn:
        return as_is, False
    turned = _misses((y, x, z), has)
    return (turned, True) if turned < as_is else (as_is, False)


def _placed(placement: v1.Placement, turned: bool, has: Sides) -> Room:
    size, turn = placement.size_mm, placement.turn
    if not turned:
        return Room(turn, (size.x, size.y, size.z), has)
    return Room(v1.Rotation(x_deg=turn.x_deg, y_deg=turn.y_deg, z_deg=(turn.z_deg + 90) % 360), (size.y, size.x, size.z), has)


def _misses(needs: Sides, has: Sides) -> float:
    gaps = (needs[0] - has[0], needs[1] - has[1], needs[2] - has[2])
    return sum(max(0.0, gap) for gap in gaps) if max(gaps) > TOLERANCE_MM else 0.0
