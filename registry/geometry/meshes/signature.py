# SPDX-License-Identifier: AGPL-3.0-or-later
"""What stays the same of a shape when it is moved, turned or scaled: the convention that meshes, solids and drawings share.

`sides` are those of the smallest box that was found, over the ways to lie and the turns about the vertical. Fullness, the ratios of the
sides and `boundary³ / measure²` (for a drawing `boundary² / measure`) are free of any unit; a unit that two files disagree about is the
ratio of their sides.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from commonfab import v1

NOT_COUNTED = -1


def signature(kind: str, sides: Sequence[float], measure: float, boundary: float, holes: int = NOT_COUNTED) -> v1.ShapeSignature:
    """The signature of a "solid" (three `sides` in mm, volume in mm³, surface in mm²) or of something "flat" (two `sides` in mm, area in
    mm², cut length in mm); `holes` through it, -1 where they were not counted."""
    ordered = sorted((float(side) for side in sides), reverse=True)
    room = float(np.prod(ordered))
    return v1.ShapeSignature(
        kind=kind, fullness=measure / room if room else 0.0, sides_mm=ordered, measure=measure, boundary=boundary, holes=holes
    )


def smallest_sides(lies: Sequence[v1.Lie]) -> tuple[float, float, float]:
    """The sides of the box with the least volume among all placements, mm, the longest first; zeros without any."""
    sizes = [placement.size_mm for lie in lies for placement in lie.placements]
    if not sizes:
        return (0.0, 0.0, 0.0)
    least = min(sizes, key=lambda size: size.x * size.y * size.z)
    first, second, third = sorted((least.x, least.y, least.z), reverse=True)
    return (first, second, third)
