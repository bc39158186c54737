# SPDX-License-Identifier: AGPL-3.0-or-later
"""Hollows that are not round: pockets with a floor, and cut-outs that go through. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from commonfab import v1
from registry.geometry.solids.faces import SMOOTH, Body, Edge, Face, Points, flood, parallel, stretch
from registry.geometry.solids.holes import ALL_ROUND, vector
from registry.geometry.solids.widths import least_width, segments_of


@dataclass(frozen=True)
class Hollow:
    """A pocket or cut-out; lengths in mm, `axis` the direction in which a cutter enters. `sharp`: two walls meet in a corner."""

    depth: float
    corner_radius: float
    sharp: bool
    width: float
    through: bool
    axis: Points
    faces: frozenset[int]


def find_pockets(body: Body, drilled: frozenset[int]) -> list[Hollow]:
    """The pockets and the cut-outs of a solid, the deepest first. `drilled` are walls of round holes, whose floors are no pockets."""
    planes = [face for face in body.faces if face.kind == "plane"]
    found = [hollow for face in planes if (hollow := _on_floor(body, face, drilled))]
    seen: set[frozenset[int]] = set()
    for face in planes:
        for loop in face.loops[1:]:
            cut = _cut_out(body, face, loop, drilled)
            if cut and cut.faces not in seen:
                seen.add(cut.faces)
                found.append(cut)
    return sorted(found, key=lambda hollow: -hollow.depth)


def _on_floor(body: Body, floor: Face, drilled: frozenset[int]) -> Hollow | None:
    """The pocket above a plane face whose outer edges are all inner corners, or run up into fillets."""
    if not floor.loops or not floor.loops[0]:
        return None
    around = body.others(floor.number, floor.loops[0])
    if not around or not all(edge.turn < 0 or (edge.turn == 0 and body.faces[other].inside) for other, edge in around):
        return None
    walls = _beyond_fillets(body, floor, {other for other, _ in around})
    if walls <= drilled or not walls:
        return None
    base = float(floor.place @ floor.axis)
    depth = min(stretch(body.points_of(body.faces[wall].edges), floor.axis)[1] for wall in walls) - base
    if depth < body.near:
        return None
    radius, sharp = _corners(body, walls, floor.axis)
    width = least_width(segments_of(body, floor.edges, floor.axis))
    fillet = max((body.faces[face].least_radius for face in {other for other, _ in around} - walls), default=0.0)
    return Hollow(depth, radius, sharp, width + 2 * fillet, False, -floor.axis, frozenset(walls | {floor.number}))


def _beyond_fillets(body: Body, floor: Face, met: set[int]) -> set[int]:
    """The walls around a floor: where a fillet runs round its edge, what stands behind the fillet."""
    walls: set[int] = set()
    for face in met:
        record = body.faces[face]
        if not is_upright(record, floor.axis) and record.inside:
            walls |= {
                other for other, edge in body.others(face, record.edges) if edge.turn <= 0 and other != floor.number and other not in met
            }
        else:
            walls.add(face)
    return walls


def is_upright(face: Face, normal: Points) -> bool:
    """Whether the face runs along `normal`."""
    if face.kind == "plane":
        return abs(float(face.axis @ normal)) < SMOOTH
    return face.kind in ("cylinder", "extrusion") and parallel(face.axis, normal)


def _cut_out(body: Body, face: Face, loop: tuple[int, ...], drilled: frozenset[int]) -> Hollow | None:
    """The cut-out that an inner loop of a plane face opens into: upright walls only, down to another mouth."""
    first = body.others(face.number, loop)
    if not first or not all(edge.turn > 0 and _goes_down(body, other, edge, face.axis) for other, edge in first):
        return None
    walls = flood(body, {other for other, _ in first}, lambda other, edge: edge.turn <= 0 and _goes_down(body, other, edge, face.axis))
    if walls <= drilled or _has_floor(body, walls, face.axis):
        return None
    low, high = stretch(body.points_of(edge for wall in walls for edge in body.faces[wall].edges), face.axis)
    radius, sharp = _corners(body, walls, face.axis)
    return Hollow(high - low, radius, sharp, least_width(segments_of(body, loop, face.axis)), True, -face.axis, frozenset(walls))


def _goes_down(body: Body, face: int, edge: Edge, normal: Points) -> bool:
    return is_upright(body.faces[face], normal) or abs(float(edge.normals[edge.faces.index(face)] @ normal)) < SMOOTH


def _has_floor(body: Body, walls: set[int], normal: Points) -> bool:
    """Whether a face other than an upright wall closes the walls, or no face looks out at the other end."""
    beyond = [pair for wall in walls for pair in body.others(wall, body.faces[wall].edges) if pair[0] not in walls]
    closed = any(edge.turn < 0 for _, edge in beyond)
    out = any(float(edge.normals[edge.faces.index(other)] @ normal) < -SMOOTH for other, edge in beyond)
    return closed or not out


def _corners(body: Body, walls: Iterable[int], normal: Points) -> tuple[float, bool]:
    """The least radius of the upright inner corners between walls, and whether two walls meet sharply (then the radius is 0)."""
    standing = set(walls)
    standing |= {other for wall in standing for other, edge in body.others(wall, body.faces[wall].edges) if edge.turn == 0}
    radii = [
        face.radius
        for face in (body.faces[number] for number in standing)
        if face.kind == "cylinder" and face.inside and parallel(face.axis, normal)
    ]
    sharp = any(is_sharp_upright(body.edges[edge], normal) for wall in walls for edge in body.faces[wall].edges)
    return (0.0 if sharp else min(radii, default=0.0)), sharp


def is_sharp_upright(edge: Edge, normal: Points) -> bool:
    """Whether a straight inner edge runs along `normal`: no round cutter that comes along `normal` makes it."""
    if edge.kind != "line" or edge.turn >= 0 or len(edge.faces) != 2:
        return False
    way = edge.points[1] - edge.points[0]
    return edge.length > 0 and parallel(way / np.linalg.norm(way), normal)


def is_inner_corner(face: Face) -> bool:
    """Whether the face rounds an inner corner: it goes part of the way round the air."""
    return face.kind == "cylinder" and face.inside and face.span < ALL_ROUND


def written(hollows: list[Hollow]) -> list[v1.Pocket]:
    """The pockets as the contract has them."""
    return [
        v1.Pocket(
            depth_mm=hollow.depth,
            least_corner_radius_mm=hollow.corner_radius,
            least_width_mm=hollow.width,
            through=hollow.through,
            axis=vector(hollow.axis),
        )
        for hollow in hollows
    ]
