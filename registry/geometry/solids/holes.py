# SPDX-License-Identifier: AGPL-3.0-or-later
"""Round holes: walls that go all the way round the air, stacked along one axis. Pure."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from commonfab import v1
from registry.geometry.solids.faces import Body, Edge, Face, Points, by_axis, forward

ALL_ROUND = math.radians(300)
"""A wall that goes this far round is drilled or bored, though a keyway interrupts it. Our own choice: the relief in the corner of a pocket,
which is milled, goes 270° round at the most."""

LOOKS_AWAY = 0.02
"""The cosine beyond which a face at a hole's end counts as looking out of the hole, or into it."""


@dataclass(frozen=True)
class RoundHole:
    """A hole: `mouth` is where its axis meets its mouth, `axis` the direction it is drilled in; lengths in mm. `faces` are its walls."""

    diameter: float
    depth: float
    through: bool
    counterbore: float
    counterbore_depth: float
    countersink: float
    axis: Points
    mouth: Points
    faces: frozenset[int]


@dataclass(frozen=True)
class _Step:
    """A piece of a hole's wall between two places along the axis; the radius at each."""

    kind: str
    low: float
    high: float
    at_low: float
    at_high: float
    faces: tuple[int, ...]

    @property
    def flipped(self) -> _Step:
        return replace(self, low=-self.high, high=-self.low, at_low=self.at_high, at_high=self.at_low)

    @property
    def least(self) -> float:
        return min(self.at_low, self.at_high)


def find_holes(body: Body) -> list[RoundHole]:
    """The round holes of a solid.

    Coaxial walls that touch are one hole. A recess around a boss is no hole, nor is a hollow that is open nowhere. Depth is measured as
    drawings give it: from the mouth to the end of the full diameter, without the drill's point.
    """
    round_faces = [face for face in body.faces if face.kind in ("cylinder", "cone", "torus", "sphere")]
    found = []
    for group in by_axis([face for face in round_faces if face.kind != "sphere"], body.near):
        if any(face.inside and face.kind in ("cylinder", "cone") for face in group):
            found += _on_one_axis(body, group)
    return found


def _on_one_axis(body: Body, group: list[Face]) -> list[RoundHole]:
    axis, origin = forward(group[0].axis), group[0].place
    walls = [face for face in group if face.inside or face.kind == "torus"]
    steps = _steps(body, walls, axis, origin)
    within = [(*_interval(face, axis, origin), face.radius) for face in group if face.kind == "cylinder" and not face.inside]
    found = []
    for stack in _stacks(body, steps):
        if all(step.kind == "torus" for step in stack) or _around_a_boss(stack, within, body.near):
            continue
        hole = _hole(body, stack, axis, origin)
        if hole:
            found.append(hole)
    return found


def _interval(face: Face, axis: Points, origin: Points) -> tuple[float, float]:
    ends = [float((face.place - origin) @ axis + at * (face.axis @ axis)) for at in (face.low, face.high)]
    return min(ends), max(ends)


def _steps(body: Body, walls: list[Face], axis: Points, origin: Points) -> list[_Step]:
    """The walls that go all the way round, pieces of one wall put together, from low to high."""
    left = [(face, *_interval(face, axis, origin)) for face in walls]
    left.sort(key=lambda piece: (piece[0].kind, round(piece[0].radius, 3), piece[1]))
    together: list[list[tuple[Face, float, float]]] = []
    for piece in left:
        last = together[-1] if together else None
        if last and _same_wall(last, piece, body.near):
            last.append(piece)
        else:
            together.append([piece])
    whole = [pieces for pieces in together if _goes_round(pieces)]
    return sorted((_step(body, pieces, axis, origin) for pieces in whole), key=lambda step: (step.low, step.high))


def _same_wall(pieces: list[tuple[Face, float, float]], piece: tuple[Face, float, float], near: float) -> bool:
    first = pieces[0][0]
    alike = first.kind == piece[0].kind and abs(first.radius - piece[0].radius) < near and first.inside == piece[0].inside
    return alike and abs(first.least_radius - piece[0].least_radius) < near and piece[1] <= max(high for _, _, high in pieces) + near


def _goes_round(pieces: Sequence[tuple[Face, float, float]]) -> bool:
    ends = sorted({place for _, low, high in pieces for place in (low, high)})
    middles = [(one + other) / 2 for one, other in itertools.pairwise(ends)]
    return any(sum(face.span for face, low, high in pieces if low <= middle <= high) >= ALL_ROUND for middle in middles)


def _step(body: Body, pieces: list[tuple[Face, float, float]], axis: Points, origin: Points) -> _Step:
    face = pieces[0][0]
    low, high = min(piece[1] for piece in pieces), max(piece[2] for piece in pieces)
    at_low = at_high = face.radius
    if face.kind != "cylinder":
        points = body.points_of(edge for piece in pieces for edge in piece[0].edges) - origin
        along = points @ axis
        away = np.linalg.norm(points - along[:, None] * axis, axis=1)
        widest, narrowest = int(np.argmax(away)), int(np.argmin(away))
        wide_is_low = along[widest] < along[narrowest] if along[widest] != along[narrowest] else along[widest] < (low + high) / 2
        radii = (float(away[widest]), float(away[narrowest]) if face.kind == "torus" else face.least_radius)
        at_low, at_high = radii if wide_is_low else radii[::-1]
    return _Step(face.kind, low, high, at_low, at_high, tuple(piece[0].number for piece in pieces))


