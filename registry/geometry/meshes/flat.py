# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whether a mesh is flat stock of one thickness, however it lies, and what must be cut to make it.

A plate has two parallel faces that look away from each other, as far apart as it is thick, walls at right angles to them, and nothing
above or below. Where part of it is thinner (pockets, engraving, countersinks) it is still cut from that stock.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from shapely.geometry.base import BaseGeometry

from commonfab import v1
from registry.geometry.boxes import turned_boxes
from registry.geometry.facets import Facets, Floats
from registry.geometry.hull import Hull
from registry.geometry.lies import FLAT_DEG, ON_BED, flat_faces
from registry.geometry.meshes.edges import Edges, Mask
from registry.geometry.meshes.outlines import hole_width, is_circle, note_outline
from registry.geometry.triangles import Numbers
from registry.geometry.turning import matrix_of, rotation_laying

THICKEST_MM = 25.0
"""Thicker plate is milled from a block, not cut from a sheet. Our own choice: what plasma and waterjet cut every day, as shops offer it."""

LEAST_WIDTH = 4.0
"""Flat stock is at least so many times wider than it is thick, within `SAME`. Our own choice: a bar of 10 × 10 or a brick is no sheet."""

LEAST_FULL = 0.5
"""At least this part of its silhouette has the full thickness. Below, the full height is a boss or a rim on something thinner."""

MOST_SLOPED = 0.1
"""At most this part of the surface is neither parallel nor upright: chamfers and countersinks, but no vaults."""

SAME = 0.01
"""Volume and area times thickness, and both faces, agree within this part."""

UPRIGHT_DEG = 1.0
MOST_UNITED = 20_000
"""Triangles whose shadows are united to find the silhouette of a plate with blind features; with more it is not taken for a sheet."""

AXES_TRIED = 3


@dataclass(frozen=True)
class _Laid:
    """A plate that lies flat: `turn`, how it was laid; `plane`, shape (n, 3, 2), its triangles from above; `thickness`, mm.

    `top`, `bottom`, triangles on the two faces; `between`, those of blind features: parallel to the faces or sloped, and on neither;
    `upward`, all that face up.
    """

    turn: v1.Rotation
    plane: Floats
    thickness: float
    top: Mask
    bottom: Mask
    between: Mask
    upward: Mask
    plain: bool


def sheet_of(facets: Facets, edges: Edges, hull: Hull, volume: float) -> v1.SheetFacts | None:
    """What the mesh is as flat stock; nothing where it is none.

    It is, where it is at most `THICKEST_MM` thick and its blank `LEAST_WIDTH` times as wide, at least `LEAST_FULL` of it has that
    thickness, and all of its surface but `MOST_SLOPED` is parallel to its faces or at right angles to them.
    Parameters: `volume`, mm³.
    """
    axes: list[Floats] = []
    for normal in flat_faces(hull):
        if all(abs(normal @ axis) < 0.999 for axis in axes):
            axes.append(normal if normal[np.abs(normal).argmax()] > 0 else -normal)
    for axis in axes[:AXES_TRIED]:
        laid = _laid(facets, edges, axis, volume)
        try:
            sheet = None if laid is None else _facts(laid, edges)
        except shapely.GEOSException:  # outlines that cross themselves past mending: whatever it is, it cannot be cut from them
            sheet = None
        if sheet is not None:
            return sheet
    return None


def _laid(facets: Facets, edges: Edges, axis: Floats, volume: float) -> _Laid | None:
    """The mesh with `axis` upright, if it can be a plate that lies so. Its upper face is the one that `axis` leaves."""
    turn = v1.Rotation() if axis[2] == 1 else rotation_laying(-axis)
    places = edges.corners.places @ matrix_of(turn).T
    low, high = float(places[:, 2].min()), float(places[:, 2].max())
    thickness = high - low
    if not 0 < thickness <= THICKEST_MM:
        return None
    facing = facets.normals @ axis
    near = min(ON_BED * facets.largest, thickness / 20)
    level = np.cos(np.radians(FLAT_DEG))
    heights = places[:, 2][edges.corners.numbers]
    top = (facing > level) & (heights.min(axis=1) > high - near)
    bottom = (facing < -level) & (heights.max(axis=1) < low + near)
    upright = np.abs(facing) < np.sin(np.radians(UPRIGHT_DEG))
    between = ~(top | bottom | upright) & (facets.areas > 0)
    sloped = between & (np.abs(facing) < level)
    upper, lower = float(facets.areas[top].sum()), float(facets.areas[bottom].sum())
    if min(upper, lower) < LEAST_FULL * volume / thickness or facets.areas[sloped].sum() > MOST_SLOPED * facets.areas.sum():
        return None
    plain = abs(volume - upper * thickness) <= SAME * volume and abs(upper - lower) <= SAME * upper and not between.any()
    upward = facing > np.sin(np.radians(UPRIGHT_DEG))
    return _Laid(turn, places[:, :2][edges.corners.numbers], thickness, top, bottom, between, upward, plain)


