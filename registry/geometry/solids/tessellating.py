# SPDX-License-Identifier: AGPL-3.0-or-later
"""Solids as triangles, and what their faces are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from OCP.BRep import BRep_Tool
from OCP.BRepAdaptor import BRepAdaptor_Surface
from OCP.BRepGProp import BRepGProp
from OCP.BRepMesh import BRepMesh_IncrementalMesh
from OCP.GeomAbs import GeomAbs_SurfaceType
from OCP.GProp import GProp_GProps
from OCP.StlAPI import StlAPI_Writer
from OCP.TopAbs import TopAbs_FACE
from OCP.TopLoc import TopLoc_Location
from OCP.TopoDS import TopoDS, TopoDS_Shape

from commonfab import v1
from registry.geometry.faults import Unmeasurable
from registry.geometry.solids.kernel import each, kernel_call
from registry.geometry.triangles import STL_HEADER_BYTES, STL_TRIANGLE, Numbers, Triangles

ANGLE = 0.5
"""The largest angle between neighbouring facets of a curved face, in radians: about 13 facets to a full turn at the least."""

KINDS = MappingProxyType(
    {
        GeomAbs_SurfaceType.GeomAbs_Plane: "plane",
        GeomAbs_SurfaceType.GeomAbs_Cylinder: "cylinder",
        GeomAbs_SurfaceType.GeomAbs_Cone: "cone",
        GeomAbs_SurfaceType.GeomAbs_Sphere: "sphere",
        GeomAbs_SurfaceType.GeomAbs_Torus: "torus",
        GeomAbs_SurfaceType.GeomAbs_BezierSurface: "bspline",
        GeomAbs_SurfaceType.GeomAbs_BSplineSurface: "bspline",
        GeomAbs_SurfaceType.GeomAbs_SurfaceOfExtrusion: "extrusion",
        GeomAbs_SurfaceType.GeomAbs_SurfaceOfRevolution: "revolution",
    }
)

ELEMENTARY = ("plane", "cylinder", "cone", "sphere", "torus")
"""Kinds whose area the kernel integrates quickly. Of the others the area is that of the triangles: integrating them takes as long as
reading the file, and nothing is judged by a tenth of a per cent of area."""


@dataclass(frozen=True)
class Skin:
    """The faces of a tessellated solid in the order in which they are stored: the kind and the area in mm² of each, and how many of
    `triangles`, mm, shape (n, 3, 3), belong to it."""

    kinds: tuple[str, ...]
    areas: tuple[float, ...]
    counts: tuple[int, ...]
    triangles: Triangles

    @property
    def owners(self) -> Numbers:
        """The face that each triangle belongs to, shape (n,)."""
        return np.repeat(np.arange(len(self.counts)), self.counts)


def tessellate(shape: TopoDS_Shape, size: v1.Size, file: Path) -> Triangles:
    """Triangles that follow the shape to a thousandth of the largest side of `size`, at most 0.1 mm, and to `ANGLE`; left in `file` as STL.

    0.1 mm is what a fused-filament printer can show; a thousandth keeps small parts round. The kernel writes the STL itself, since taking
    the triangles from it one by one takes longer than making them; its 32-bit numbers are what every slicer gets.
    Errors: `Unmeasurable` (`mesh.empty`).
    """
    deviation = min(0.1, max(0.001, max(size.x, size.y, size.z) / 1000))
    with kernel_call():
        BRepMesh_IncrementalMesh(shape, deviation, False, ANGLE, False)
    writer = StlAPI_Writer()
    writer.ASCIIMode = False
    writer.Write(shape, str(file))
    if not file.exists() or file.stat().st_size <= STL_HEADER_BYTES:
        raise Unmeasurable("mesh.empty")
    rows = np.fromfile(file, dtype=STL_TRIANGLE, offset=STL_HEADER_BYTES)
    return rows["corners"].astype(np.float64)


def triangles_in(shape: TopoDS_Shape) -> int:
    """How many triangles a tessellated shape has, in the order in which `tessellate` gives them."""
    return sum(map(_triangles_of, each(shape, TopAbs_FACE)))


def _triangles_of(face: TopoDS_Shape) -> int:
    mesh = BRep_Tool.Triangulation_s(TopoDS.Face_s(face), TopLoc_Location())
    return 0 if mesh is None else int(mesh.NbTriangles())


def skin_of(solid: TopoDS_Shape, triangles: Triangles) -> Skin:
    """The faces of a tessellated solid, whose own `triangles` are given."""
    sides = triangles[:, 1:] - triangles[:, :1]
    sizes = np.linalg.norm(np.cross(sides[:, 0], sides[:, 1]), axis=1) / 2
    kinds, areas, counts, start = [], [], [], 0
    for face in each(solid, TopAbs_FACE):
        count = _triangles_of(face)
        kind = KINDS.get(BRepAdaptor_Surface(TopoDS.Face_s(face), False).GetType(), "other")
        kinds.append(kind)
        areas.append(area_of(face) if kind in ELEMENTARY else float(sizes[start : start + count].sum()))
        counts.append(count)
        start += count
    return Skin(tuple(kinds), tuple(areas), tuple(counts), triangles)


def area_of(shape: TopoDS_Shape) -> float:
    """The area of the exact shape, mm²."""
    measured = GProp_GProps()
    BRepGProp.SurfaceProperties_s(shape, measured)
    return abs(float(measured.Mass()))
