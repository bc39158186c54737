# SPDX-License-Identifier: AGPL-3.0-or-later
"""From which directions a straight tool reaches a solid: the set-ups of a three-axis machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import trimesh
from trimesh.ray.ray_pyembree import RayMeshIntersector

from commonfab import v1
from registry.geometry.solids.faces import PARALLEL, Body, Edge, Points, across, forward
from registry.geometry.solids.holes import RoundHole, vector
from registry.geometry.solids.pockets import Hollow, is_inner_corner

Marks = npt.NDArray[np.bool_]

LEAST_PLACES = 3
MOST_PLACES = 24
EVEN_PLACES = 600
"""Places on a face that are tried: 600 spread over the whole surface, and at least 3 and at most 24 on each face."""

MOST_AXES = 10
"""Axes that are tried of plane faces, and as many of holes and cylinders; each from both ends."""

MOST_RAYS = 250_000
"""Rays for one solid. A solid with more faces is tried from fewer directions."""

ALONG = -np.sin(np.radians(0.2))
"""A wall is reached by a tool that runs along it, though it leans over by a fifth of a degree: the rounding of facets."""

HALF_A_FACE = 0.5
"""A direction is worth a set-up when it brings at least this share of some face. Our own choice: a few places of a face that no tool
reaches are the rounding of the triangles."""

LEAST_GAIN = 0.01
"""… or at least this share of the whole surface: half a ball is never most of its one face."""

SLANT = 0.5
"""The cosine between a direction and a wall's normal, below which an end mill's side and not its end makes the wall."""

WALLS_COUNT = 0.3
"""How much a wall counts beside a floor when the next direction is chosen: a plate is milled from its flat sides and not standing on edge.
Our own choice; it orders the directions and changes none of the areas."""


@dataclass(frozen=True)
class Reach:
    """`ways`, shape (d, 3), point from the part to the tool. `reached`, shape (d, places), says which place on the surface each reaches;
    `owners`, shape (places,), are the faces and `areas`, shape (places,), the surface that a place stands for. `chosen` are the ways that
    are needed, the most useful first, with the area that each adds."""

    ways: Points
    reached: Marks
    owners: npt.NDArray[np.int64]
    areas: Points
    chosen: tuple[tuple[int, float], ...]

    @property
    def unreachable_share(self) -> float:
        """Share of the surface that no way reaches."""
        total = float(self.areas.sum())
        return float(self.areas[~self.reached.any(axis=0)].sum()) / total if total else 0.0

    def reaches(self, face: int) -> Marks:
        """Which ways reach at least half of a face; shape (d,)."""
        here = self.owners == face
        marks: Marks = self.reached[:, here].mean(axis=1) >= HALF_A_FACE if here.any() else np.zeros(len(self.ways), dtype=np.bool_)
        return marks


def find_reach(body: Body, holes: Sequence[RoundHole], pockets: Sequence[Hollow]) -> Reach:
    """From where a tool reaches the solid, tried with rays from places on its surface against its triangles.

    Candidates are the part's own axes, both ways: the normals of its plane faces, the axes of its holes and cylinders, where its pockets
    open. Walls are reached along themselves. The tool is thin and as long as it needs to be. The fewest ways are chosen greedily (within
    the usual bound of that method, Chvátal 1979), with what later ones made superfluous taken out.
    """
    places, normals, owners, areas = _places(body)
    ways = _candidates(body, holes, pockets)
    ways = ways[: max(6, MOST_RAYS // max(1, len(places)))]
    reached = _reached(body, places, normals, ways)
    # The round outside of a turned part is made along its axis or from the side: it is a wall wherever it faces.
    floors = np.array([face.kind != "cylinder" or face.inside for face in body.faces])[owners]
    chosen = _chosen(ways, reached, owners, areas, (ways @ normals.T > SLANT) & floors)
    return Reach(ways, reached, owners, areas, chosen)


def _places(body: Body) -> tuple[Points, Points, npt.NDArray[np.int64], Points]:
    """Places on the surface with normals, faces and the area they stand for: the middles of points drawn evenly by area from each face."""
    first, second, third = (body.triangles[:, corner] for corner in range(3))
    crossed = np.cross(second - first, third - first)
    sizes = np.linalg.norm(crossed, axis=1) / 2
    whole = np.bincount(body.owners, weights=sizes, minlength=len(body.faces))
    counts = np.clip(np.round(EVEN_PLACES * whole / max(whole.sum(), 1e-12)), LEAST_PLACES, MOST_PLACES).astype(int)
    counts[whole <= 0] = 0
    order = np.argsort(body.owners, kind="stable")
    upto = np.cumsum(sizes[order])
    before = np.concatenate([[0.0], np.cumsum(whole)[:-1]])
    owners = np.repeat(np.arange(len(counts)), counts)
    nth = np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts)
    at = before[owners] + (nth + 0.5) / counts[owners] * whole[owners]
    chosen = order[np.minimum(np.searchsorted(upto, at), len(order) - 1)]
    chance = np.random.default_rng(1)  # the same places each time: a report must not change from one reading to the next
    one, two = chance.random(len(chosen)), chance.random(len(chosen))
    fold = one + two > 1
    one, two = np.where(fold, 1 - one, one), np.where(fold, 1 - two, two)
    spots = first[chosen] + one[:, None] * (second - first)[chosen] + two[:, None] * (third - first)[chosen]
    normals = crossed[chosen] / np.maximum(2 * sizes[chosen], 1e-30)[:, None]
    return spots, normals, owners, (whole / np.maximum(counts, 1))[owners]


def _candidates(body: Body, holes: Sequence[RoundHole], pockets: Sequence[Hollow]) -> Points:
    """Directions from the part to the tool, shape (d, 3): a frame of the part's own first, each way and its opposite side by side."""
    axes = [*(hole.axis for hole in holes), *(pocket.axis for pocket in pockets)]
    entries = [(forward(axis), 1.0) for axis in axes]
    own = own_axes(body)
    lines: list[Points] = []
    for axis in (*own[:3], *_heaviest(entries), *own[3:]):
        if not any(abs(float(axis @ line)) > PARALLEL for line in lines):
            lines.append(axis)
    return np.array([way for line in lines for way in (line, -line)])


