# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which reader reads which format of solids, and what all of them hand on.

The kernel is used directly and not through cadquery, whose import takes twice as long and brings nothing that is needed here.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from OCP.TopoDS import TopoDS_Shape

from commonfab import v1
from registry.geometry.solids.kernel import kernel_faults
from registry.geometry.source import Source

if TYPE_CHECKING:
    from OCP.TDocStd import TDocStd_Document

READERS = MappingProxyType({v1.FILE_FORMAT_STEP: "step", v1.FILE_FORMAT_IGES: "iges", v1.FILE_FORMAT_BREP: "brep"})
"""The module of `registry.geometry.solids` whose `read` reads a format."""


@dataclass(frozen=True)
class Solids:
    """All shapes of a file, in millimetres, and what else it says.

    `unit` is the file's own word, empty where it says nothing. `document` is the kernel's record of names and of what is made of what,
    where the format has such. `references` are files that this one names and that are not in it.
    """

    shape: TopoDS_Shape
    unit: str
    schema: str
    document: TDocStd_Document | None = None
    tolerances: tuple[v1.Tolerance, ...] = ()
    references: tuple[str, ...] = ()
    threads: tuple[str, ...] = ()
    remarks: tuple[v1.Reason, ...] = ()


def read(source: Source) -> Solids:
    """What the file holds. Errors: `Unmeasurable` (`file.unreadable`)."""
    module = importlib.import_module(f"registry.geometry.solids.{READERS[source.format]}")
    with kernel_faults():
        solids: Solids = module.read(source)
    return solids
