# SPDX-License-Identifier: AGPL-3.0-or-later
"""How far a solid is turned work. Pure."""

from __future__ import annotations

import numpy as np

from commonfab import v1
from registry.geometry.solids.faces import PARALLEL, Body, Face, Points, by_axis, forward
from registry.geometry.solids.holes import vector

AROUND = frozenset({"cylinder", "cone", "torus", "revolution"})

LEAST_SHARE = 0.1
"""Below this share of the surface nothing of the part is called turned: a plate with a hole is no turned part. Our own choice."""

MOST_OFF_AXIS = 0.25
"""How far the middle of the surface may lie off the axis, as a part of the largest radius. Our own choice: a shaft with a flat or a keyway
is well below it, a quarter of a ring, which no lathe turns by itself, well above."""


def find_turned(body: Body) -> v1.TurnedFacts | None:
    """The axis about which most of the surface is turned, with its share of the surface; None where there is no such axis.

    Cylinders, cones, tori and surfaces of revolution count where their axis is that one, spheres where they lie on it, and planes square to
    it by the share of their outer edge that is a circle about it: the end of a shaft counts, the head of a hexagon bolt does not.
    """
    groups = by_axis([face for face in body.faces if face.kind in AROUND], body.near)
    balls = [face for face in body.faces if face.kind == "sphere"]
    groups = sorted(groups or [balls[:1]], key=lambda group: -sum(face.area for face in group))[:3]
    tried = [facts for group in groups if group and (facts := _about(body, group, balls))]
    best = max(tried, key=lambda facts: facts.share, default=None)
    return best if best and best.share >= LEAST_SHARE else None


def _about(body: Body, group: list[Face], balls: list[Face]) -> v1.TurnedFacts | None:
    axis, origin = forward(group[0].axis), group[0].place
    corners = body.triangles.reshape(-1, 3)
    if not len(corners) or body.area <= 0:
        return None
    distances = _off_axis(corners, axis, origin)
    if _middle_off_axis(body, axis, origin) > MOST_OFF_AXIS * float(distances.max()):
        return None
    area = sum(face.area for face in group if face.kind != "sphere")
    area += sum(face.area for face in balls if float(_off_axis(face.place[None], axis, origin)[0]) < body.near)
    planes = (face for face in body.faces if face.kind == "plane" and abs(float(face.axis @ axis)) > PARALLEL)
    area += sum(face.area * _round_share(body, face, axis, origin) for face in planes)
    along = corners @ axis
    return v1.TurnedFacts(
        axis=vector(axis),
        share=min(1.0, area / body.area),
        diameter_mm=2 * float(distances.max()),
        length_mm=float(np.ptp(along)),
    )


def _off_axis(points: Points, axis: Points, origin: Points) -> Points:
    from_origin = points - origin
    distances: Points = np.linalg.norm(from_origin - (from_origin @ axis)[:, None] * axis, axis=1)
    return distances


def _middle_off_axis(body: Body, axis: Points, origin: Points) -> float:
    """How far the middle of the surface lies off the axis, mm."""
    first, second, third = (body.triangles[:, corner] for corner in range(3))
    weights = np.linalg.norm(np.cross(second - first, third - first), axis=1)
    middle = (body.triangles.mean(axis=1) * weights[:, None]).sum(axis=0) / weights.sum()
    return float(_off_axis(middle[None], axis, origin)[0])


def _round_share(body: Body, face: Face, axis: Points, origin: Points) -> float:
    """The share of a plane's outer edge that is a circle about the axis."""
    outer = [body.edges[edge] for edge in (face.loops[0] if face.loops else ())]
    length = sum(edge.length for edge in outer)
    circles = [edge for edge in outer if edge.kind == "circle" and float(_off_axis(edge.centre[None], axis, origin)[0]) < body.near]
    return sum(edge.length for edge in circles) / length if length else 0.0
