# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whether the modelling kernel finds a solid sound, and what is the matter with it where not."""

from __future__ import annotations

from collections import Counter
from types import MappingProxyType

from OCP.BRepCheck import BRepCheck_Analyzer
from OCP.TopAbs import TopAbs_EDGE, TopAbs_FACE, TopAbs_SHELL, TopAbs_SOLID, TopAbs_VERTEX, TopAbs_WIRE
from OCP.TopExp import TopExp
from OCP.TopoDS import TopoDS_Shape
from OCP.TopTools import TopTools_IndexedMapOfShape

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


def faults_of(solid: TopoDS_Shape) -> Counter[str]:
    """What is the matter with `solid`, in words, and at how many places; empty where it is sound."""
    check = BRepCheck_Analyzer(solid)
    if check.IsValid():
        return Counter()
    faults: Counter[str] = Counter()
    for kind in KINDS:
        parts = TopTools_IndexedMapOfShape()
        TopExp.MapShapes_s(solid, kind, parts)
        for index in range(1, parts.Extent() + 1):
            faults.update(_statuses(check, parts.FindKey(index)))
    return faults or Counter({"a fault that the kernel does not name": 1})


def _statuses(check: BRepCheck_Analyzer, part: TopoDS_Shape) -> set[str]:
    """The findings about one part, alone and as part of what it belongs to."""
    result = check.Result(part)
    found = {status.name for status in result.Status()}
    result.InitContextIterator()
    while result.MoreShapeInContext():
        found |= {status.name for status in result.StatusOnShape()}
        result.NextShapeInContext()
    names = {name.removeprefix("BRepCheck_") for name in found} - {"NoError"}
    return {WORDS.get(name, name) for name in names}
