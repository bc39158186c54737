# SPDX-License-Identifier: AGPL-3.0-or-later
"""Solids, measured with the Open CASCADE kernel."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from OCP.Bnd import Bnd_Box
from OCP.BRep import BRep_Tool
from OCP.BRepBndLib import BRepBndLib
from OCP.BRepCheck import BRepCheck_Analyzer
from OCP.BRepGProp import BRepGProp
from OCP.BRepMesh import BRepMesh_IncrementalMesh
from OCP.GProp import GProp_GProps
from OCP.TopAbs import TopAbs_FACE, TopAbs_REVERSED, TopAbs_SOLID
from OCP.TopLoc import TopLoc_Location
from OCP.TopoDS import TopoDS, TopoDS_Face, TopoDS_Shape

from commonfab import v1
from commonfab.reasons import reason
from registry.geometry.faults import Unmeasurable
from registry.geometry.meshes.measuring import note_mesh
from registry.geometry.solids.reading import Solids, each, read
from registry.geometry.source import DERIVED_MESH, Source
from registry.geometry.triangles import Triangles, write_stl
from registry.geometry.unit_reading import note_unit

ANGLE = 0.5
"""The largest angle between neighbouring facets of a curved face, in radians: about 13 facets to a full turn at the least."""


def measure(report: v1.GeometryReport, source: Source) -> Triangles:
    """Measure a file of solids into `report`; its tessellation in millimetres. Errors: `Unmeasurable`."""
    solids = read(source)
    triangles = note_solids(report, solids)
    note_unit(report, solids.unit, source.declared_unit)
    write_stl(source.scratch / DERIVED_MESH, triangles)
    return triangles


def note_solids(report: v1.GeometryReport, solids: Solids) -> Triangles:
    """Measure into `report`, and give the tessellation that was made for it: triangles in millimetres.

    Size, volume and area are those of the exact shape; edges are those of the tessellation.
    """
    found = list(each(solids.shape, TopAbs_SOLID))
    size = _size(solids.shape)
    pieces = [tessellate(solid, size) for solid in found]
    triangles = np.concatenate(pieces)
    note_mesh(report, triangles, np.repeat(np.arange(len(found)), [len(piece) for piece in pieces]))
    report.solids = report.bodies = len(found)
    report.size_mm.CopyFrom(size)
    report.volume_mm3 = abs(sum(_volume(solid) for solid in found))
    report.area_mm2 = sum(_area(solid) for solid in found)
    invalid = sum(not BRepCheck_Analyzer(solid).IsValid() for solid in found)
    if invalid:
        report.warnings.append(reason("brep.invalid", invalid=invalid, solids=len(found)))
    return triangles


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
    pieces = [_facets(TopoDS.Face_s(face)) for face in each(shape, TopAbs_FACE)]
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
