# SPDX-License-Identifier: AGPL-3.0-or-later
"""The tight extent of a shape: of the surfaces themselves, not of their control points, and without the kernel's tolerance round it.

The corners of a shape lie on it, so their box is within the tight one; the kernel's quick box of a face is never smaller than the face.
Only faces whose quick box sticks out of what is known need the kernel's exact and slow one: seldom more than a few.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from OCP.Bnd import Bnd_Box
from OCP.BRep import BRep_Tool
from OCP.BRepBndLib import BRepBndLib
from OCP.TopAbs import TopAbs_FACE, TopAbs_VERTEX
from OCP.TopExp import TopExp
from OCP.TopoDS import TopoDS, TopoDS_Shape
from OCP.TopTools import TopTools_IndexedMapOfShape

from commonfab import v1
from registry.geometry.solids.kernel import each

Ends = npt.NDArray[np.float64]

EXACT = 1e-6
"""Faces that stick out by less than this part of the largest side are not looked at again."""


def tight_size(shape: TopoDS_Shape) -> v1.Size:
    """The extent of a shape along X, Y and Z, mm. Zeros for an empty one."""
    corners = _corners(shape)
    faces = list(each(shape, TopAbs_FACE))
    if not faces or len(corners) == 0:
        box = _optimal(shape)
        return v1.Size() if box.IsVoid() else _size(_ends(box))
    known = np.array([corners.min(axis=0), corners.max(axis=0)])
    quick = [(face, _ends(box)) for face, box in ((face, _quick(face)) for face in faces) if not box.IsVoid()]
    for face, ends in sorted(quick, key=lambda pair: -_beyond(pair[1], known)):
        if _beyond(ends, known) > EXACT * float((known[1] - known[0]).max()):  # `known` has grown since the faces were sorted
            exact = _ends(_optimal(face))
            known = np.array([np.minimum(known[0], exact[0]), np.maximum(known[1], exact[1])])
    return _size(known)


def _corners(shape: TopoDS_Shape) -> Ends:
    """The corners of the shape, each once; shape (n, 3)."""
    found = TopTools_IndexedMapOfShape()
    TopExp.MapShapes_s(shape, TopAbs_VERTEX, found)
    places = (BRep_Tool.Pnt_s(TopoDS.Vertex_s(found.FindKey(index))) for index in range(1, found.Extent() + 1))
    return np.array([(place.X(), place.Y(), place.Z()) for place in places]).reshape(-1, 3)


def _quick(face: TopoDS_Shape) -> Bnd_Box:
    box = Bnd_Box()
    BRepBndLib.Add_s(face, box, False)
    return box


def _optimal(shape: TopoDS_Shape) -> Bnd_Box:
    box = Bnd_Box()
    BRepBndLib.AddOptimal_s(shape, box, False, False)
    return box


def _ends(box: Bnd_Box) -> Ends:
    low, high = box.CornerMin(), box.CornerMax()
    return np.array([(low.X(), low.Y(), low.Z()), (high.X(), high.Y(), high.Z())])


def _beyond(ends: Ends, known: Ends) -> float:
    """How far a box sticks out of what is known, mm."""
    return float(max((known[0] - ends[0]).max(), (ends[1] - known[1]).max()))


def _size(ends: Ends) -> v1.Size:
    x, y, z = (float(side) for side in ends[1] - ends[0])
    return v1.Size(x=x, y=y, z=z)
