# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which closed line lies in which: outlines of parts, their cut-outs, and the sheet they are laid out on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from registry.geometry.drawings.contours import Loop
from registry.geometry.faults import Unmeasurable

Numbers = npt.NDArray[np.int64]

RECTANGLE = 0.98
"""A line that fills this part of the smallest rectangle round it is a rectangle, be its corners cut or rounded."""

SHEET_NAMES = ("sheet", "stock", "rohmaterial", "tafel", "tole", "tôle", "chapa", "blank")
"""What a layer is called that shows the sheet and not a part."""

MOST_PAIRS = 2_000_000
"""Pairs of loops, one in the other, that are looked at: two thousand loops, each in all those before it, are no drawing of parts."""


@dataclass(frozen=True)
class Nest:
    """What each loop is: `part`, from 1, 0 for the sheet; `outer`, whether it is the outline of its part; `sheet`, the index of the loop
    that shows the sheet, or -1."""

    part: Numbers
    outer: npt.NDArray[np.bool_]
    sheet: int


def nested(loops: list[Loop]) -> Nest:
    """Sort loops into outlines, cut-outs and the sheet. Errors: `Unmeasurable` (`dxf.too_dense`)."""
    parent = _parents(loops)
    sheet = _sheet(loops, parent)
    depth = np.zeros(len(loops), np.int64)
    part = np.zeros(len(loops), np.int64)
    parts = 0
    for index in _largest_first(loops):
        if index == sheet:
            continue
        above = parent[index]
        depth[index] = 0 if above < 0 or above == sheet else depth[above] + 1
        if depth[index] % 2 == 0:
            parts += 1
            part[index] = parts
        else:
            part[index] = part[above]
    outer = depth % 2 == 0
    return Nest(part, outer, sheet)


def _largest_first(loops: list[Loop]) -> list[int]:
    return sorted(range(len(loops)), key=lambda index: -loops[index].area)


def _parents(loops: list[Loop]) -> Numbers:
    """The smallest loop round each loop, or -1. Errors: `Unmeasurable` (`dxf.too_dense`)."""
    parent = np.full(len(loops), -1, np.int64)
    if len(loops) < 2:
        return parent
    polygons = np.array([loop.polygon for loop in loops], dtype=object)
    inside = shapely.point_on_surface(polygons)
    boxes = shapely.bounds(polygons)
    sizes = boxes[:, 2:] - boxes[:, :2]
    slack = 1e-6 * sizes.max()
    areas = np.array([loop.area for loop in loops])
    tree = shapely.STRtree(inside)
    pairs = 0
    for index in _largest_first(loops):  # from large to small, so that the last one round a loop is the smallest
        within = tree.query(polygons[index], predicate="contains")
        pairs += len(within)
        if pairs > MOST_PAIRS:
            raise Unmeasurable("dxf.too_dense", limit=MOST_PAIRS)
        low = (boxes[within, :2] >= boxes[index, :2] - slack).all(axis=1)
        high = (boxes[within, 2:] <= boxes[index, 2:] + slack).all(axis=1)
        smaller = areas[within] < areas[index]
        parent[within[low & high & smaller & (within != index)]] = index
    return parent


def _sheet(loops: list[Loop], parent: Numbers) -> int:
    """The rectangle round all others that shows the sheet and not a part, or -1.

    A plate with holes is a rectangle round all others as well. It is the sheet where its layer says so, or where lines inside it have
    lines inside them, as parts with holes do.
    """
    outermost = np.flatnonzero(parent < 0)
    if len(outermost) != 1 or len(loops) < 2:
        return -1
    index = int(outermost[0])
    loop = loops[index]
    box = shapely.oriented_envelope(loop.polygon)
    inner = shapely.MultiPoint(np.concatenate([other.points for place, other in enumerate(loops) if place != index])).convex_hull
    margin = shapely.distance(loop.polygon.exterior, inner) if loop.polygon.geom_type == "Polygon" else 0.0
    if loop.area < RECTANGLE * box.area or margin <= 0:
        return -1
    named = any(word in loop.layer.lower() for word in SHEET_NAMES)
    grandchildren = bool(((parent >= 0) & (parent != index)).any())
    return index if named or grandchildren else -1


def narrowest_web(loops: list[Loop], nest: Nest) -> float:
    """The narrowest strip of material between two cuts of one part, mm; 0 where no part has two."""
    least = np.inf
    for part in range(1, int(nest.part.max(initial=0)) + 1):
        rings = np.array([shapely.LinearRing(loops[index].points) for index in np.flatnonzero(nest.part == part)], dtype=object)
        if len(rings) > 1:
            _, apart = shapely.STRtree(rings).query_nearest(rings, exclusive=True, return_distance=True)
            least = min(least, float(apart.min()))
    return float(least) if np.isfinite(least) else 0.0
