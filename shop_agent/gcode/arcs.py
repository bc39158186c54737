# SPDX-License-Identifier: AGPL-3.0-or-later
"""Arcs: where their centre lies, how far they bulge, how long they are. Pure geometry in the plane of two axes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from operator import sub

FULL_TURN = 2 * math.pi
SAME_RADIUS_MM, SAME_RADIUS_PART, NEVER_SAME_MM = 0.005, 0.001, 0.5
"""Grbl refuses an arc whose radii at its start and its end differ by more than 0.005 mm and by more than 0.1 % or 0.5 mm
(https://github.com/gnea/grbl, gcode.c, error 33). The gate holds every arc to that."""


def centre_by_radius(at: tuple[float, float], to: tuple[float, float], radius: float, clockwise: bool) -> tuple[float, float] | None:
    """The centre of an arc in R form, or None where there is none: the same start and end, or a chord longer than the diameter.

    A negative radius is the longer way round (NIST RS274NGC, 3.5.3.1).
    """
    dx, dy = to[0] - at[0], to[1] - at[1]
    chord = math.hypot(dx, dy)
    if chord < 1e-9 or abs(radius) < chord / 2 - SAME_RADIUS_MM:
        return None
    height = math.sqrt(max(radius * radius - chord * chord / 4, 0.0))
    side = 1 if (clockwise == (radius < 0)) else -1
    return (at[0] + to[0]) / 2 - side * dy / chord * height, (at[1] + to[1]) / 2 + side * dx / chord * height


def centres_by_radius(
    begins: tuple[list[float], list[float]], ends: tuple[list[float], list[float]], radii: Sequence[float], clockwise: list[bool]
) -> tuple[list[float], list[float]] | None:
    """`centre_by_radius` of many arcs, to the last bit the same; None where one of them has none. Each pair is a list for either axis."""
    dx, dy = (list(map(sub, to, at)) for at, to in zip(begins, ends, strict=True))
    chords = list(map(math.hypot, dx, dy))
    too_long = [abs(radius) < chord / 2 - SAME_RADIUS_MM for radius, chord in zip(radii, chords, strict=True)]
    if min(chords) < 1e-9 or True in too_long:
        return None
    squares = [radius * radius - chord * chord / 4 for radius, chord in zip(radii, chords, strict=True)]
    heights = [math.sqrt(square) if square > 0 else 0.0 for square in squares]
    up = [height if way == (radius < 0) else -height for height, way, radius in zip(heights, clockwise, radii, strict=True)]
    (ax, ay), (bx, by) = begins, ends
    return (
        [(a + b) / 2 - y / chord * height for a, b, y, chord, height in zip(ax, bx, dy, chords, up, strict=True)],
        [(a + b) / 2 + x / chord * height for a, b, x, chord, height in zip(ay, by, dx, chords, up, strict=True)],
    )


def same_radius(begin: float, end: float) -> bool:
    """Whether an arc's radii at its start and its end are one radius, as Grbl judges it."""
    apart = abs(begin - end)
    return apart <= SAME_RADIUS_MM or (apart <= NEVER_SAME_MM and apart <= SAME_RADIUS_PART * begin)


SHORTEST_ARC_MM = 0.001
"""Shorter arcs count as full circles: controllers reckon with numbers of 24 bits, and whether start and end are one place to them is chance
(Grbl: ARC_ANGULAR_TRAVEL_EPSILON in config.h; Marlin: NEAR_ZERO in G2_G3.cpp)."""


def turn_of(dx: float, dy: float, ex: float, ey: float, clockwise: bool) -> float:
    """The angle from (dx, dy) to (ex, ey) about the centre, in radians above 0; the same start and end is a full circle."""
    turn = math.atan2(dx * ey - dy * ex, dx * ex + dy * ey)
    turn = (-turn if clockwise else turn) % FULL_TURN
    return turn if turn > 1.0 or turn * math.hypot(dx, dy) > SHORTEST_ARC_MM else FULL_TURN


def turns_of(dx: list[float], dy: list[float], ex: list[float], ey: list[float], clockwise: list[bool]) -> list[float]:
    """`turn_of` of many arcs, to the last bit the same."""
    across = [a * d - b * c for a, b, c, d in zip(dx, dy, ex, ey, strict=True)]
    along = [a * c + b * d for a, b, c, d in zip(dx, dy, ex, ey, strict=True)]
    turns = [(-angle if one else angle) % FULL_TURN for angle, one in zip(map(math.atan2, across, along), clockwise, strict=True)]
    if min(turns) > 1.0:
        return turns
    return list(map(turn_of, dx, dy, ex, ey, clockwise))


def quarters(begin: float, turn: float, clockwise: bool) -> Iterator[tuple[int, int]]:
    """The directions (along the first axis, along the second) in which an arc that starts at angle `begin` reaches its circle's edge."""
    for quarter, edge in enumerate(((1, 0), (0, 1), (-1, 0), (0, -1))):
        angle = quarter * math.pi / 2
        if (begin - angle if clockwise else angle - begin) % FULL_TURN <= turn:
            yield edge
