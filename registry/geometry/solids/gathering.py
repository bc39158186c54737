# SPDX-License-Identifier: AGPL-3.0-or-later
"""From the modelling kernel's shape to plain records: one pass over the faces, one over the edges."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from OCP.Bnd import Bnd_Box
from OCP.BRep import BRep_Tool
from OCP.BRepAdaptor import BRepAdaptor_Curve, BRepAdaptor_Surface
from OCP.BRepBndLib import BRepBndLib
from OCP.BRepGProp import BRepGProp
from OCP.BRepMesh import BRepMesh_IncrementalMesh
from OCP.BRepTools import BRepTools
from OCP.GCPnts import GCPnts_AbscissaPoint
from OCP.GeomAbs import GeomAbs_CurveType
from OCP.gp import gp_Pnt, gp_Vec
from OCP.GProp import GProp_GProps
from OCP.TopAbs import TopAbs_EDGE, TopAbs_FACE, TopAbs_REVERSED, TopAbs_WIRE
from OCP.TopExp import TopExp_Explorer
from OCP.TopLoc import TopLoc_Location
from OCP.TopoDS import TopoDS, TopoDS_Shape
from OCP.TopTools import TopTools_IndexedMapOfShape

from registry.geometry.solids.faces import SMOOTH, Body, Edge, Face, Numbers, Points, signed_volume
from registry.geometry.solids.tessellating import KINDS, Skin

CIRCLE_STEP = math.radians(2.0)
"""Points on a circle are at most this far apart: a chord then leaves it by less than 0.02 % of the radius."""

MOST_ANGLE = 100.0
"""Radians, many times round; no whole file has arcs beyond it. Our own choice."""

CURVE_POINTS = 24
"""Points on a curve that is neither a line nor a circle."""

COARSE = 1 / 200
"""Where a shape comes without triangles, they follow it to this part of its largest side: enough to shoot rays at."""

NOWHERE = np.zeros(3)


@dataclass
class _Side:
    """A face while it is being gathered: the kernel's handles beside what is known."""

    shape: Any
    surface: Any
    kind: str
    sign: float
    place: Points
    axis: Points
    radius: float
    least_radius: float


def gather(solid: TopoDS_Shape, skin: Skin | None = None) -> Body:
    """The records of one solid, in millimetres. An inside-out solid is turned round.

    Parameters: `skin`, the areas and triangles of its faces where they are known already; else they are taken from the kernel.
    """
    known = TopTools_IndexedMapOfShape()
    sides, loops = [], []
    for shape in each(solid, TopAbs_FACE):
        face = TopoDS.Face_s(shape)
        sides.append(_side(face))
        loops.append(_loops(face, known))
    triangles, owners = _facets(solid, [side.shape for side in sides]) if skin is None else (skin.triangles, skin.owners)
    areas = [_area(side.shape) for side in sides] if skin is None else skin.areas
    turned = -1.0 if signed_volume(triangles) < 0 else 1.0
    for side in sides:
        side.sign *= turned
    edges = _edges(known, sides, loops, turned)
    known_of = zip(sides, areas, loops, strict=True)
    faces = tuple(_face(number, side, area, loop, edges) for number, (side, area, loop) in enumerate(known_of))
    return Body(faces, tuple(edges), triangles if turned > 0 else triangles[:, ::-1], owners)


def each(shape: TopoDS_Shape, kind: Any) -> list[Any]:
    """The parts of `shape` that are of a kind, in the order in which they are stored."""
    found, walk = [], TopExp_Explorer(shape, kind)
    while walk.More():
        found.append(walk.Current())
        walk.Next()
    return found


def _vector(given: Any) -> Points:
    return np.array([given.X(), given.Y(), given.Z()])


def _side(face: Any) -> _Side:
    surface = BRepAdaptor_Surface(face, True)
    kind = KINDS.get(surface.GetType(), "other")
    side = _Side(face, surface, kind, -1.0 if face.Orientation() == TopAbs_REVERSED else 1.0, NOWHERE, np.array([0.0, 0.0, 1.0]), 0.0, 0.0)
    if kind in ("plane", "cylinder", "cone", "sphere", "torus"):
        _note_elementary(side)
    elif kind == "revolution":
        axis = surface.AxeOfRevolution()
        side.place, side.axis = _vector(axis.Location()), _vector(axis.Direction())
    elif kind == "extrusion":
        side.axis = _vector(surface.Direction())
    return side


def _note_elementary(side: _Side) -> None:
    """Place, axis and radii; the sign so that it is positive where the outward normal points away from the axis."""
    exact = getattr(side.surface, side.kind.capitalize())()
    position = exact.Position()
    side.place, side.axis = _vector(position.Location()), _vector(position.Direction())
    if not position.Direct():
        side.sign = -side.sign
    if side.kind == "torus":
        side.radius, side.least_radius = exact.MajorRadius(), exact.MinorRadius()
    elif side.kind == "cone":
        heights = (side.surface.FirstVParameter(), side.surface.LastVParameter())
        ends = [exact.RefRadius() + height * math.sin(exact.SemiAngle()) for height in heights]
        side.radius, side.least_radius = max(map(abs, ends)), min(map(abs, ends))
    elif side.kind != "plane":
        side.radius = side.least_radius = exact.Radius()


