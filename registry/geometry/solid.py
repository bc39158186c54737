# SPDX-License-Identifier: AGPL-3.0-or-later
"""Solids in STEP files, read and measured with the Open CASCADE kernel.

The kernel is used directly and not through cadquery, whose import takes twice as long and brings nothing that is needed here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
from OCP.Bnd import Bnd_Box
from OCP.BRep import BRep_Tool
from OCP.BRepBndLib import BRepBndLib
from OCP.BRepCheck import BRepCheck_Analyzer
from OCP.BRepGProp import BRepGProp
from OCP.BRepMesh import BRepMesh_IncrementalMesh
from OCP.GProp import GProp_GProps
from OCP.IFSelect import IFSelect_RetDone
from OCP.STEPControl import STEPControl_Reader
from OCP.TColStd import TColStd_SequenceOfAsciiString
from OCP.TopAbs import TopAbs_FACE, TopAbs_REVERSED, TopAbs_ShapeEnum, TopAbs_SOLID
from OCP.TopExp import TopExp_Explorer
from OCP.TopLoc import TopLoc_Location
from OCP.TopoDS import TopoDS, TopoDS_Face, TopoDS_Shape

from commonfab import v1
from commonfab.reasons import reason
from registry.geometry.faults import Unmeasurable
from registry.geometry.mesh import Triangles, note_mesh

ANGLE = 0.5
"""The largest angle between neighbouring facets of a curved face, in radians: about 13 facets to a full turn at the least."""

UNITS = MappingProxyType(
    {"millimetre": "mm", "mm": "mm", "centimetre": "cm", "cm": "cm", "metre": "m", "m": "m", "inch": "inch", "in": "inch", "foot": "foot"}
)


@dataclass(frozen=True)
class Solids:
    """The shape of a STEP file, in millimetres whatever the file's unit, and that unit."""

    shape: TopoDS_Shape
    unit: str


def read_step(path: Path) -> Solids:
    """The file's shape; the kernel converts to millimetres. Errors: `Unmeasurable` (`file.unreadable`, `solid.none`)."""
    reader = STEPControl_Reader()
    if reader.ReadFile(str(path)) != IFSelect_RetDone:
        raise Unmeasurable("file.unreadable", "it is not well-formed STEP")
    unit = _unit(reader)
    reader.TransferRoots()
    shape = reader.OneShape()
    if shape is None or shape.IsNull() or next(_each(shape, TopAbs_SOLID), None) is None:
        raise Unmeasurable("solid.none")
    return Solids(shape, unit)


def _unit(reader: STEPControl_Reader) -> str:
    lengths, angles, solid_angles = (TColStd_SequenceOfAsciiString() for _ in range(3))
    reader.FileUnits(lengths, angles, solid_angles)
    told = lengths.Value(1).ToCString().lower() if lengths.Length() else "mm"
    return UNITS.get(told, told)


def note_solids(report: v1.GeometryReport, solids: Solids) -> Triangles:
    """Measure into `report`, and give the tessellation that was made for it: triangles in millimetres.

    Size, volume and area are those of the exact shape; edges are those of the tessellation.
    """
    each = list(_each(solids.shape, TopAbs_SOLID))
    size = _size(solids.shape)
    pieces = [tessellate(solid, size) for solid in each]
    triangles = np.concatenate(pieces)
    note_mesh(report, triangles, np.repeat(np.arange(len(each)), [len(piece) for piece in pieces]))
    report.solids = report.bodies = len(each)
    report.size_mm.CopyFrom(size)
    report.volume_mm3 = abs(sum(_volume(solid) for solid in each))
    report.area_mm2 = sum(_area(solid) for solid in each)
    invalid = sum(not BRepCheck_Analyzer(solid).IsValid() for solid in each)
    if invalid:
        report.warnings.append(reason("solid.invalid", invalid=invalid, solids=len(each)))
    return triangles


def _each(shape: TopoDS_Shape, kind: TopAbs_ShapeEnum) -> Iterator[TopoDS_Shape]:
    walk = TopExp_Explorer(shape, kind)
    while walk.More():
        yield walk.Current()
        walk.Next()


def _size(shape: TopoDS_Shape) -> v1.Size:
    """The tight extent: of the surfaces themselves, not of their control points, and without the kernel's tolerance round it."""
    box = Bnd_Box()
    BRepBndLib.AddOptimal_s(shape, box, False, False)
    low, high = box.CornerMin(), box.CornerMax()
    return v1.Size(x=high.X() - low.X(), y=high.Y() - low.Y(), z=high.Z() - low.Z())


def _volume(solid: TopoDS_Shape) -> float:
    measured = GProp_GProps()
    BRepGProp.VolumeProperties_s(solid, measured)
    return float(measured.Mass())


def _area(solid: TopoDS_Shape) -> float:
    measured = GProp_GProps()
    BRepGProp.SurfaceProperties_s(solid, measured)
    return float(measured.Mass())


def tessellate(shape: TopoDS_Shape, size: v1.Size) -> Triangles:
    """Triangles that follow the shape to a thousandth of the file's largest side `size`, at most 0.1 mm, and to `ANGLE`.

    0.1 mm is what a fused-filament printer can show; a thousandth keeps small parts round.
    """
    deviation = min(0.1, max(0.001, max(size.x, size.y, size.z) / 1000))
    BRepMesh_IncrementalMesh(shape, deviation, False, ANGLE, False)
    pieces = [_facets(TopoDS.Face_s(face)) for face in _each(shape, TopAbs_FACE)]
    triangles = np.concatenate(pieces) if pieces else np.empty((0, 3, 3))
    if len(triangles) == 0:
        raise Unmeasurable("mesh.empty")
    return triangles


def _facets(face: TopoDS_Face) -> Triangles:
    location = TopLoc_Location()
    mesh = BRep_Tool.Triangulation_s(face, location)
    if mesh is None:
        return np.empty((0, 3, 3))
    corners = _corners(mesh, location)
    sides = np.array([mesh.Triangle(index).Get() for index in range(1, mesh.NbTriangles() + 1)], dtype=np.int64).reshape(-1, 3) - 1
    if face.Orientation() == TopAbs_REVERSED:
        sides = sides[:, ::-1]
    return corners[sides]


def _corners(mesh: object, location: TopLoc_Location) -> npt.NDArray[np.float64]:
    move = location.Transformation()
    places = (mesh.Node(index).Transformed(move) for index in range(1, mesh.NbNodes() + 1))  # type: ignore[attr-defined]
    return np.array([(place.X(), place.Y(), place.Z()) for place in places], dtype=np.float64).reshape(-1, 3)
