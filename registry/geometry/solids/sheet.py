# SPDX-License-Identifier: AGPL-3.0-or-later
"""Flat stock of one thickness: lying anywhere in space, flat or bent. Pure.

Flat is what is at most a quarter as thick as the second-longest side of its blank, and at most 25 mm: the same as for a mesh. What does not
go through (pockets, blind holes, chamfers) and what is sunk is counted, since it takes the part from the laser to the router.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely
from scipy.spatial.transform import Rotation

from commonfab import v1
from registry.geometry.boxes import turned_boxes
from registry.geometry.solids import bends
from registry.geometry.solids.faces import PARALLEL, SMOOTH, Body, Points, across, components, forward, parallel, stretch
from registry.geometry.solids.holes import RoundHole
from registry.geometry.solids.pockets import is_inner_corner, is_sharp_upright, is_upright
from registry.geometry.solids.widths import least_width, segments_of

THIN = 0.25
"""How thick flat stock may be, as a part of the second-longest side of its blank."""

LEAST_SKIN = 0.5
"""The smaller of its two flat sides has at least this share of the larger: a tray is no sheet. Our own choice."""

LEAST_FILL = 0.5
"""… and it fills at least this share of thickness times the larger side: a dome on a disc is no sheet. Our own choice."""


MOST_OFF_MM = 0.005
"""How far the points that webs are measured between may leave an outline."""


@dataclass(frozen=True)
class _Slab:
    """A flat solid: `normal` square to it, the faces of its two flat sides, and the thickness between them."""

    normal: Points
    top: frozenset[int]
    bottom: frozenset[int]
    thickness: float


@dataclass(frozen=True)
class _Cut:
    """One outline or cut-out: its walls, its edges on one side, their length, how far it extends, and its width."""

    walls: frozenset[int]
    edges: tuple[int, ...]
    length: float
    extent: float
    width: float


def find_sheet(body: Body, holes: Sequence[RoundHole]) -> tuple[v1.SheetFacts, bool] | None:
    """What a solid says as flat stock, and whether its blank is only estimated; None where it is none."""
    slab = _slab(body)
    if slab:
        return _flat(body, slab, holes), False
    bent = bends.find_bent(body)
    return (_bent(body, bent, holes), not bent.whole) if bent else None


def _slab(body: Body) -> _Slab | None:
    """The two flat sides, looked for along the normals of the largest plane faces."""
    planes = sorted((face for face in body.faces if face.kind == "plane"), key=lambda face: -face.area)
    if not planes:
        return None
    normal = forward(planes[0].axis)
    corners = body.triangles.reshape(-1, 3)
    low, high = stretch(corners, normal)
    thickness = high - low
    sides = {
        end: frozenset(
            face.number
            for face in planes
            if float(face.axis @ normal) * way > PARALLEL and abs(float(face.place @ normal) - end) < body.near
        )
        for end, way in ((low, -1.0), (high, 1.0))
    }
    areas = [sum(body.faces[face].area for face in side) for side in sides.values()]
    slab = _Slab(normal, sides[high], sides[low], thickness)
    even = min(areas) >= LEAST_SKIN * max(areas) and body.volume >= LEAST_FILL * thickness * max(areas)
    even = even and _opposite(body, slab)
    return slab if even and thickness <= bends.MOST_THICKNESS_MM and 0 < thickness <= THIN * _second_side(body, slab) else None


def _opposite(body: Body, slab: _Slab) -> bool:
    """Whether the boxes of the two flat sides lie over each other: the two flanges of a joggled sheet lie beside each other."""
    frame = across(slab.normal).T
    sides = [body.points_of(edge for face in side for edge in body.faces[face].edges) @ frame for side in (slab.top, slab.bottom)]
    if not all(map(len, sides)):
        return True
    lows, highs = np.array([side.min(axis=0) for side in sides]), np.array([side.max(axis=0) for side in sides])
    shared = float(np.maximum(highs.min(axis=0) - lows.max(axis=0), 0.0).prod())
    return shared >= LEAST_SKIN * float((highs - lows).prod(axis=1).min())


def _second_side(body: Body, slab: _Slab) -> float:
    boxes = _boxes(body, slab)
    return min(boxes[0].size_mm.x, boxes[0].size_mm.y)


def _boxes(body: Body, slab: _Slab) -> list[v1.Placement]:
    """The boxes of the slab when it lies flat, by turns in its plane."""
    # Tilted about X until the normal has no Y, then about Y until it has no X.
    x, y, z = slab.normal.tolist()
    tilts = [math.degrees(math.atan2(y, z)), -math.degrees(math.atan2(x, math.hypot(y, z)))]
    lying = Rotation.from_euler("xy", tilts, degrees=True)
    every = np.concatenate([edge.points for edge in body.edges if len(edge.points)])
    flat: Points = lying.apply(every)[:, :2]
    return turned_boxes(flat, slab.thickness, v1.Rotation(x_deg=tilts[0], y_deg=tilts[1]))


def _flat(body: Body, slab: _Slab, holes: Sequence[RoundHole]) -> v1.SheetFacts:
    boxes = _boxes(body, slab)
    groups = components(body, {face.number for face in body.faces} - slab.top - slab.bottom)
    cut = [_cut(body, group, (slab.bottom, slab.top), slab.normal) for group in groups]
    cuts = [found for found in cut if found]
    sunk = [hole for hole in holes if (hole.counterbore or hole.countersink) and parallel(hole.axis, slab.normal)]
    walls = frozenset(face for found in cuts for face in found.walls)
    facts = _facts(body, boxes, slab.thickness, cuts)
    # A sunk blind hole is one feature, and counted as sunk.
    blind = [group for group, found in zip(groups, cut, strict=True) if not found and not any(hole.faces & group for hole in sunk)]
    facts.blind_features = len(blind) + len(_steps(body, walls, slab.normal, sunk))
    facts.countersinks = len(sunk)
    # Blind features take from one side only, as a rule: the other one shows the whole blank.
    facts.area_mm2 = max(sum(body.faces[face].area for face in side) for side in (slab.top, slab.bottom))
    edges = {edge for wall in walls for edge in body.faces[wall].edges}
    facts.sharp_inner_corners = sum(is_sharp_upright(body.edges[edge], slab.normal) for edge in edges)
    facts.narrowest_web_mm = _narrowest_web(body, cuts, slab.normal)
    _note_radius(body, facts, walls - {face for hole in holes for face in hole.faces})
    return facts


def _cut(body: Body, group: set[int], sides: tuple[frozenset[int], ...], normal: Points | None) -> _Cut | None:
    """The cut that a group of walls makes between the flat sides; None where it does not touch each of them.

    Of a countersunk hole the smaller mouth is the cut. Where no `normal` is given the width is taken on the flange that it is cut in.
    """
    rims: list[list[int]] = [
        sorted({edge.number for wall in group for other, edge in body.others(wall, body.faces[wall].edges) if other in side})
        for side in sides
    ]
    if not all(rims):
        return None
    rim = min(rims, key=lambda edges: sum(body.edges[edge].length for edge in edges))
    length = sum(body.edges[edge].length for edge in rim)
    if normal is None:
        flange = _flange(body, rim, sides[0])
        rim, normal = [edge for edge in rim if flange in body.edges[edge].faces], body.faces[flange].axis
    extent = float(np.linalg.norm(np.ptp(body.points_of(rim), axis=0)))
    return _Cut(frozenset(group), tuple(rim), length, extent, _width(body, rim, normal))


def _width(body: Body, rim: list[int], normal: Points) -> float:
    """The width of a cut-out; of a circle its diameter."""
    circles = {
        (round(edge.radius, 4), *np.round(edge.centre, 3).tolist())
        for edge in (body.edges[number] for number in rim)
        if edge.kind == "circle"
    }
    if len(circles) == 1 and all(body.edges[edge].kind == "circle" for edge in rim):
        return 2 * body.edges[rim[0]].radius
    return least_width(segments_of(body, tuple(rim), normal))


def _flange(body: Body, rim: list[int], skin: frozenset[int]) -> int:
    """The skin face that most of a rim lies on."""
    lengths: dict[int, float] = {}
    for edge in rim:
        for face in body.edges[edge].faces:
            if face in skin:
                lengths[face] = lengths.get(face, 0.0) + body.edges[edge].length
    return max(lengths, key=lambda face: lengths[face])


def _facts(body: Body, boxes: list[v1.Placement], thickness: float, cuts: list[_Cut]) -> v1.SheetFacts:
    first = boxes[0].size_mm
    inner = sorted(cuts, key=lambda cut: -cut.extent)[1:]
    return v1.SheetFacts(
        thickness_mm=thickness,
        blank_mm=v1.Size(x=max(first.x, first.y), y=min(first.x, first.y), z=thickness),
        placements=boxes,
        cut_length_mm=sum(cut.length for cut in cuts),
        pierces=len(cuts),
        smallest_hole_mm=min((cut.width for cut in inner if cut.width > body.near), default=0.0),
    )


def _note_radius(body: Body, facts: v1.SheetFacts, walls: frozenset[int]) -> None:
    radii = [body.faces[wall].radius for wall in walls if is_inner_corner(body.faces[wall])]
    facts.least_inner_radius_mm = 0.0 if facts.sharp_inner_corners else min(radii, default=0.0)


def _steps(body: Body, walls: frozenset[int], normal: Points, sunk: list[RoundHole]) -> list[set[int]]:
    """What interrupts the upright walls of the cuts: shoulders, chamfers, floors; each group that hangs together once, sunk holes not."""
    counted = {face for hole in sunk for face in hole.faces}
    steps = {face for face in walls - counted if not is_upright(body.faces[face], normal) and not _beside(body, face, normal)}
    shoulders = {face for face in steps if {other for other, _ in body.others(face, body.faces[face].edges)} <= counted}
    return components(body, steps - shoulders)


def _beside(body: Body, face: int, normal: Points) -> bool:
    """Whether a free-form wall stands upright, as far as its edges show."""
    edges = (body.edges[edge] for edge in body.faces[face].edges)
    return body.faces[face].kind in ("bspline", "other") and all(
        abs(float(edge.normals[edge.faces.index(face)] @ normal)) < SMOOTH for edge in edges
    )


def _narrowest_web(body: Body, cuts: list[_Cut], normal: Points) -> float:
    """The least distance between two cuts, mm; 0 with one cut only. A neck within one outline is not looked for."""
    if len(cuts) < 2:
        return 0.0
    frame = across(normal).T
    drawn = [shapely.MultiLineString([body.edges[edge].points @ frame for edge in cut.edges]) for cut in cuts]
    # A circle has 180 points, and the outline is near every cut-out: with fewer it takes a tenth of the time.
    rims = shapely.simplify(drawn, min(MOST_OFF_MM, 2 * body.near))
    _, distances = shapely.STRtree(rims).query_nearest(rims, exclusive=True, return_distance=True)
    return float(distances.min(initial=np.inf)) if len(distances) else 0.0


def _bent(body: Body, bent: bends.BentSheet, holes: Sequence[RoundHole]) -> v1.SheetFacts:
    """A bent sheet, laid flat. Its cuts are those of the skin's edges, half of them on each side."""
    boxes = turned_boxes(bent.outline, bent.thickness)
    groups = components(body, {face.number for face in body.faces} - bent.skin)
    cuts = [found for group in groups if (found := _cut(body, group, (bent.skin,), None))]
    cuts = [replace(cut, length=cut.length / 2) for cut in cuts]
    walls = frozenset(face for cut in cuts for face in cut.walls)
    facts = _facts(body, boxes, bent.thickness, cuts)
    facts.countersinks = sum(bool(hole.counterbore or hole.countersink) for hole in holes)
    facts.blind_features = sum(not (hole.through or hole.counterbore or hole.countersink) for hole in holes)
    facts.area_mm2 = bent.area
    facts.bends.extend(bends.written(bent.bends))
    facts.sharp_inner_corners = sum(
        edge.kind == "line" and edge.turn < 0 and set(edge.faces) <= walls and edge.length < 1.01 * bent.thickness for edge in body.edges
    )
    _note_radius(body, facts, walls - {face for hole in holes for face in hole.faces})
    return facts