def _loops(face: Any, known: Any) -> list[list[tuple[int, bool]]]:
    """The edges of each wire, the outer one first: their numbers, and whether they run backwards along their curve."""
    wires = each(face, TopAbs_WIRE)
    if len(wires) > 1:
        outer = BRepTools.OuterWire_s(face)
        wires.sort(key=lambda wire: not wire.IsSame(outer))
    return [
        [
            (known.Add(edge) - 1, edge.Orientation() == TopAbs_REVERSED)
            for edge in each(wire, TopAbs_EDGE)
            if not BRep_Tool.Degenerated_s(TopoDS.Edge_s(edge))
        ]
        for wire in wires
    ]


def _edges(known: Any, sides: list[_Side], loops: list[list[list[tuple[int, bool]]]], turned: float) -> list[Edge]:
    meets: list[list[tuple[int, bool]]] = [[] for _ in range(known.Extent())]
    for face, wires in enumerate(loops):
        for wire in wires:
            for edge, backwards in wire:
                meets[edge].append((face, backwards))
    return [_edge(number, TopoDS.Edge_s(known.FindKey(number + 1)), sides, met, turned) for number, met in enumerate(meets)]


def _edge(number: int, shape: Any, sides: list[_Side], met: list[tuple[int, bool]], turned: float) -> Edge:
    curve = BRepAdaptor_Curve(shape)
    first, last = curve.FirstParameter(), curve.LastParameter()
    place, along = gp_Pnt(), gp_Vec()
    middle = (first + last) / 2
    curve.D1(middle, place, along)
    faces = tuple(dict.fromkeys(face for face, _ in met))
    spot, tangent = _vector(place), _vector(along)
    normals = np.array([_normal(sides[face], shape, spot, middle) for face in faces]).reshape(-1, 3)
    kind, points, circle = _followed(curve, first, last)
    exact = kind in ("line", "circle")
    length = circle[2] * abs(last - first) if kind == "circle" else _length(points[-1] - points[0])
    return Edge(
        number=number,
        kind=kind,
        length=length if exact else float(GCPnts_AbscissaPoint.Length_s(curve)),
        faces=faces,
        normals=normals,
        turn=_turn(normals, tangent, met, turned) if len(faces) == 2 else 0.0,
        points=points,
        centre=circle[0],
        axis=circle[1],
        radius=circle[2],
    )


def _length(one: Points) -> float:
    """`numpy.linalg.norm` for a single vector, ten times faster."""
    return math.sqrt(float(one @ one))


def _crossed(one: Points, other: Points) -> Points:
    """`numpy.cross` for two single vectors, ten times faster."""
    (a, b, c), (x, y, z) = one.tolist(), other.tolist()
    return np.array([b * z - c * y, c * x - a * z, a * y - b * x])


def _turn(normals: Points, tangent: Points, met: list[tuple[int, bool]], turned: float) -> float:
    """How much the second face falls away from the first, seen along the first: its material is to the left of its edges."""
    length = _length(tangent)
    if length == 0:
        return 0.0
    backwards = met[0][1]
    way = tangent / length * (-turned if backwards else turned)
    into = _crossed(normals[0], way)
    away = -float(normals[1] @ into)
    if abs(away) < SMOOTH:
        return 0.0 if float(normals[0] @ normals[1]) > 0 else math.pi
    return math.atan2(away, float(normals[0] @ normals[1]))


def _followed(curve: Any, first: float, last: float) -> tuple[str, Points, tuple[Points, Points, float]]:
    """The kind of a curve, points along it, and the centre, axis and radius of a circle."""
    kind = curve.GetType()
    if kind == GeomAbs_CurveType.GeomAbs_Line:
        ends = np.array([_vector(curve.Value(first)), _vector(curve.Value(last))])
        return "line", ends, (NOWHERE, NOWHERE, 0.0)
    if kind == GeomAbs_CurveType.GeomAbs_Circle:
        circle = curve.Circle()
        frame = circle.Position()
        centre, radius = _vector(frame.Location()), float(circle.Radius())
        first, last = np.clip(np.nan_to_num((first, last)), -MOST_ANGLE, MOST_ANGLE).tolist()  # a broken file has them without end
        angles = np.linspace(first, last, max(3, math.ceil(abs(last - first) / CIRCLE_STEP) + 1))[:, None]
        points = centre + radius * (np.cos(angles) * _vector(frame.XDirection()) + np.sin(angles) * _vector(frame.YDirection()))
        return "circle", points, (centre, _vector(frame.Direction()), radius)
    points = np.array([_vector(curve.Value(at)) for at in np.linspace(first, last, CURVE_POINTS).tolist()])
    return "other", points, (NOWHERE, NOWHERE, 0.0)