def own_axes(body: Body) -> Points:
    """Axes of the part's own, shape (n, 3): three square to each other first, by its largest plane faces, then those of other faces."""
    flat = _heaviest([(forward(face.axis), face.area) for face in body.faces if face.kind == "plane"])
    curved = _heaviest([(forward(face.axis), face.area) for face in body.faces if face.kind in ("cylinder", "cone", "extrusion")])
    main = flat[0] if flat else curved[0] if curved else np.array([0.0, 0.0, 1.0])
    beside = next((axis for axis in flat if abs(float(axis @ main)) < 0.01), across(main)[0])
    return np.array([main, beside, forward(np.cross(main, beside)), *flat[1:], *curved])


def _heaviest(weighed: list[tuple[Points, float]]) -> list[Points]:
    """Directions, those that are parallel taken together, the one with the most weight first; at most `MOST_AXES`."""
    if not weighed:
        return []
    axes = np.array([axis for axis, _ in weighed])
    weights = np.array([weight for _, weight in weighed])
    found: list[tuple[float, Points]] = []
    left = np.ones(len(axes), dtype=np.bool_)
    while left.any() and len(found) < 8 * MOST_AXES:
        first = axes[int(np.argmax(np.where(left, weights, -1.0)))]
        alike = left & (np.abs(axes @ first) > PARALLEL)
        found.append((float(weights[alike].sum()), first))
        left &= ~alike
    found.sort(key=lambda pair: -pair[0])
    return [axis for _, axis in found[:MOST_AXES]]


def _reached(body: Body, places: Points, normals: Points, ways: Points) -> Marks:
    """Which places each way reaches: the surface does not look away, and nothing of the part stands in between."""
    count = len(body.triangles)
    mesh = trimesh.Trimesh(body.triangles.reshape(-1, 3), np.arange(3 * count).reshape(-1, 3), process=False, validate=False)
    shooter = RayMeshIntersector(mesh)
    starts = places + normals * max(2e-4, 2e-4 * body.largest)
    reached: Marks = ways @ normals.T >= ALONG
    for way, marks in zip(ways, reached, strict=True):
        if marks.any():
            asked = starts[marks]
            marks[marks] = ~shooter.intersects_any(asked, np.broadcast_to(way, asked.shape))
    return reached


