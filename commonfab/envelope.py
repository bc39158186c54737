# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whether a part has room in a machine. The router asks before it offers, the shop again before it accepts, and both must agree."""

from __future__ import annotations

from commonfab import v1
from commonfab.reasons import reason
from commonfab.units import mm

TOLERANCE_MM = 0.01
"""A part of exactly the machine's size fits, whatever the last bit of a measurement says."""


def too_small(part: v1.Size, room: v1.Size) -> list[v1.Reason]:
    """The axes along which the part does not fit: `size.x`, `size.y`, `size.z`, each with what it needs and what there is, mm.

    The part may lie as drawn or turned a quarter about the vertical; the reasons are those of the lie that misses less.
    """
    as_drawn = [("size.x", part.x, room.x), ("size.y", part.y, room.y)]
    turned = [("size.x", part.y, room.x), ("size.y", part.x, room.y)]
    across = min((as_drawn, turned), key=lambda sides: sum(max(0.0, needs - has) for _, needs, has in sides))
    sides = [*across, ("size.z", part.z, room.z)]
    return [reason(code, needs=mm(needs), has=mm(has)) for code, needs, has in sides if needs > has + TOLERANCE_MM]