def _normal(side: _Side, edge: Any, spot: Points, middle: float) -> Points:
    """The outward normal of a face at a place on one of its edges; zero where the surface has none there."""
    if side.kind == "plane":
        return side.axis * side.sign
    from_place = spot - side.place
    radial = from_place - (from_place @ side.axis) * side.axis
    if side.kind == "cylinder":
        normal = radial
    elif side.kind == "sphere":
        normal = from_place
    elif side.kind == "torus":
        normal = from_place - radial / (_length(radial) or 1.0) * side.radius
    else:
        normal = _kernel_normal(side, edge, middle)
    length = _length(normal)
    return normal * (side.sign / length) if length else NOWHERE


def _kernel_normal(side: _Side, edge: Any, middle: float) -> Points:
    """The surface's own normal, before its sign, by the place of the edge in the surface's own coordinates."""
    flat = BRep_Tool.CurveOnSurface_s(edge, side.shape, 0.0, 0.0)
    if flat is None:
        return NOWHERE
    at = flat.Value(middle)
    place, along_u, along_v = gp_Pnt(), gp_Vec(), gp_Vec()
    side.surface.D1(at.X(), at.Y(), place, along_u, along_v)
    normal = _crossed(_vector(along_u), _vector(along_v))
    length = _length(normal)
    # The sign of a cone was made for a right-handed frame, as the kernel's own normal is for the frame that it has.
    if side.kind == "cone" and not side.surface.Cone().Position().Direct():
        normal = -normal
    return normal / length if length else NOWHERE


def _face(number: int, side: _Side, area: float, loops: list[list[tuple[int, bool]]], edges: list[Edge]) -> Face:
    rings = tuple(tuple(edge for edge, _ in loop) for loop in loops)
    axis = side.axis * side.sign if side.kind == "plane" else side.axis
    low, high = _reach(side, axis, [edges[edge].points for ring in rings for edge in ring])
    return Face(
        number=number,
        kind=side.kind,
        area=area,
        inside=side.kind in ("cylinder", "cone", "sphere", "torus") and side.sign < 0,
        place=side.place,
        axis=axis,
        radius=side.radius,
        least_radius=side.least_radius,
        span=abs(side.surface.LastUParameter() - side.surface.FirstUParameter()) if side.kind != "plane" else 0.0,
        low=low,
        high=high,
        loops=rings,
    )


def _reach(side: _Side, axis: Points, pieces: list[Points]) -> tuple[float, float]:
    """Where a face begins and ends along its axis: by its edges, and for a cone also by its tip."""
    ends = list(_ends((np.concatenate(pieces) - side.place) @ axis)) if pieces else []
    if side.kind == "cone":
        exact = side.surface.Cone()
        cosine = math.cos(exact.SemiAngle())
        ends += [side.surface.FirstVParameter() * cosine, side.surface.LastVParameter() * cosine]
    elif side.kind == "sphere":
        ends += [side.radius * math.sin(v) for v in (side.surface.FirstVParameter(), side.surface.LastVParameter())]
    return (min(ends), max(ends)) if ends else (0.0, 0.0)


def _ends(values: Points) -> tuple[float, float]:
    return float(values.min()), float(values.max())


def _area(face: Any) -> float:
    measured = GProp_GProps()
    BRepGProp.SurfaceProperties_s(face, measured)
    return abs(float(measured.Mass()))


def _facets(solid: TopoDS_Shape, faces: list[Any]) -> tuple[Points, Numbers]:
    """The triangles of all faces and the face each belongs to; made here, coarsely, where the shape has none."""
    if any(BRep_Tool.Triangulation_s(face, TopLoc_Location()) is None for face in faces):
        size = _edge_box(solid)
        BRepMesh_IncrementalMesh(solid, max(size * COARSE, 1e-3), False, 0.35, False)
    pieces, owners = [np.empty((0, 3, 3))], [np.empty(0, np.int64)]
    for number, face in enumerate(faces):
        triangles = _facets_of(face)
        pieces.append(triangles)
        owners.append(np.full(len(triangles), number))
    return np.concatenate(pieces), np.concatenate(owners)


def _edge_box(solid: TopoDS_Shape) -> float:
    box = Bnd_Box()
    BRepBndLib.Add_s(solid, box, False)
    return 1.0 if box.IsVoid() else float(math.sqrt(box.SquareExtent()))


def _facets_of(face: Any) -> Points:
    location = TopLoc_Location()
    mesh = BRep_Tool.Triangulation_s(face, location)
    if mesh is None:
        return np.empty((0, 3, 3))
    places = (mesh.Node(index) for index in range(1, mesh.NbNodes() + 1))
    corners = np.array([(place.X(), place.Y(), place.Z()) for place in places]).reshape(-1, 3)
    sides = np.array([mesh.Triangle(index).Get() for index in range(1, mesh.NbTriangles() + 1)], dtype=np.int64).reshape(-1, 3) - 1
    if not location.IsIdentity():
        move = location.Transformation()
        matrix = np.array([[move.Value(row, column) for column in range(1, 5)] for row in range(1, 4)])
        corners = corners @ matrix[:, :3].T + matrix[:, 3]
    if face.Orientation() == TopAbs_REVERSED:
        sides = sides[:, ::-1]
    return corners[sides]
