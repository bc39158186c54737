# SPDX-License-Identifier: AGPL-3.0-or-later
"""Closed lines: what they enclose, how round they are, how tight their corners."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from registry.geometry.drawings.joining import Line
from registry.geometry.drawings.lines import Points

ROUND = 2e-3
"""A closed line is a circle where no point is farther than this part of the radius from it: less than the chords of most exports miss."""

FEWEST_ROUND = 8
"""Corners below which a closed line is a polygon and no circle, however regular."""

SHARP_DEG = 20.0
"""A turn at one point that is a corner. Below it, the points are taken for those of a curve: circles are drawn with 18 chords or more."""

MOST_PAIRS = 2_000_000
"""Pairs of closed lines, near each other, that are looked at for crossings; in a drawing with more, fewer may be counted than there are."""

NO_AREA = 1e-6
"""A closed line that encloses less than this part of its length squared runs there and back: a slit and no outline."""


@dataclass(frozen=True)
class Loop:
    """A closed line with what it encloses, mm and mm²; `points` anticlockwise, `diameter` 0 where it is not round, `polygon` valid and
    `simple` whether it was so as drawn."""

    points: Points
    layer: str
    length: float
    area: float
    diameter: float
    polygon: Any
    simple: bool


def loops_of(lines: list[Line]) -> tuple[list[Loop], list[Line]]:
    """Closed lines as loops, and those that enclose nothing."""
    loops: list[Loop] = []
    slits: list[Line] = []
    for line in lines:
        loop = _loop(line) if len(line.points) > 3 else None
        if loop is None:
            slits.append(line)
        else:
            loops.append(loop)
    return loops, slits


def _loop(line: Line) -> Loop | None:
    points = line.points - line.points[0]  # near the origin: far away, the products below would lose their digits
    x, y = points[:, 0], points[:, 1]
    chords = float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum() / 2)
    polygon = shapely.Polygon(line.points)
    simple = bool(shapely.is_valid(polygon))
    area = abs(chords + line.bow)
    if not simple:
        polygon = shapely.make_valid(polygon)
        area = float(polygon.area)
    if area <= NO_AREA * line.length**2:
        return None
    turned = line.points if chords > 0 else line.points[::-1]
    return Loop(turned, line.layer, line.length, area, _diameter(line), polygon, simple)


def _diameter(line: Line) -> float:
    """The diameter of a round line, else 0. The circle is the one that misses the points' squares least (Kåsa 1976)."""
    points = line.points[:-1]
    if len(points) < FEWEST_ROUND:
        return 0.0
    middle = points.mean(axis=0)
    spread = float(np.abs(points - middle).max())
    if not spread:
        return 0.0
    near = (points - middle) / spread
    sides = np.column_stack([2 * near, np.ones(len(near))])
    (x, y, rest), *_ = np.linalg.lstsq(sides, (near**2).sum(axis=1), rcond=None)
    radius = math.sqrt(max(0.0, rest + x * x + y * y))
    misses = np.abs(np.hypot(near[:, 0] - x, near[:, 1] - y) - radius)
    if radius == 0 or misses.max() > ROUND * radius or line.length > 1.01 * math.tau * radius * spread:
        return 0.0
    steps = np.hypot(*np.diff(line.points, axis=0).T)
    return 0.0 if steps.max() > 1.2 * radius * spread else 2 * radius * spread


def width_of(loop: Loop) -> float:
    """The diameter of a round line, else the shorter side of the smallest rectangle round it, mm."""
    if loop.diameter:
        return loop.diameter
    box = shapely.oriented_envelope(loop.polygon)
    corners = shapely.get_coordinates(box)
    return float(min(np.hypot(*(corners[1] - corners[0])), np.hypot(*(corners[2] - corners[1])))) if len(corners) > 3 else 0.0


def least_inner_radius(loop: Loop, outer: bool, within: float) -> float | None:
    """The radius of the tightest corner into which a round cutter must reach, mm; 0 where it is sharp, `None` where there is none.

    Of an outline those are the corners that bend inwards, of a cut-out those that bend outwards. The radius is that of the circle through
    three neighbouring points: exact on arcs. Parameters: `within`, the tolerance of joining, mm; steps below a fiftieth of it are rounding
    and not looked at, larger ones may be the chords of a small arc.
    """
    if loop.diameter:
        return None if outer else loop.diameter / 2
    points = _without_specks(loop.points[:-1], within / 50)
    turn = _inward_turns(points, outer)
    inward = turn > math.radians(0.05)
    if not inward.any():
        return None
    if (turn > math.radians(SHARP_DEG)).any():
        return 0.0
    across = np.hypot(*(np.roll(points, -1, axis=0) - np.roll(points, 1, axis=0))[inward].T)
    return float((across / (2 * np.sin(turn[inward]))).min())


def sharp_inner_corners(loop: Loop, outer: bool, within: float) -> int:
    """How many corners are sharp into which a round cutter must reach. Parameters: as `least_inner_radius`."""
    if loop.diameter:
        return 0
    turn = _inward_turns(_without_specks(loop.points[:-1], within / 50), outer)
    return int((turn > math.radians(SHARP_DEG)).sum())


def _inward_turns(points: Points, outer: bool) -> Points:
    """By how much a closed line turns at each point, radians, positive where a cutter comes into a corner; shape (n,), empty below 3."""
    if len(points) < 3:
        return np.zeros(0)
    before, after = points - np.roll(points, 1, axis=0), np.roll(points, -1, axis=0) - points
    cross = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    turn: Points = np.arctan2(cross, (before * after).sum(axis=1))
    return -turn if outer else turn


def _without_specks(points: Points, within: float) -> Points:
    steps = np.hypot(*(points - np.roll(points, 1, axis=0)).T)
    kept: Points = points[steps > within]
    return kept


def crossing_loops(loops: list[Loop]) -> int:
    """How many closed lines cross themselves or another one. Lines that only touch, as parts that share a cut, do not cross."""
    crossing = {index for index, loop in enumerate(loops) if not loop.simple}
    polygons = np.array([loop.polygon for loop in loops], dtype=object)
    tree = shapely.STRtree(polygons)
    pairs = 0
    for index, polygon in enumerate(polygons):
        near = tree.query(polygon)
        near = near[near > index]
        pairs += len(near)
        if pairs > MOST_PAIRS:
            break
        shapely.prepare(polygon)
        over = near[shapely.overlaps(polygon, polygons[near])]
        shared = shapely.area(shapely.intersection(polygon, polygons[over]))
        smaller = np.minimum(shapely.area(polygon), shapely.area(polygons[over]))
        through = over[shared > 1e-3 * smaller]  # less is what chords of one curve, divided in two ways, leave
        crossing.update(through.tolist(), [index] * bool(len(through)))
    return len(crossing)
