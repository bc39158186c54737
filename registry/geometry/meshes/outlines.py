# SPDX-License-Identifier: AGPL-3.0-or-later
"""What must be cut along the outlines of a plate that was found in a mesh: loops of short straight lines."""

from __future__ import annotations

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from commonfab import v1
from registry.geometry.boxes import extents, hull_corners
from registry.geometry.facets import Floats

LEAST_CORNERS = 8
ROUND = 0.01
"""A loop of at least so many corners, all at the same distance from their middle within this part of it, is a circle."""

SHARP_DEG = 30.0
"""A corner that turns more is sharp; less, and it is a step of a tessellated arc. Our own choice: arcs have 13 steps to a turn or more."""

STRAIGHT_DEG = 1.0
MOST_LOOPS = 2000


def note_outline(sheet: v1.SheetFacts, outline: BaseGeometry) -> None:
    """Fill cut length, pierces, area, smallest hole, narrowest web and smallest inner radius from `outline`, one or more polygons, mm."""
    polygons = [shapely.geometry.polygon.orient(polygon) for polygon in shapely.get_parts(outline) if polygon.geom_type == "Polygon"]
    inner = [ring for polygon in polygons for ring in polygon.interiors]
    loops = [polygon.exterior for polygon in polygons] + inner
    sheet.area_mm2 = float(sum(polygon.area for polygon in polygons))
    sheet.cut_length_mm = float(sum(loop.length for loop in loops))
    sheet.pierces = len(loops)
    sheet.smallest_hole_mm = min((hole_width(ring) for ring in inner), default=0.0)
    sheet.narrowest_web_mm = _narrowest_web(loops)
    sheet.sharp_inner_corners = sum(_sharp_corners(loop) for loop in loops)
    sheet.least_inner_radius_mm = 0.0 if sheet.sharp_inner_corners else _least_inner_radius(loops)


def circle_of(loop: BaseGeometry) -> float:
    """The radius of the circle that the corners of `loop` lie on, mm; 0 where they lie on none."""
    points = shapely.get_coordinates(loop)[:-1]
    if len(points) < LEAST_CORNERS:
        return 0.0
    # The circle through points in the least-squares sense (Kåsa 1976): x² + y² = 2ax + 2by + c, about their middle.
    points = points - points.mean(axis=0)
    system = np.column_stack([2 * points, np.ones(len(points))])
    a, b, c = np.linalg.lstsq(system, (points**2).sum(axis=1), rcond=None)[0]
    radius = float(np.sqrt(max(c + a * a + b * b, 0.0)))
    distances = np.hypot(points[:, 0] - a, points[:, 1] - b)
    whole = abs(shapely.Polygon(loop).area / (np.pi * radius**2) - 1) < 0.15 if radius else False  # an octagon has 10 % less
    return radius if whole and np.abs(distances - radius).max() <= ROUND * radius else 0.0


def is_circle(loop: BaseGeometry) -> bool:
    """Whether the corners of `loop` lie on a circle."""
    return circle_of(loop) > 0


def hole_width(loop: BaseGeometry) -> float:
    """The diameter of a round cut-out, else the shorter side of the smallest box round it, mm."""
    radius = circle_of(loop)
    if radius:
        return 2 * radius
    hull = hull_corners(shapely.get_coordinates(loop)[:-1])
    edges = np.roll(hull, -1, axis=0) - hull
    return float(extents(hull, -np.arctan2(edges[:, 1], edges[:, 0])).min())


def _narrowest_web(loops: list[BaseGeometry]) -> float:
    """The shortest way from one loop to another; 0 for a single one, or too many."""
    if not 1 < len(loops) <= MOST_LOOPS:
        return 0.0
    tree = shapely.STRtree(loops)
    _, distances = tree.query_nearest(loops, exclusive=True, return_distance=True)
    return float(distances.min(initial=np.inf)) if len(distances) else 0.0


def _least_inner_radius(loops: list[BaseGeometry]) -> float:
    """The smallest radius of an inner corner where none is sharp; 0 where there is no inner corner at all.

    Loops run with the material on their left, so that an inner corner is one that turns right.
    """
    least = np.inf
    for loop in loops:
        radius = circle_of(loop)
        least = min(least, _tightest_turn(_corners(loop)) if not radius or loop.is_ccw else radius)
    return float(least) if np.isfinite(least) else 0.0


def _sharp_corners(loop: BaseGeometry) -> int:
    """How many inner corners of a loop are sharp. A coarse circle turns by more than that at each of its corners and has none."""
    return 0 if circle_of(loop) else int((_turns(_corners(loop)) < -np.radians(SHARP_DEG)).sum())


def _corners(loop: BaseGeometry) -> Floats:
    """The corners of a loop without those that only divide a straight line."""
    points: Floats = shapely.get_coordinates(loop)[:-1]
    corners: Floats = points[np.abs(_turns(points)) > np.radians(STRAIGHT_DEG) / 100]
    return corners


def _turns(points: Floats) -> Floats:
    """By how much a closed polygon turns at each of its points, radians, positive to the left; shape (n,)."""
    steps = np.roll(points, -1, axis=0) - points
    angles = np.arctan2(steps[:, 1], steps[:, 0])
    turns: Floats = (angles - np.roll(angles, 1) + np.pi) % (2 * np.pi) - np.pi
    return turns


def _tightest_turn(points: Floats) -> float:
    """The smallest radius along a polygon where it turns right: of the circle on which two steps of equal length turn so much."""
    lengths = np.hypot(*(np.roll(points, -1, axis=0) - points).T)
    turns = _turns(points)
    right = turns < -np.radians(STRAIGHT_DEG)
    if not right.any():
        return np.inf
    shorter = np.minimum(lengths, np.roll(lengths, 1))[right]
    return float((shorter / (2 * np.sin(-turns[right] / 2))).min())