def _facts(laid: _Laid, edges: Edges) -> v1.SheetFacts | None:
    outline = _silhouette(laid)
    if outline is None or outline.is_empty:
        return None
    corners = shapely.get_coordinates(outline)
    placements = turned_boxes(corners, laid.thickness, laid.turn)
    blank = placements[0].size_mm
    longer, shorter = max(blank.x, blank.y), min(blank.x, blank.y)
    widest = max(hole_width(piece.exterior) for piece in shapely.get_parts(outline))  # of several pieces in one file
    if laid.thickness * LEAST_WIDTH > min(shorter, widest) * (1 + SAME):
        return None
    sheet = v1.SheetFacts(thickness_mm=laid.thickness, blank_mm=v1.Size(x=longer, y=shorter, z=laid.thickness), placements=placements)
    note_outline(sheet, outline)
    _note_blind(sheet, laid, edges)
    return sheet


def _silhouette(laid: _Laid) -> BaseGeometry | None:
    """The plate from above, its through holes open; nothing where too little of it has the full thickness to be a plate."""
    if laid.plain:
        return _tidied(_united(laid.plane[laid.top]), laid)
    if max(laid.upward.sum(), laid.bottom.sum()) > MOST_UNITED:
        return None
    outline = _tidied(shapely.union_all(_shadows(laid.plane[laid.upward])), laid)
    full = shapely.intersection(_united(laid.plane[laid.top]), _united(laid.plane[laid.bottom]))
    return outline if full.area >= LEAST_FULL * outline.area else None


def _tidied(outline: BaseGeometry, laid: _Laid) -> BaseGeometry:
    """`outline` without gaps and slivers thinner than `ON_BED`, which rounding leaves between shadows."""
    thin = ON_BED * float(np.ptp(laid.plane.reshape(-1, 2), axis=0).max())
    kept = [part for part in shapely.get_parts(outline) if part.geom_type == "Polygon" and part.area > thin * part.length / 2]
    holes = [[hole for hole in part.interiors if shapely.Polygon(hole).area > thin * hole.length / 2] for part in kept]
    return shapely.MultiPolygon([shapely.Polygon(part.exterior, inner) for part, inner in zip(kept, holes, strict=True)])


def _united(triangles: Floats) -> BaseGeometry:
    """The union of triangles of one face: quickly where they meet along whole edges, as those of a sound mesh do."""
    united: BaseGeometry
    try:
        united = shapely.coverage_union_all(_shadows(triangles))
    except shapely.GEOSException:
        united = shapely.union_all(_shadows(triangles))
    return united if united.is_valid else shapely.make_valid(united)


def _shadows(triangles: Floats) -> Floats:
    return shapely.polygons(np.concatenate([triangles, triangles[:, :1]], axis=1))  # type: ignore[no-any-return]


def _note_blind(sheet: v1.SheetFacts, laid: _Laid, edges: Edges) -> None:
    """Count what does not go through: a ring between two circles is a countersink or a counterbore, all else a blind feature."""
    between = np.flatnonzero(laid.between)
    if len(between) == 0:
        return
    patches = _patches(edges.corners.numbers[between])
    for patch in range(int(patches.max()) + 1):
        shadow = shapely.union_all(_shadows(laid.plane[between[patches == patch]]))
        ring = shadow.geom_type == "Polygon" and len(shadow.interiors) == 1
        if ring and is_circle(shadow.exterior) and is_circle(shadow.interiors[0]):
            sheet.countersinks += 1
        else:
            sheet.blind_features += 1


def _patches(numbers: Numbers) -> Numbers:
    """The patch that each triangle belongs to: those that share corners hang together."""
    _, corners = np.unique(numbers, return_inverse=True)
    corners = corners.reshape(-1) + len(numbers)
    nodes = int(corners.max()) + 1
    links = coo_matrix((np.ones(len(corners), dtype=np.int8), (np.repeat(np.arange(len(numbers)), 3), corners)), shape=(nodes, nodes))
    patches: Numbers = connected_components(links, directed=False)[1][: len(numbers)]
    return np.unique(patches, return_inverse=True)[1]
