# SPDX-License-Identifier: AGPL-3.0-or-later
"""A solid with as many faces as one likes: a plate with square pockets in a grid, sewn of its faces.

Cutting the pockets one by one would take minutes; and they are not round holes, because the kernel's own mesher takes minutes over one
face with a thousand of those.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from OCP.BRepBuilderAPI import BRepBuilderAPI_MakeFace, BRepBuilderAPI_MakePolygon, BRepBuilderAPI_MakeSolid, BRepBuilderAPI_Sewing
from OCP.gp import gp_Pnt
from OCP.STEPControl import STEPControl_AsIs, STEPControl_Writer
from OCP.TopoDS import TopoDS, TopoDS_Face, TopoDS_Wire

STEP, POCKET, MARGIN = 10.0, 4.0, 3.0
HIGH, FLOOR = 8.0, 3.0

Corners = list[tuple[float, float, float]]


def draw_plate(path: Path, faces: int) -> None:
    """Leave a STEP file of a plate with about so many faces: six, and five for each pocket."""
    across = max(1, round(((faces - 6) / 5) ** 0.5))
    sewing = BRepBuilderAPI_Sewing(1e-6)
    for face in _faces(across):
        sewing.Add(face)
    sewing.Perform()
    writer = STEPControl_Writer()
    writer.Transfer(BRepBuilderAPI_MakeSolid(TopoDS.Shell_s(sewing.SewedShape())).Solid(), STEPControl_AsIs)
    writer.Write(str(path))


def _faces(across: int) -> Iterator[TopoDS_Face]:
    side = STEP * across
    pockets = [(STEP * column + MARGIN, STEP * row + MARGIN) for column in range(across) for row in range(across)]
    top = BRepBuilderAPI_MakeFace(_wire(_ring(0, 0, side, HIGH)))
    for x, y in pockets:
        top.Add(TopoDS.Wire_s(_wire(_ring(x, y, POCKET, HIGH)).Reversed()))
    yield top.Face()
    yield _face(_ring(0, 0, side, 0))
    yield from _walls(0, 0, side, 0)
    for x, y in pockets:
        yield _face(_ring(x, y, POCKET, FLOOR))
        yield from _walls(x, y, POCKET, FLOOR)


def _walls(x: float, y: float, side: float, low: float) -> Iterator[TopoDS_Face]:
    below, above = _ring(x, y, side, low), _ring(x, y, side, HIGH)
    for corner in range(4):
        beside = (corner + 1) % 4
        yield _face([below[corner], below[beside], above[beside], above[corner]])


def _ring(x: float, y: float, side: float, z: float) -> Corners:
    return [(x, y, z), (x + side, y, z), (x + side, y + side, z), (x, y + side, z)]


def _face(corners: Corners) -> TopoDS_Face:
    return BRepBuilderAPI_MakeFace(_wire(corners)).Face()


def _wire(corners: Corners) -> TopoDS_Wire:
    polygon = BRepBuilderAPI_MakePolygon()
    for corner in corners:
        polygon.Add(gp_Pnt(*corner))
    polygon.Close()
    return polygon.Wire()
