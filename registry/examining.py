# SPDX-License-Identifier: AGPL-3.0-or-later
"""Files of this machine, measured and judged with no node running and nothing kept."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from commonfab import v1
from commonfab.client import sha256_of
from commonfab.settings import NodeSettings
from registry.findings import inspected_part, measured_paths
from registry.geometry.sandbox import Limits, Sandbox
from registry.siblings import related, unit_to_use


@contextmanager
def opened_sandbox(settings: NodeSettings) -> Iterator[Sandbox]:
    """A sandbox in a folder of its own, which goes with it. Errors: `ImportError` where the node's extra is not installed."""
    import_module("numpy")  # only the child needs it; here it says in time whether the child could work
    with tempfile.TemporaryDirectory(prefix="commonfab-") as scratch, Sandbox(Limits.of(settings), Path(scratch)) as sandbox:
        yield sandbox


def examine(part: v1.Part, folder: Path, sandbox: Sandbox) -> v1.InspectedPart:
    """Measure the files of a part and judge it. `mesh_sha256` names a derived mesh that is not kept.

    A file whose unit another file of the part settles is measured again in that unit, so that every figure holds.
    Parameters: `folder`, from which the part's paths count. Errors: `OSError`; `SandboxBroken`.
    """
    reports = {path: _measured(folder / path, part.demands.unit, sandbox) for path in measured_paths(part)}
    for finding in related(list(reports.items())):
        if unit := unit_to_use(finding):
            reports[finding.path] = _measured(folder / finding.path, unit, sandbox)
            reports[finding.path].unit_certainty = v1.UNIT_CERTAINTY_RESOLVED
    return inspected_part(part, reports)


def examine_file(path: Path, demands: v1.Demands, settings: NodeSettings) -> v1.InspectedPart:
    """Measure and judge one file. Errors: as `examine`."""
    part = v1.Part(name=path.stem, paths=[path.name], quantity_per_product=1, demands=demands)
    with opened_sandbox(settings) as sandbox:
        return examine(part, path.parent, sandbox)


def _measured(path: Path, unit: str, sandbox: Sandbox) -> v1.GeometryReport:
    with sandbox.measure(path, sha256_of(path), unit) as measured:
        if measured.derived_mesh is not None:
            measured.report.mesh_sha256 = sha256_of(measured.derived_mesh)
        return measured.report
