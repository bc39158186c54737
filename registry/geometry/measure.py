# SPDX-License-Identifier: AGPL-3.0-or-later
"""From a file to its `GeometryReport`. Runs in the sandbox's child only."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from commonfab import v1
from registry.geometry import INSPECTOR
from registry.geometry.faults import Unmeasurable
from registry.geometry.screening import screen
from registry.geometry.sniff import sniff
from registry.geometry.source import Source

FAMILIES = MappingProxyType(
    {
        v1.FILE_FORMAT_STL_BINARY: "meshes",
        v1.FILE_FORMAT_STL_ASCII: "meshes",
        v1.FILE_FORMAT_3MF: "meshes",
        v1.FILE_FORMAT_OBJ: "meshes",
        v1.FILE_FORMAT_PLY: "meshes",
        v1.FILE_FORMAT_OFF: "meshes",
        v1.FILE_FORMAT_AMF: "meshes",
        v1.FILE_FORMAT_GLB: "meshes",
        v1.FILE_FORMAT_STEP: "solids",
        v1.FILE_FORMAT_IGES: "solids",
        v1.FILE_FORMAT_BREP: "solids",
        v1.FILE_FORMAT_DXF: "drawings",
        v1.FILE_FORMAT_SVG: "drawings",
        v1.FILE_FORMAT_GCODE: "toolpaths",
        v1.FILE_FORMAT_GCODE_3MF: "toolpaths",
    }
)
"""Which room measures a format. Sources (OpenSCAD, FreeCAD, …) are recognised, kept, and measured by none."""


@dataclass(frozen=True)
class Outcome:
    """A report, and for a body the triangles, in millimetres, that pictures are drawn from."""

    report: v1.GeometryReport
    triangles: Any = None


def measure(path: Path, sha256: str, declared_unit: str, scratch: Path) -> Outcome:
    """What the file at `path` says. A fault of the file is part of the report, with whatever was found before it.

    Parameters: `declared_unit`, the maker's word for a file that names no unit ("mm", "cm", "m", "inch"), or empty; `scratch`, a folder
    where a mesh in millimetres is left as `DERIVED_MESH`, unless the file itself is one (then `mesh_sha256` is set).
    Errors: `OSError`, `MemoryError`.
    """
    report = v1.GeometryReport(sha256=sha256, inspector=INSPECTOR)
    try:
        report.format = sniff(path)
        screen(path, report.format)
        if report.format not in FAMILIES:
            raise Unmeasurable("file.source_only", v1.FileFormat.Name(report.format).removeprefix("FILE_FORMAT_").lower())
        family = load_family(FAMILIES[report.format])
        return Outcome(report, family.measure(report, Source(path, report.format, declared_unit, scratch)))
    except Unmeasurable as fault:
        report.faults.append(fault.reason)
    return Outcome(report)


def draw(outcome: Outcome, scratch: Path) -> None:
    """Leave pictures of a body in the folder `scratch`; a drawing left its own when it was measured."""
    if outcome.triangles is not None and not outcome.report.faults:
        from registry.geometry.preview import pictures

        pictures.draw(outcome.triangles, scratch)


def load_family(name: str) -> Any:
    """The module that measures a family of formats. Each imports its own libraries: a mesh does not pay for the modelling kernel."""
    return importlib.import_module(f"registry.geometry.{name}.measuring")
