# SPDX-License-Identifier: AGPL-3.0-or-later
"""Sheet of one thickness that is bent: its thickness, its bends, its unfolded blank. Pure.

A bend is an inner and an outer cylinder on one axis whose radii differ by the thickness. The blank is laid flat flange by flange: each
bend is opened about its axis and replaced by its bend allowance, angle · (inner radius + K · thickness).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from commonfab import v1
from registry.geometry.solids.faces import PARALLEL, Body, Face, Points, across, by_axis, forward
from registry.geometry.solids.holes import ALL_ROUND

K_FACTOR = 0.44
"""Where the neutral layer lies, as a part of the thickness from the inner side: an everyday value of air bending in mild steel (Machinery's
Handbook, "Allowances for bending sheet metal"; DIN 6935 has 0.32 to 0.5, growing with the radius)."""

MOST_THICKNESS_MM = 25.0
"""Flat stock that is thicker is plate for the mill. The same limit as for meshes and drawings."""

LEAST_PAIRED = 0.6
"""The share of the surface that must be two skins at the distance of the thickness; the rest is the sheet's edges. Our own choice: a strip
three times as wide as thick has 75 %."""


@dataclass(frozen=True)
class BendLine:
    """One bend: angle in radians; radius and length in mm. `inner` and `outer` are faces."""

    angle: float
    radius: float
    length: float
    inner: frozenset[int]
    outer: frozenset[int]
    place: Points
    axis: Points


@dataclass(frozen=True)
class BentSheet:
    """A bent sheet: thickness, bends, the skin faces of both sides, and the blank seen from above: `outline`, shape (n, 2), holds its
    corners, `area` is its surface, mm². `whole`: whether every flange could be unfolded."""

    thickness: float
    bends: tuple[BendLine, ...]
    skin: frozenset[int]
    outline: Points
    area: float
    whole: bool


def find_bent(body: Body) -> BentSheet | None:
    """The sheet that a solid is bent from; None where it has no bends or no single thickness."""
    if body.area <= 0 or not any(face.kind == "cylinder" and face.inside for face in body.faces):
        return None
    estimate = 2 * body.volume / body.area
    thickness = _thickness(body, estimate)
    if not thickness or thickness > MOST_THICKNESS_MM:
        return None
    bends = _bends(body, thickness)
    partners = _partners(body, thickness)
    skin = frozenset(partners) | {face for bend in bends for face in bend.inner | bend.outer}
    if not bends or sum(body.faces[face].area for face in skin) < LEAST_PAIRED * body.area:
        return None
    return _unfolded(body, thickness, bends, partners, skin)


def _thickness(body: Body, estimate: float) -> float:
    """The difference of radii of coaxial inner and outer cylinders with the most surface, near the estimate 2V/A.

    Twice the volume over the surface falls short of the thickness by the sheet's edges, hence the range that is looked at.
    """
    weights: dict[float, float] = {}
    for group in by_axis([face for face in body.faces if face.kind == "cylinder"], body.near):
        for inner in (face for face in group if face.inside):
            for outer in (face for face in group if not face.inside):
                gap = outer.radius - inner.radius
                if 0.95 * estimate < gap < 1.8 * estimate:
                    weights[round(gap, 2)] = weights.get(round(gap, 2), 0.0) + inner.area
    return max(weights, key=lambda gap: weights[gap], default=0.0)


def _bends(body: Body, thickness: float) -> list[BendLine]:
    bends = []
    for group in by_axis([face for face in body.faces if face.kind == "cylinder"], body.near):
        axis, origin = forward(group[0].axis), group[0].place
        for radius in sorted({round(face.radius, 2) for face in group if face.inside}):
            inner = [face for face in group if face.inside and abs(face.radius - radius) < 0.02]
            outer = [face for face in group if not face.inside and abs(face.radius - radius - thickness) < 0.02]
            if inner and outer:
                bends.append(_bend_line(body, inner, outer, axis, origin))
    return [bend for bend in bends if bend.angle < ALL_ROUND]


def _bend_line(body: Body, inner: list[Face], outer: list[Face], axis: Points, origin: Points) -> BendLine:
    """Pieces of a bend that lie side by side along its line are one bend; pieces one after the other around it add their angles."""
    ranges = [
        (*sorted(float((face.place - origin) @ axis + at * (face.axis @ axis)) for at in (face.low, face.high)), face.span)
        for face in inner
    ]
    cuts = sorted({place for low, high, _ in ranges for place in (low, high)})
    angle, length = 0.0, 0.0
    for start, end in itertools.pairwise(cuts):
        here = sum(span for low, high, span in ranges if low <= (start + end) / 2 <= high)
        angle = max(angle, here)
        length += end - start if here > 0 else 0.0
    numbers = frozenset(face.number for face in inner), frozenset(face.number for face in outer)
    return BendLine(angle, inner[0].radius, length, *numbers, origin, axis)


def _partners(body: Body, thickness: float) -> dict[int, set[int]]:
    """For each plane face the faces that look the opposite way at the distance of the thickness, with the material between them."""
    planes = [face for face in body.faces if face.kind == "plane"]
    normals = np.array([face.axis for face in planes]).reshape(-1, 3)
    places = np.array([face.place for face in planes]).reshape(-1, 3)
    boxes = [body.points_of(face.edges) for face in planes]
    found: dict[int, set[int]] = {}
    for index, face in enumerate(planes):
        gaps = (face.place - places) @ face.axis
        for other in np.flatnonzero((normals @ face.axis < -PARALLEL) & (np.abs(gaps - thickness) < 0.02)).tolist():
            if _overlap(boxes[index], boxes[other], face.axis):
                found.setdefault(face.number, set()).add(planes[other].number)
    return found


def _overlap(one: Points, other: Points, normal: Points) -> bool:
    if not len(one) or not len(other):
        return False
    frame = across(normal).T
    first, second = one @ frame, other @ frame
    return bool((first.min(axis=0) < second.max(axis=0)).all() and (second.min(axis=0) < first.max(axis=0)).all())


@dataclass(frozen=True)
class _Move:
    """A movement in space: p → p · turn.T + shift."""

    turn: Points
    shift: Points

    def of(self, points: Points) -> Points:
        moved: Points = points @ self.turn.T + self.shift
        return moved


def _unfolded(body: Body, thickness: float, bends: list[BendLine], partners: dict[int, set[int]], skin: frozenset[int]) -> BentSheet:
    """Lay all flanges into the plane of the largest one, walking from flange to flange over the bends.

    Where some flange cannot be reached so (its bends meet other faces), the blank keeps its proportions and is enlarged to the area of all
    the skin: an estimate, and `whole` is false.
    """
    first = max(partners, key=lambda face: body.faces[face].area)
    moves = _moves(body, thickness, bends, partners, first)
    frame = across(body.faces[first].axis)
    pieces = [move.of(body.points_of(body.faces[face].edges)) @ frame.T for face, move in moves.items()]
    outline = np.concatenate(pieces)
    flanges = {face for face in partners if face in skin}
    allowance = sum(_allowance(bend, thickness) * bend.length for bend in bends)
    area = sum(body.faces[face].area for face in flanges) / 2 + allowance
    reached = sum(body.faces[face].area for face in flanges & moves.keys()) / max(1e-9, sum(body.faces[face].area for face in flanges))
    whole = reached > 0.98
    if not whole:
        outline = outline / math.sqrt(max(reached, 1e-3))
    return BentSheet(thickness, tuple(bends), skin, outline, area, whole)


def _allowance(bend: BendLine, thickness: float) -> float:
    """The length of the neutral layer in a bend, mm (DIN 6935; Machinery's Handbook)."""
    return bend.angle * (bend.radius + K_FACTOR * thickness)


def _moves(body: Body, thickness: float, bends: list[BendLine], partners: dict[int, set[int]], first: int) -> dict[int, _Move]:
    """How each flange face moves into the plane of `first`."""
    moves = {face: _Move(np.eye(3), np.zeros(3)) for face in (first, *partners[first])}
    waiting = list(moves)
    while waiting:
        face = waiting.pop(0)
        for bend in bends:
            for next_face, step in _over(body, bend, thickness, face):
                for other in (next_face, *partners.get(next_face, ())):
                    if other not in moves and other in partners:
                        before = moves[face]
                        moves[other] = _Move(before.turn @ step.turn, before.turn @ step.shift + before.shift)
                        waiting.append(other)
    return moves


def _over(body: Body, bend: BendLine, thickness: float, face: int) -> list[tuple[int, _Move]]:
    """The flanges on the other side of a bend that `face` runs into, each with the movement that lays it flat beside `face`."""
    cylinders = bend.inner if _meets(body, face, bend.inner) else bend.outer
    if not _meets(body, face, cylinders):
        return []
    here = body.faces[face]
    beyond = {
        other
        for cylinder in cylinders
        for other, edge in body.others(cylinder, body.faces[cylinder].edges)
        if edge.turn == 0 and other != face and body.faces[other].kind == "plane"
    }
    across_bend = [other for other in beyond if abs(_angle(here.axis, body.faces[other].axis, bend) - bend.angle) < math.radians(1)]
    allowance = _allowance(bend, thickness)
    opened = []
    for other in across_bend:
        middle = body.points_of(body.faces[other].edges).mean(axis=0)
        opened.append((other, _opened(here, body.faces[other], middle, bend, allowance)))
    return opened


def _meets(body: Body, face: int, cylinders: frozenset[int]) -> bool:
    return any(other in cylinders and edge.turn == 0 for other, edge in body.others(face, body.faces[face].edges))


def _angle(one: Points, other: Points, bend: BendLine) -> float:
    """The angle between two normals, taken as more than half a turn where the bend is."""
    angle = math.acos(max(-1.0, min(1.0, float(one @ other))))
    return 2 * math.pi - angle if bend.angle > math.pi + 1e-3 else angle


def _opened(here: Face, there: Face, middle: Points, bend: BendLine, allowance: float) -> _Move:
    """The movement that opens a bend: turn `there`, whose middle is `middle`, into the plane of `here`, and push it out."""
    turns = [_about(bend.axis, sign * bend.angle) for sign in (1.0, -1.0)]
    turn = max(turns, key=lambda tried: float((tried @ there.axis) @ here.axis))
    if abs(bend.angle - math.pi) < 1e-3:  # half a turn: both ways bring the normals together, one lays the flange on the other
        turn = turns[0]
    shift = bend.place - turn @ bend.place
    # The flange starts where the bend touches `here`, and must lie on the other side of that line from it.
    outwards = np.cross(bend.axis, here.axis)
    if float((turn @ middle + shift - bend.place) @ outwards) < 0:
        outwards = -outwards
    return _Move(turn, shift + outwards * allowance)


def _about(axis: Points, angle: float) -> Points:
    """The matrix that turns about an axis (Rodrigues' formula)."""
    x, y, z = axis
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    turned: Points = np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross
    return turned


def written(bends: tuple[BendLine, ...]) -> list[v1.Bend]:
    """The bends as the contract has them."""
    return [v1.Bend(angle_deg=math.degrees(bend.angle), inner_radius_mm=bend.radius, length_mm=bend.length) for bend in bends]
