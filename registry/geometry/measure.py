# SPDX-License-Identifier: AGPL-3.0-or-later
"""From a file to its `GeometryReport`. Runs in the sandbox's child only."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import MappingProxyType
from typing import Any

from commonfab import v1
from registry.geometry import INSPECTOR
from registry.geometry.faults import Unmeasurable
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


def measure(path: Path, sha256: str, declared_unit: str, scratch: Path) -> v1.GeometryReport:
    """What the file at `path` says. A fault of the file is part of the report, with whatever was found before it.

    Parameters: `declared_unit`, the maker's word for a file that names no unit ("mm", "cm", "m", "inch"), or empty; `scratch`, a folder
    where a mesh in millimetres is left as `DERIVED_MESH`, unless the file itself is one (then `mesh_sha256` is set), and the pictures
    that `preview` names.
    Errors: `OSError`, `MemoryError`.
    """
    report = v1.GeometryReport(sha256=sha256, inspector=INSPECTOR)
    try:
        report.format = sniff(path)
        if report.format in FAMILIES:
            family = load_family(FAMILIES[report.format])
            family.measure(report, Source(path, report.format, declared_unit, scratch))
        else:
            report.faults.append(Unmeasurable("file.source_only", v1.FileFormat.Name(report.format)).reason)
    except Unmeasurable as fault:
        report.faults.append(fault.reason)
    return report


def load_family(name: str) -> Any:
    """The module that measures a family of formats. Each imports its own libraries: a mesh does not pay for the modelling kernel."""
    return importlib.import_module(f"registry.geometry.{name}.measuring")