def _chosen(ways: Points, reached: Marks, owners: npt.NDArray[np.int64], areas: Points, floors: Marks) -> tuple[tuple[int, float], ...]:
    """Parameters: `floors`, shape (d, places), which places the end of a mill makes from each way."""
    weights = reached * np.where(floors, 1.0, WALLS_COUNT) * areas
    left = reached.any(axis=0)
    picked: list[int] = []
    while len(picked) < len(ways):
        worth = np.array([_worth_a_set_up(marks & left, owners, areas) for marks in reached])
        if not worth.any():
            break
        # Where two gain the same, a part is turned over rather than turned.
        opposite = np.array([any(float(way @ ways[pick]) < -PARALLEL for pick in picked) for way in ways])
        gains = np.round(weights @ left, 6)
        best = int(np.lexsort((~opposite, -gains, ~worth))[0])
        picked.append(best)
        left &= ~reached[best]
    return _with_gains(_needed(picked, reached, owners, areas), reached, areas)


def _worth_a_set_up(brings: Marks, owners: npt.NDArray[np.int64], areas: Points) -> bool:
    """Whether the new places make up a good part of some face, or of the whole surface."""
    if not brings.any():
        return False
    got = np.bincount(owners[brings], minlength=int(owners[-1]) + 1)
    whole = np.maximum(np.bincount(owners), 1)
    return bool((got >= HALF_A_FACE * whole).any() or areas[brings].sum() > LEAST_GAIN * areas.sum())


def _needed(picked: list[int], reached: Marks, owners: npt.NDArray[np.int64], areas: Points) -> list[int]:
    """Without those whose places the others reach as well."""
    kept = list(picked)
    for pick in picked:
        rest = [other for other in kept if other != pick]
        if rest and not _worth_a_set_up(reached[pick] & ~reached[rest].any(axis=0), owners, areas):
            kept = rest
    return kept


def _with_gains(picked: list[int], reached: Marks, areas: Points) -> tuple[tuple[int, float], ...]:
    left = np.ones(len(areas), dtype=np.bool_)
    gains = []
    for pick in picked:
        gains.append((pick, float((areas * (reached[pick] & left)).sum())))
        left &= ~reached[pick]
    return tuple(gains)


def written(reach: Reach) -> list[v1.ToolDirection]:
    """The chosen directions as the contract has them: from the tool towards the part."""
    return [v1.ToolDirection(**{"from": vector(-reach.ways[way]), "area_mm2": area}) for way, area in reach.chosen]  # type: ignore[arg-type]


def inner_radius(body: Body, reach: Reach, drilled: frozenset[int] = frozenset()) -> float:
    """The least radius of the inner corners that run along a chosen direction and are reached from it, mm; 0 without one.

    `drilled` are walls of round holes: half a hole's wall is no corner.
    """
    chosen = [way for way, _ in reach.chosen]
    radii = []
    for face in body.faces:
        if is_inner_corner(face) and face.number not in drilled:
            marks = reach.reaches(face.number)
            if any(marks[way] and abs(float(reach.ways[way] @ face.axis)) > PARALLEL for way in chosen):
                radii.append(face.radius)
    return min(radii, default=0.0)


def has_sharp_corner(body: Body, reach: Reach) -> bool:
    """Whether two walls meet in a straight inner edge that no end mill makes.

    An end mill makes a sharp inner edge where one face is square to it and both are reached: the foot of a wall, not a pocket's corner.
    """
    known: dict[int, Marks] = {}
    return any(not _can_be_milled(edge, reach, known) for edge in body.edges if edge.kind == "line" and edge.turn < 0)


def _can_be_milled(edge: Edge, reach: Reach, known: dict[int, Marks]) -> bool:
    for face in edge.faces:
        if face not in known:
            known[face] = reach.reaches(face)
    both = known[edge.faces[0]] & known[edge.faces[1]]
    square = (np.abs(reach.ways @ edge.normals.T) > PARALLEL).any(axis=1)
    return bool((both & square).any())
