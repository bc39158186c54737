# SPDX-License-Identifier: AGPL-3.0-or-later
"""Hundreds of real files, broken and hostile ones among them: each gets a report, and the sound ones are as large as others say."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from commonfab import v1
from registry.geometry.sandbox import Limits, Sandbox
from registry.makeability import judge

KINDS = (".stl", ".3mf", ".stp", ".step")

MEASURED_WRONGLY = {
    # Its two parts have the same id in two model files, and the table's reader takes the first for both. The second is 5 mm long and lies
    # at 20 mm, so the whole is 25 mm and not 30.
    "assimp/test/models/3MF/production_components.3mf",
}


@pytest.fixture(scope="module")
def corpus() -> Path:
    shared = os.environ.get("COMMONFAB_SHARED")
    if not shared:
        pytest.skip("COMMONFAB_SHARED does not name the folder of shared test files")
    return Path(shared) / "corpus"


@pytest.fixture(scope="module")
def reports(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[dict[str, str], v1.GeometryReport]]]:
    """The report of every file of our kinds, with the row of the table."""
    with (corpus / "measured.csv").open(newline="") as table:
        rows = [row for row in csv.DictReader(table) if row["path"].lower().endswith(KINDS)]
    found = {}
    with Sandbox(Limits(30, 4096), tmp_path_factory.mktemp("scratch")) as sandbox:
        for row in rows:
            with sandbox.measure(corpus / row["path"], row["sha256"], "") as measured:
                found[row["path"]] = (row, measured.report)
    yield found


@pytest.mark.slow
def test_every_file_has_a_report_with_numbers_or_a_fault(reports: dict[str, tuple[dict[str, str], v1.GeometryReport]]) -> None:
    assert len(reports) > 300
    for path, (_, report) in reports.items():
        broke = [fault for fault in report.faults if fault.code in ("file.crashed_reader", "file.too_slow", "file.too_big_to_measure")]
        assert not broke, (path, broke)
        assert report.faults or (report.triangles and max(report.size_mm.x, report.size_mm.y, report.size_mm.z) > 0), path
        for judged in judge(report, v1.Demands()):
            assert judged.verdict != v1.VERDICT_UNSPECIFIED
            assert judged.reasons or judged.verdict == v1.VERDICT_FEASIBLE, path


@pytest.mark.slow
def test_sizes_are_what_other_readers_say(reports: dict[str, tuple[dict[str, str], v1.GeometryReport]]) -> None:
    compared, differing = 0, []
    for path, (row, report) in reports.items():
        if report.faults or row["ok"] != "True" or not row["bbox_x_mm"] or path in MEASURED_WRONGLY:
            continue
        compared += 1
        ours = (report.size_mm.x, report.size_mm.y, report.size_mm.z)
        theirs = tuple(float(row[f"bbox_{axis}_mm"]) for axis in "xyz")
        if ours != pytest.approx(theirs, rel=1e-3, abs=1e-3):
            differing.append((path, ours, theirs))
    assert compared > 150
    assert not differing
