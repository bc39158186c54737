# SPDX-License-Identifier: AGPL-3.0-or-later
"""From which sides a part is worked on: axes, set-ups and the room they take. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from commonfab import v1
from registry.makeability.machining import SAME_DIRECTION, axis_of, cosine, parallel, sides, square


@dataclass(frozen=True)
class SetUps:
    """Axes that must move, and how often the part is clamped."""

    axes: int
    times: int


def set_ups(directions: Sequence[v1.Vector]) -> SetUps:
    """The simplest machine that comes from all `directions` (from the tool towards the part), and the clampings it takes there.

    Three axes where all are parallel or square to each other, with one clamping for each. Four where the odd ones lie in one plane: a
    rotary axis square to it turns the part to all of that plane in one clamping. Else five (3+2), with two clampings: one for everything
    but the face it stands on, one for that face.
    """
    different = _different(directions)
    if all(parallel(a, b) or square(a, b) for a, b in combinations(different, 2)):
        return SetUps(3, max(1, len(different)))
    for a, b in combinations(different, 2):
        rotary = cross(a, b)
        if not parallel(a, b) and all(square(rotary, d) or parallel(rotary, d) for d in different):
            return SetUps(4, 1 + sum(parallel(rotary, d) for d in different))
    return SetUps(5, 2)


def _different(directions: Sequence[v1.Vector]) -> list[v1.Vector]:
    """Each direction once; opposite ones are two."""
    kept: list[v1.Vector] = []
    for direction in directions:
        if all(cosine(direction, other) < SAME_DIRECTION for other in kept):
            kept.append(direction)
    return kept


def cross(a: v1.Vector, b: v1.Vector) -> v1.Vector:
    """The direction square to both."""
    return v1.Vector(x=a.y * b.z - a.z * b.y, y=a.z * b.x - a.x * b.z, z=a.x * b.y - a.y * b.x)


def room(size: v1.Size, directions: Sequence[v1.Vector]) -> list[v1.Placement]:
    """The one box on a machine table that has room for the part in every set-up, mm; none where it is drawn askew.

    With a direction upright, the extent along it is the height and the longer of the others goes along X. The box takes the largest of
    each over all set-ups: a machine that holds the part one way up but not the other cannot finish it. The turn brings the first
    direction to point down.
    """
    upright = [axis for axis in map(axis_of, directions) if axis >= 0]
    if not upright:
        return []
    boxes = [_standing(sides(size), axis) for axis in upright]
    x, y, z = (max(box[side] for box in boxes) for side in range(3))
    first = next(direction for direction in directions if axis_of(direction) >= 0)
    return [v1.Placement(turn=turned_down(first), size_mm=v1.Size(x=x, y=y, z=z))]


def _standing(extent: tuple[float, float, float], axis: int) -> tuple[float, float, float]:
    lying = sorted((side for at, side in enumerate(extent) if at != axis), reverse=True)
    return lying[0], lying[1], extent[axis]


def turned_down(direction: v1.Vector) -> v1.Rotation:
    """The turn after which a direction along an axis of the file points down, as a tool comes."""
    axis = axis_of(direction)
    up = (direction.x, direction.y, direction.z)[axis] > 0
    if axis == 0:
        return v1.Rotation(y_deg=90 if up else -90)
    if axis == 1:
        return v1.Rotation(x_deg=-90 if up else 90)
    return v1.Rotation(x_deg=180 if up else 0)
