# SPDX-License-Identifier: AGPL-3.0-or-later
"""Each kind of DXF entity that can be cut, as curves seen from above."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from ezdxf.math import Vec3

from registry.geometry.drawings.lines import Curve, Points, arc, bulged, straight

CHORDS_OF_ELLIPSE = 192
CHORDS_PER_SPAN = 16
MOST_CHORDS = 4000
"""Chords of an ellipse, of a spline between two knots, and of a spline at most."""

SPLINE_FRAME = 16
"""The flag of a polyline's vertex that steers a curve and does not lie on it (Autodesk, DXF reference, VERTEX, group 70)."""

LEVEL = 1e-9
"""How far an extrusion may lean from the vertical and still be vertical."""


@dataclass(frozen=True)
class Seen:
    """A curve seen from above, and the lowest and highest z of it."""

    curve: Curve
    low: float = 0.0
    high: float = 0.0


def from_space(points: Iterable[Any]) -> Seen:
    """Straight lines through points in space, seen from above."""
    places = np.array([(p[0], p[1], p[2]) for p in (Vec3(point) for point in points)], dtype=np.float64)
    return Seen(straight(places[:, :2].copy()), float(places[:, 2].min()), float(places[:, 2].max()))


def _line(entity: Any) -> Seen:
    return from_space([entity.dxf.start, entity.dxf.end])


def _circle(entity: Any) -> Seen | None:
    return _arc_of(entity, 0.0, math.tau)


def _arc(entity: Any) -> Seen | None:
    sweep = math.radians((entity.dxf.end_angle - entity.dxf.start_angle) % 360) or math.tau
    return _arc_of(entity, math.radians(entity.dxf.start_angle % 360), sweep)


def _arc_of(entity: Any, start: float, sweep: float) -> Seen | None:
    centre, radius = Vec3(entity.dxf.center), float(entity.dxf.radius)
    if radius <= 0:
        return None
    return _placed(entity, arc(complex(centre.x, centre.y), radius, start, sweep), centre.z)


def _light_polyline(entity: Any) -> Seen | None:
    rows = np.array(entity.get_points("xyb"), dtype=np.float64).reshape(-1, 3)
    return _row(entity, rows[:, :2].copy(), rows[:, 2], bool(entity.closed), float(entity.dxf.elevation))


def _polyline(entity: Any) -> Seen | None:
    vertices = [vertex for vertex in entity.vertices if not vertex.dxf.flags & SPLINE_FRAME]
    if len(vertices) < 2:
        return None
    if entity.is_3d_polyline:
        places = [vertex.dxf.location for vertex in vertices]
        return from_space(places + places[:1] * bool(entity.is_closed))
    points = np.array([(Vec3(v.dxf.location).x, Vec3(v.dxf.location).y) for v in vertices], dtype=np.float64)
    bulges = np.array([v.dxf.bulge for v in vertices], dtype=np.float64)
    return _row(entity, points, bulges, bool(entity.is_closed), Vec3(entity.dxf.elevation).z)


def _row(entity: Any, points: Points, bulges: Points, closed: bool, height: float) -> Seen | None:
    if len(points) < 2:
        return None
    if closed and (points[0] != points[-1]).any():
        points = np.concatenate([points, points[:1]])
    return _placed(entity, bulged(points, bulges), height)


def _ellipse(entity: Any) -> Seen | None:
    if not Vec3(entity.dxf.major_axis).magnitude:
        return None
    return from_space(entity.vertices(entity.params(CHORDS_OF_ELLIPSE + 1)))


def _spline(entity: Any) -> Seen | None:
    spline = entity.construction_tool()
    knots = np.unique(np.array(spline.knots(), dtype=np.float64))
    start, end = knots[0], min(float(spline.max_t), float(knots[-1]))
    knots = knots[(knots >= start) & (knots <= end)]
    if len(knots) < 2:
        return None
    per_span = max(2, min(CHORDS_PER_SPAN, MOST_CHORDS // len(knots)))
    steps = np.interp(np.linspace(0, len(knots) - 1, (len(knots) - 1) * per_span + 1), np.arange(len(knots)), knots)
    points = list(spline.points(steps[: 4 * MOST_CHORDS].tolist()))
    if entity.closed and not points[0].isclose(points[-1]):
        points.append(points[0])
    return from_space(points)


def _placed(entity: Any, curve: Curve, height: float) -> Seen:
    """A curve that is drawn in the plane across its entity's extrusion (Autodesk, DXF reference, "Object coordinate systems")."""
    up = Vec3(entity.dxf.extrusion).normalize()
    if up.isclose((0, 0, 1), abs_tol=LEVEL):
        return Seen(curve, height, height)
    if up.isclose((0, 0, -1), abs_tol=LEVEL):
        return Seen(Curve(curve.points * (-1, 1), curve.length, -curve.bow), -height, -height)
    return from_space(entity.ocs().points_to_wcs([Vec3(x, y, height) for x, y in curve.points]))


CURVES: MappingProxyType[str, Callable[[Any], Seen | None]] = MappingProxyType(
    {
        "LINE": _line,
        "CIRCLE": _circle,
        "ARC": _arc,
        "LWPOLYLINE": _light_polyline,
        "POLYLINE": _polyline,
        "ELLIPSE": _ellipse,
        "SPLINE": _spline,
        "HELIX": _spline,
    }
)
"""How each kind of entity that can be cut is read. `None` where it draws nothing."""
