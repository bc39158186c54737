# SPDX-License-Identifier: AGPL-3.0-or-later
"""Faces and edges of a solid as plain records, so that what is found in them can be found (and tested) without a modelling kernel.

All lengths in millimetres, all angles in radians. A direction is an array of shape (3,) and length 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

Points = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

PARALLEL = float(np.cos(np.radians(0.5)))
"""Directions are parallel within half a degree: coarser than any writer's rounding, finer than any draft that is meant."""

SMOOTH = float(np.sin(np.radians(2.0)))
"""Faces that meet with less than two degrees between them run on smoothly."""

SAME_PLACE = 1e-5
"""Two axes are one when they are nearer than this part of the solid's largest side, and at least a micrometre."""


@dataclass(frozen=True)
class Face:
    """A face. `inside` says that the surface bends around the air and not around the material: the wall of a hole, not of a boss.

    `place` is a point on the plane or the axis; `axis` the outward normal of a plane, else the direction of the axis. `radius` is that of a
    cylinder, of a sphere, of a cone at its widest, or of the ring of a torus; `least_radius` that of a cone at its narrowest, or the tube
    of a torus. `span` is how far the surface goes round its axis. `low` and `high` are where the face begins and ends along `axis`, from
    `place`. `loops` are its edges by wire, the outer one first.
    """

    number: int
    kind: str
    area: float
    inside: bool
    place: Points
    axis: Points
    radius: float
    least_radius: float
    span: float
    low: float
    high: float
    loops: tuple[tuple[int, ...], ...]

    @cached_property
    def edges(self) -> tuple[int, ...]:
        """All its edges."""
        return tuple(edge for loop in self.loops for edge in loop)


@dataclass(frozen=True)
class Edge:
    """An edge. `faces` are those that it joins, and `normals`, shape (len(faces), 3), their outward normals in its middle.

    `turn` is positive where the material makes a ridge, negative where it makes an inner corner, and 0 where the faces run on smoothly, or
    where there are not two of them. `points`, shape (n, 3), follow it. `axis`, `centre` and `radius` are those of a circle.
    """

    number: int
    kind: str
    length: float
    faces: tuple[int, ...]
    normals: Points
    turn: float
    points: Points
    centre: Points
    axis: Points
    radius: float


@dataclass(frozen=True)
class Body:
    """One solid: its faces, its edges, and the triangles that follow it (shape (n, 3, 3)) with the face each belongs to."""

    faces: tuple[Face, ...]
    edges: tuple[Edge, ...]
    triangles: Points
    owners: Numbers

    @cached_property
    def area(self) -> float:
        """The whole surface, mm²."""
        return sum(face.area for face in self.faces)

    @cached_property
    def volume(self) -> float:
        """The enclosed volume by the triangles, mm³ (divergence theorem)."""
        return signed_volume(self.triangles)

    @cached_property
    def largest(self) -> float:
        """The diagonal of the box as drawn, mm."""
        corners = self.triangles.reshape(-1, 3)
        return float(np.linalg.norm(np.ptp(corners, axis=0))) if len(corners) else 0.0

    @cached_property
    def near(self) -> float:
        """Lengths below this are none, mm."""
        return max(1e-3, self.largest * SAME_PLACE)

    def others(self, face: int, edges: Iterable[int]) -> list[tuple[int, Edge]]:
        """The faces on the other side of `edges` of `face`, each with its edge."""
        met = (self.edges[edge] for edge in edges)
        return [(other, edge) for edge in met for other in edge.faces if other != face]

    def points_of(self, edges: Iterable[int]) -> Points:
        """The points of these edges, shape (n, 3)."""
        pieces = [self.edges[edge].points for edge in edges]
        return np.concatenate(pieces) if pieces else np.empty((0, 3))


def signed_volume(triangles: Points) -> float:
    """The volume within closed triangles, negative where they are inside out."""
    if not len(triangles):
        return 0.0
    shifted = triangles - triangles.mean(axis=(0, 1))
    return float(np.einsum("ij,ij->", shifted[:, 0], np.cross(shifted[:, 1], shifted[:, 2])) / 6)


def parallel(one: Points, other: Points) -> bool:
    """Whether two directions are parallel, the same way or the opposite way."""
    return abs(float(one @ other)) > PARALLEL


def forward(direction: Points) -> Points:
    """Of a direction and its opposite, the one whose largest component is positive."""
    steady = np.round(direction, 6)
    largest = int(np.argmax(np.abs(steady)))
    return direction if steady[largest] >= 0 else -direction


def across(direction: Points) -> Points:
    """Two directions at right angles to `direction` and to each other, shape (2, 3)."""
    other = np.eye(3)[int(np.argmin(np.abs(np.round(direction, 6))))]
    first = np.cross(direction, other)
    first /= np.linalg.norm(first)
    return np.array([first, np.cross(direction, first)])


def by_axis(faces: list[Face], near: float) -> list[list[Face]]:
    """Faces with an axis, grouped by the line that it lies on. `near`: how far lines may be apart and still be one, mm."""
    if not faces:
        return []
    directions = np.array([forward(face.axis) for face in faces])
    places = np.array([face.place for face in faces])
    middle = places.mean(axis=0)
    feet = places - middle
    feet = feet - (feet * directions).sum(axis=1)[:, None] * directions
    # Directions are weighed so that half a thousandth of a radian counts as much as `near`.
    keys = np.hstack([directions * (near / 5e-4), feet])
    pairs = cKDTree(keys).query_pairs(2 * near, output_type="ndarray")
    return _groups(faces, pairs)


def _groups(faces: list[Face], pairs: Numbers) -> list[list[Face]]:
    links = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(faces), len(faces)))
    labels = connected_components(links, directed=False)[1]
    grouped: dict[int, list[Face]] = {}
    for face, label in zip(faces, labels.tolist(), strict=True):
        grouped.setdefault(label, []).append(face)
    return list(grouped.values())


def flood(body: Body, start: Iterable[int], passes: Callable[[int, Edge], bool]) -> set[int]:
    """All faces that are reached from `start` over edges: `passes(next_face, edge)` says whether to step over."""
    reached = set(start)
    waiting = list(reached)
    while waiting:
        face = waiting.pop()
        for other, edge in body.others(face, body.faces[face].edges):
            if other not in reached and passes(other, edge):
                reached.add(other)
                waiting.append(other)
    return reached


def components(body: Body, members: set[int]) -> list[set[int]]:
    """`members` in groups that hang together by edges."""
    left, found = set(members), []
    for first in sorted(members):
        if first in left:
            group = flood(body, [first], lambda other, _: other in members)
            left -= group
            found.append(group)
    return found


def stretch(points: Points, direction: Points) -> tuple[float, float]:
    """The least and the greatest place of `points` along `direction`."""
    along = points @ direction
    return float(along.min()), float(along.max())
