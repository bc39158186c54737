# SPDX-License-Identifier: AGPL-3.0-or-later
"""From a file to its `GeometryReport`. Runs in the sandbox's child only."""

from __future__ import annotations

from pathlib import Path

from commonfab import v1
from commonfab.reasons import reason
from commonfab.units import MILLIMETRES_PER
from registry.geometry import INSPECTOR
from registry.geometry.faults import Unmeasurable
from registry.geometry.sniff import sniff
from registry.geometry.unit_reading import note_unit

DERIVED_MESH = "mesh.stl"
"""The derived mesh's name in the scratch folder."""


def measure(path: Path, sha256: str, declared_unit: str, scratch: Path) -> v1.GeometryReport:
    """What the file at `path` says. A fault of the file is part of the report, with whatever was found before it.

    Parameters: `declared_unit`, the maker's word for a file that names no unit ("mm", "cm", "m", "inch"), or empty; `scratch`, a folder
    where a mesh in millimetres is left as `DERIVED_MESH`, unless the file itself is one (then `mesh_sha256` is set).
    Errors: `OSError`, `MemoryError`.
    """
    report = v1.GeometryReport(sha256=sha256, inspector=INSPECTOR)
    try:
        report.format = sniff(path)
        _READERS[report.format](report, path, declared_unit, scratch)
    except Unmeasurable as fault:
        report.faults.append(fault.reason)
    return report


# Each kind of file imports its own libraries, so that a mesh does not pay for the modelling kernel.


def _stl(report: v1.GeometryReport, path: Path, declared_unit: str, scratch: Path) -> None:
    from registry.geometry.mesh import note_mesh, read_stl, write_stl

    factor = MILLIMETRES_PER[declared_unit or "mm"]
    triangles = read_stl(path, report.format) * factor
    note_mesh(report, triangles)
    note_unit(report, declared_unit)
    if factor == 1.0:
        report.mesh_sha256 = report.sha256
    else:
        write_stl(scratch / DERIVED_MESH, triangles)


def _3mf(report: v1.GeometryReport, path: Path, declared_unit: str, scratch: Path) -> None:
    from registry.geometry.mesh import note_mesh, write_stl
    from registry.geometry.threemf import read_3mf

    model = read_3mf(path)
    _note_own_unit(report, model.unit, declared_unit)
    note_mesh(report, model.triangles, model.items)
    write_stl(scratch / DERIVED_MESH, model.triangles)


def _step(report: v1.GeometryReport, path: Path, declared_unit: str, scratch: Path) -> None:
    from registry.geometry.mesh import write_stl
    from registry.geometry.solid import note_solids, read_step

    solids = read_step(path)
    _note_own_unit(report, solids.unit, declared_unit)
    write_stl(scratch / DERIVED_MESH, note_solids(report, solids))


def _note_own_unit(report: v1.GeometryReport, own: str, declared: str) -> None:
    report.unit = own
    report.unit_certainty = v1.UNIT_CERTAINTY_DECLARED
    if declared and declared != own:
        report.warnings.append(reason("unit.differs", declared))


_READERS = {
    v1.FILE_FORMAT_STL_BINARY: _stl,
    v1.FILE_FORMAT_STL_ASCII: _stl,
    v1.FILE_FORMAT_3MF: _3mf,
    v1.FILE_FORMAT_STEP: _step,
}
