# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whether the modelling kernel finds a solid sound, and what is the matter with it where not."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from types import MappingProxyType

from OCP.BRepCheck import BRepCheck_Analyzer, BRepCheck_Shell
from OCP.TopAbs import TopAbs_EDGE, TopAbs_FACE, TopAbs_SHELL, TopAbs_SOLID, TopAbs_VERTEX, TopAbs_WIRE
from OCP.TopExp import TopExp
from OCP.TopoDS import TopoDS, TopoDS_Shape
from OCP.TopTools import TopTools_IndexedMapOfShape

from registry.geometry.solids.kernel import each, together

KINDS = (TopAbs_VERTEX, TopAbs_EDGE, TopAbs_WIRE, TopAbs_FACE, TopAbs_SHELL, TopAbs_SOLID)

WORDS = MappingProxyType(
    {
        "SelfIntersectingWire": "outlines that cross themselves",
        "IntersectingWires": "outlines of one face that cross each other",
        "InvalidImbricationOfWires": "outlines of one face that do not lie within each other",
        "NotClosed": "open shells or outlines",
        "FreeEdge": "edges with one face only",
        "InvalidMultiConnexity": "edges with more than two faces",
        "NotConnected": "shells in several pieces",
        "BadOrientation": "faces that are turned the wrong way",
        "BadOrientationOfSubshape": "faces that are turned the wrong way",
        "UnorientableShape": "outlines or shells without an inside",
        "InvalidImbricationOfShells": "shells that do not lie within each other",
        "EnclosedRegion": "shells that enclose nothing",
        "NoCurveOnSurface": "edges that are missing on their face",
        "InvalidCurveOnSurface": "edges that leave their face",
        "InvalidCurveOnClosedSurface": "edges that leave their face",
        "InvalidPointOnCurve": "corners that are not on their edges",
        "InvalidPointOnCurveOnSurface": "corners that are not on their faces",
        "InvalidPointOnSurface": "corners that are not on their faces",
        "InvalidSameParameterFlag": "edges whose curves run apart",
        "InvalidSameRangeFlag": "edges whose curves run apart",
        "InvalidToleranceValue": "impossible tolerances",
        "NoSurface": "faces without a surface",
        "No3DCurve": "edges without a curve",
        "CheckFail": "places where the check itself failed",
    }
)
"""What the kernel's findings mean, for a person. Those that are not here keep the kernel's name."""


MOST_WIRES = 100
MOST_EDGES = 1000
"""Faces with more outlines or edges than these are not checked themselves. The kernel compares every outline of a face with every other,
and every edge of an outline with every other: 200 round holes took a quarter of the time of reading them, 240 holes and 240 pockets nearly
as long as reading."""


@dataclass(frozen=True)
class Check:
    """What is the matter with a solid, in words, and at how many places; empty where it is sound. `unchecked`: faces that were left out."""

    faults: Counter[str] = field(default_factory=Counter)
    unchecked: int = 0


def check(solid: TopoDS_Shape) -> Check:
    """Have the kernel check a solid. Of one with very crowded faces the other faces are checked, and that its shells are closed."""
    faces = list(each(solid, TopAbs_FACE))
    modest = [face for face in faces if not _is_crowded(face)]
    if len(modest) == len(faces):
        return Check(_faults(solid))
    faults = _faults(together(modest))
    for shell in each(solid, TopAbs_SHELL):
        checked = BRepCheck_Shell(TopoDS.Shell_s(shell))
        faults.update(_words({checked.Closed().name, checked.Orientation().name}))
    return Check(faults, len(faces) - len(modest))


def _is_crowded(face: TopoDS_Shape) -> bool:
    """Whether comparing everything on a face with everything else takes too long."""
    if sum(1 for _ in each(face, TopAbs_WIRE)) > MOST_WIRES:
        return True
    return sum(1 for _ in each(face, TopAbs_EDGE)) > MOST_EDGES


def _faults(shape: TopoDS_Shape) -> Counter[str]:
    analysed = BRepCheck_Analyzer(shape)
    if analysed.IsValid():
        return Counter()
    faults: Counter[str] = Counter()
    for kind in KINDS:
        parts = TopTools_IndexedMapOfShape()
        TopExp.MapShapes_s(shape, kind, parts)
        for index in range(1, parts.Extent() + 1):
            faults.update(_statuses(analysed, parts.FindKey(index)))
    return faults or Counter({"a fault that the kernel does not name": 1})


def _statuses(check: BRepCheck_Analyzer, part: TopoDS_Shape) -> set[str]:
    """The findings about one part, alone and as part of what it belongs to."""
    result = check.Result(part)
    found = {status.name for status in result.Status()}
    result.InitContextIterator()
    while result.MoreShapeInContext():
        found |= {status.name for status in result.StatusOnShape()}
        result.NextShapeInContext()
    return _words(found)


def _words(statuses: set[str]) -> set[str]:
    names = {name.removeprefix("BRepCheck_") for name in statuses} - {"NoError"}
    return {WORDS.get(name, name) for name in names}