def _stacks(body: Body, steps: list[_Step]) -> list[list[_Step]]:
    """Steps that follow each other without a gap. A torus belongs only to a wall that it shares an edge with."""
    stacks: list[list[_Step]] = []
    for step in steps:
        for stack in stacks:
            last = stack[-1]
            if abs(last.high - step.low) < 2 * body.near and ("torus" not in (last.kind, step.kind) or _touch(body, last, step)):
                stack.append(step)
                break
        else:
            stacks.append([step])
    return stacks


def _touch(body: Body, one: _Step, other: _Step) -> bool:
    return any(met in other.faces for face in one.faces for met, _ in body.others(face, body.faces[face].edges))


def _around_a_boss(stack: list[_Step], within: list[tuple[float, float, float]], near: float) -> bool:
    return any(
        radius < step.least - near and low < step.high - near and high > step.low + near
        for step in stack
        if step.kind == "cylinder"
        for low, high, radius in within
    )


def _hole(body: Body, stack: list[_Step], axis: Points, origin: Points) -> RoundHole | None:
    """The hole that a stack of steps makes, seen from its mouth; None where it is open at neither end."""
    open_low, open_high = _is_open(body, stack[0], axis, origin, -1.0), _is_open(body, stack[-1], axis, origin, 1.0)
    if not (open_low or open_high):
        return None
    # From the mouth inwards is `axis` where the mouth is low. A plain through hole is drilled from its positive side.
    wider_low = stack[0].at_low > stack[-1].at_high + body.near
    if open_low and (not open_high or wider_low):
        return _seen_from_mouth(stack, axis, origin, open_high)
    mirrored = [step.flipped for step in reversed(stack)]
    return _seen_from_mouth(mirrored, -axis, origin, open_low)


def _is_open(body: Body, step: _Step, axis: Points, origin: Points, end: float) -> bool:
    """Whether the faces that meet this step at its end (-1 low, 1 high) look out of the hole."""
    place = step.high if end > 0 else step.low
    if (step.at_high if end > 0 else step.at_low) < body.near:
        return False
    slack = 0.02 * (step.high - step.low) + body.near
    looks = 0.0
    for face in step.faces:
        for other, edge in body.others(face, body.faces[face].edges):
            if other not in step.faces and _reaches(edge, axis, origin, place, end, slack):
                looks += edge.length * float(edge.normals[edge.faces.index(other)] @ axis) * end
    around = 2 * math.pi * max(step.at_low, step.at_high)
    return looks > LOOKS_AWAY * around


def _reaches(edge: Edge, axis: Points, origin: Points, place: float, end: float, slack: float) -> bool:
    along = (edge.points - origin) @ axis
    return bool((along.max() >= place - slack) if end > 0 else (along.min() <= place + slack))


def _seen_from_mouth(stack: list[_Step], axis: Points, origin: Points, through: bool) -> RoundHole:
    """`stack` runs from the mouth, at its low end, along `axis`."""
    straight = [step for step in stack if step.kind == "cylinder"]
    mouth = stack[0].low
    end = stack[-1].high if through or not straight else straight[-1].high
    countersink = 2 * stack[0].at_low if stack[0].kind == "cone" and stack[0].at_low > stack[0].at_high else 0.0
    least = min(step.least for step in straight) if straight else min(step.least for step in stack) or stack[0].at_low
    counterbore, counterbore_depth = 0.0, 0.0
    if len(straight) > 1 and straight[0].least > straight[1].least * 1.001:
        counterbore, counterbore_depth = 2 * straight[0].least, straight[0].high - mouth
    return RoundHole(
        diameter=2 * least,
        depth=end - mouth,
        through=through,
        counterbore=counterbore,
        counterbore_depth=counterbore_depth,
        countersink=countersink,
        axis=axis,
        mouth=origin + mouth * axis,
        faces=frozenset(face for step in stack for face in step.faces),
    )


def grouped(holes: Sequence[RoundHole]) -> list[v1.Hole]:
    """The holes as the contract has them: each kind once (sizes to a hundredth, direction to a thousandth), the most frequent first."""
    kinds = Counter(_kind(hole) for hole in holes)
    first = {_kind(hole): hole for hole in reversed(holes)}
    return [_written(first[kind], count) for kind, count in kinds.most_common()]


def _kind(hole: RoundHole) -> tuple[object, ...]:
    sizes = (hole.diameter, hole.depth, hole.counterbore, hole.counterbore_depth, hole.countersink)
    return (hole.through, *(round(size, 2) for size in sizes), *(np.round(hole.axis, 3) + 0.0).tolist())


def _written(hole: RoundHole, count: int) -> v1.Hole:
    return v1.Hole(
        diameter_mm=hole.diameter,
        depth_mm=hole.depth,
        through=hole.through,
        counterbore_diameter_mm=hole.counterbore,
        counterbore_depth_mm=hole.counterbore_depth,
        countersink_diameter_mm=hole.countersink,
        axis=vector(hole.axis),
        mouth=vector(hole.mouth),
        count=count,
    )


def vector(given: Points) -> v1.Vector:
    """A direction or place as the contract has it."""
    x, y, z = (np.round(given, 9) + 0.0).tolist()
    return v1.Vector(x=x, y=y, z=z)
