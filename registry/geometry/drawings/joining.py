# SPDX-License-Identifier: AGPL-3.0-or-later
"""From single lines to whole ones: ends that meet are joined.

Nothing is closed that is open: ends count as the same place within a tolerance that only rounding and careless snapping explain.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from registry.geometry.drawings.lines import Points, Stroke, paired

Numbers = npt.NDArray[np.int64]

JOIN_SHARE = 2e-4
JOIN_MM = 0.05
"""Ends nearer than this part of the drawing's diagonal are one place, but never when farther apart than this, mm.

Our own choice: coordinates with three digits on a part of 100 mm join; a gap as wide as the kerf of a laser, 0.1 mm and more, does not,
and is shown.
"""


@dataclass(frozen=True)
class Line:
    """Strokes that hang together, as one row of points; `closed` where the last point is the first again."""

    points: Points
    layer: str
    length: float
    bow: float
    closed: bool


@dataclass(frozen=True)
class Joined:
    """All lines, and where they end without meeting another: `ends`, shape (n, 2), with the layer of each."""

    closed: list[Line]
    opened: list[Line]
    ends: Points
    end_layers: list[str]


@dataclass(frozen=True)
class Web:
    """Strokes by the places that they join: `nodes`, shape (n, 2), for the two ends of each, and the middle of each place."""

    strokes: list[Stroke]
    nodes: Numbers
    places: Points
    degrees: Numbers
    at: dict[int, list[int]]


def tolerance(strokes: list[Stroke]) -> float:
    """How near ends must be to be one place, mm, for `strokes` in millimetres."""
    low = np.min([stroke.points.min(axis=0) for stroke in strokes], axis=0)
    high = np.max([stroke.points.max(axis=0) for stroke in strokes], axis=0)
    return min(float(np.hypot(*(high - low))) * JOIN_SHARE, JOIN_MM)


def join(strokes: list[Stroke], within: float) -> Joined:
    """The lines that `strokes` make where ends nearer than `within` are joined."""
    if not strokes:
        return Joined([], [], np.empty((0, 2)), [])
    ends = np.array([(stroke.points[0], stroke.points[-1]) for stroke in strokes]).reshape(-1, 2)
    numbers, places = joined_places(ends, within)
    nodes = numbers.reshape(-1, 2)
    loops = nodes[:, 0] == nodes[:, 1]
    closed = [
        _line([(stroke, True)], True)
        for stroke, loop in zip(strokes, loops, strict=True)
        if loop and stroke.length > 2 * within  # else it is a speck, drawn by a slip of the hand
    ]
    rest = [stroke for stroke, loop in zip(strokes, loops, strict=True) if not loop]
    web = _web(rest, nodes[~loops], places)
    opened: list[Line] = []
    for members in _components(web):
        _trace(web, members, closed, opened)
    lonely = np.flatnonzero(web.degrees == 1)
    return Joined(closed, opened, places[lonely], [rest[web.at[int(node)][0]].layer for node in lonely])


def joined_places(points: Points, within: float) -> tuple[Numbers, Points]:
    """For each of `points`, shape (n, 2), the number of the place it lies at; and the places, shape (m, 2).

    Points are first gathered in cells half as wide as `within`, so that a hundred thousand points at one place are as cheap as one.
    """
    width = max(within, 1e-12) / 2
    low = points.min(axis=0)
    cell_of = paired(*np.floor((points - low) / width).T)
    counts = np.bincount(cell_of)
    middles = np.stack([np.bincount(cell_of, points[:, axis]) / counts for axis in (0, 1)], axis=1)
    pairs = cKDTree(middles).query_pairs(within, output_type="ndarray")
    graph = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(counts), len(counts)))
    number, place_of = connected_components(graph, directed=False)
    weights = np.bincount(place_of, counts, number)
    places = np.stack([np.bincount(place_of, middles[:, axis] * counts, number) / weights for axis in (0, 1)], axis=1)
    return place_of[cell_of].astype(np.int64), places


def _web(strokes: list[Stroke], nodes: Numbers, places: Points) -> Web:
    at: dict[int, list[int]] = {}
    for index, (first, second) in enumerate(nodes.tolist()):
        at.setdefault(first, []).append(index)
        at.setdefault(second, []).append(index)
    return Web(strokes, nodes, places, np.bincount(nodes.reshape(-1), minlength=len(places)), at)


def _components(web: Web) -> list[Numbers]:
    """Indices of strokes that hang together."""
    if not web.strokes:
        return []
    graph = coo_matrix((np.ones(len(web.nodes)), (web.nodes[:, 0], web.nodes[:, 1])), shape=(len(web.places),) * 2)
    _, piece = connected_components(graph, directed=False)
    of_stroke = piece[web.nodes[:, 0]]
    order = np.argsort(of_stroke, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(of_stroke[order])) + 1)


def _trace(web: Web, members: Numbers, closed: list[Line], opened: list[Line]) -> None:
    """Add the line or lines that `members` make to `closed` and `opened`."""
    degrees = web.degrees[web.nodes[members]]
    if degrees.max() > 2:
        _branched(web, members, closed, opened)
        return
    loose = members[(degrees == 1).any(axis=1)]
    first = int(loose[0]) if len(loose) else int(members[0])
    node = int(web.nodes[first][0] if web.degrees[web.nodes[first][0]] == 1 or not len(loose) else web.nodes[first][1])
    row, used = [], set()
    stroke: int | None = first
    while stroke is not None:
        used.add(stroke)
        forward = int(web.nodes[stroke][0]) == node
        row.append((web.strokes[stroke], forward))
        node = int(web.nodes[stroke][1 if forward else 0])
        stroke = next((other for other in web.at[node] if other not in used), None)
    (opened if len(loose) else closed).append(_line(row, not len(loose)))


def _line(row: list[tuple[Stroke, bool]], closed: bool) -> Line:
    rows = [stroke.points if forward else stroke.points[::-1] for stroke, forward in row]
    points = np.concatenate([rows[0], *(points[1:] for points in rows[1:])])
    if closed:
        points = np.concatenate([points[:-1], points[:1]])
    layers: Counter[str] = Counter()
    for stroke, _ in row:
        layers[stroke.layer] += 1
    bow = sum(stroke.bow if forward else -stroke.bow for stroke, forward in row)
    return Line(points, layers.most_common(1)[0][0], sum(stroke.length for stroke, _ in row), bow, closed)


def _branched(web: Web, members: Numbers, closed: list[Line], opened: list[Line]) -> None:
    """Where more than two lines meet: each smallest loop is a closed line, as with parts that share a cut; what is in no loop is open."""
    snapped = []
    for index in members:
        points = web.strokes[index].points.copy()
        points[0], points[-1] = web.places[web.nodes[index]]
        snapped.append(shapely.LineString(points))
    layer = Counter(web.strokes[index].layer for index in members).most_common(1)[0][0]
    faces, cuts, dangles, odd = shapely.polygonize_full(snapped)
    for face in faces.geoms:
        ring = shapely.get_coordinates(face.exterior)
        closed.append(Line(ring, layer, float(face.exterior.length), 0.0, True))
    for left in (cuts, dangles, odd):
        merged = shapely.line_merge(shapely.multilinestrings(list(left.geoms))) if len(left.geoms) else left
        pieces = shapely.get_parts(merged)
        opened.extend(Line(shapely.get_coordinates(piece), layer, float(piece.length), 0.0, False) for piece in pieces)
