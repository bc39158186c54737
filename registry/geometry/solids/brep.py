# SPDX-License-Identifier: AGPL-3.0-or-later
"""The kernel's own files, as text or binary. They name no unit."""

from __future__ import annotations

import os
import re

from OCP.BinTools import BinTools
from OCP.BRep import BRep_Builder
from OCP.BRepBuilderAPI import BRepBuilderAPI_Transform
from OCP.BRepTools import BRepTools
from OCP.gp import gp_Pnt, gp_Trsf
from OCP.TopoDS import TopoDS_Shape

from commonfab.units import MILLIMETRES_PER
from registry.geometry.faults import Unmeasurable
from registry.geometry.solids.kernel import kernel_call
from registry.geometry.solids.reading import Solids
from registry.geometry.source import Source

BINARY = b"Open CASCADE Topology"
"""With these words a binary file names its version; a text file says "CASCADE Topology V1"."""


LAST_LINE = re.compile(rb"\*\s+[-+ie]\d+ +\d+\s*$")
"""A text file ends with which of its shapes it is for: its way round, its number, and its place."""


def read(source: Source) -> Solids:
    """The file's shape, scaled from the maker's unit to millimetres. Errors: `Unmeasurable` (`file.unreadable`, `file.breaks_off`)."""
    with source.path.open("rb") as file:
        binary = BINARY in file.read(64)
    shape = TopoDS_Shape()
    if not binary:
        _check_end(source)
    with kernel_call():
        if binary:
            BinTools.Read_s(shape, str(source.path))
        else:
            BRepTools.Read_s(shape, str(source.path), BRep_Builder())
    if shape.IsNull():
        raise Unmeasurable("file.unreadable", "it is not a well-formed BREP file")
    factor = MILLIMETRES_PER[source.declared_unit or "mm"]
    if factor != 1.0:
        larger = gp_Trsf()
        larger.SetScale(gp_Pnt(), factor)
        shape = BRepBuilderAPI_Transform(shape, larger, True).Shape()
    return Solids(shape, "", "BREP")


def _check_end(source: Source) -> None:
    """The kernel's reader of text waits for ever, at full speed, for what a file that breaks off does not say."""
    with source.path.open("rb") as file:
        file.seek(-min(1024, file.seek(0, os.SEEK_END)), os.SEEK_END)
        if not LAST_LINE.search(file.read()):
            raise Unmeasurable("file.breaks_off", "+1 0")
