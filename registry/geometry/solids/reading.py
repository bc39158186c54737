# SPDX-License-Identifier: AGPL-3.0-or-later
"""Solids in STEP files, read with the Open CASCADE kernel.

The kernel is used directly and not through cadquery, whose import takes twice as long and brings nothing that is needed here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType

from OCP.IFSelect import IFSelect_RetDone
from OCP.STEPControl import STEPControl_Reader
from OCP.TColStd import TColStd_SequenceOfAsciiString
from OCP.TopAbs import TopAbs_ShapeEnum, TopAbs_SOLID
from OCP.TopExp import TopExp_Explorer
from OCP.TopoDS import TopoDS_Shape

from registry.geometry.faults import Unmeasurable
from registry.geometry.source import Source

UNITS = MappingProxyType(
    {"millimetre": "mm", "mm": "mm", "centimetre": "cm", "cm": "cm", "metre": "m", "m": "m", "inch": "inch", "in": "inch", "foot": "foot"}
)


@dataclass(frozen=True)
class Solids:
    """The shape of a STEP file, in millimetres whatever the file's unit, and that unit."""

    shape: TopoDS_Shape
    unit: str


def read(source: Source) -> Solids:
    """The file's shape; the kernel converts to millimetres. Errors: `Unmeasurable` (`file.unreadable`, `brep.no_solid`)."""
    reader = STEPControl_Reader()
    if reader.ReadFile(str(source.path)) != IFSelect_RetDone:
        raise Unmeasurable("file.unreadable", "it is not well-formed STEP")
    unit = _unit(reader)
    reader.TransferRoots()
    shape = reader.OneShape()
    if shape is None or shape.IsNull() or next(each(shape, TopAbs_SOLID), None) is None:
        raise Unmeasurable("brep.no_solid")
    return Solids(shape, unit)


def _unit(reader: STEPControl_Reader) -> str:
    lengths, angles, solid_angles = (TColStd_SequenceOfAsciiString() for _ in range(3))
    reader.FileUnits(lengths, angles, solid_angles)
    told = lengths.Value(1).ToCString().lower() if lengths.Length() else "mm"
    return UNITS.get(told, told)


def each(shape: TopoDS_Shape, kind: TopAbs_ShapeEnum) -> Iterator[TopoDS_Shape]:
    walk = TopExp_Explorer(shape, kind)
    while walk.More():
        yield walk.Current()
        walk.Next()
