# SPDX-License-Identifier: AGPL-3.0-or-later
"""IGES files (ANSI Y14.26M). Most hold trimmed surfaces and no solid; what becomes of them is decided in `bodies`."""

from __future__ import annotations

from types import MappingProxyType

from OCP.IFSelect import IFSelect_RetDone
from OCP.IGESControl import IGESControl_Reader

from registry.geometry.faults import Unmeasurable
from registry.geometry.solids.kernel import kernel_call, together
from registry.geometry.solids.reading import Solids
from registry.geometry.source import Source

UNIT_FLAGS = MappingProxyType({1: "inch", 2: "mm", 4: "foot", 5: "mile", 6: "m", 7: "km", 8: "mil", 9: "micron", 10: "cm", 11: "microinch"})
"""Parameter 14 of the global section. Flag 3 says that the name in parameter 15 counts (IGES 5.3, section 2.2.4.3)."""

UNIT_NAMES = MappingProxyType(
    {"IN": "inch", "INCH": "inch", "MM": "mm", "FT": "foot", "MI": "mile", "M": "m", "KM": "km", "MIL": "mil", "UM": "micron", "CM": "cm"}
)


def read(source: Source) -> Solids:
    """The file's shapes; the kernel converts them to millimetres. Errors: `Unmeasurable` (`file.unreadable`)."""
    reader = IGESControl_Reader()
    with kernel_call():
        told = reader.ReadFile(str(source.path))
    if told != IFSelect_RetDone:
        raise Unmeasurable("file.unreadable", "it is not well-formed IGES")
    unit = _unit(reader)
    with kernel_call():
        reader.TransferRoots()
    shape = reader.OneShape() if reader.NbShapes() else None
    return Solids(together([]) if shape is None or shape.IsNull() else shape, unit, "IGES")


def _unit(reader: IGESControl_Reader) -> str:
    told = reader.IGESModel().GlobalSection()
    name = told.UnitName()
    named = UNIT_NAMES.get(name.ToCString().strip().upper(), "") if name is not None else ""
    return UNIT_FLAGS.get(told.UnitFlag(), named)
