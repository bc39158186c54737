# SPDX-License-Identifier: AGPL-3.0-or-later
"""Hundreds of real files, broken and hostile ones among them: each gets a report, and what is agreed about a hundred of them holds."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from commonfab import v1
from commonfab.settings import NodeSettings
from registry.findings import inspected_part
from registry.geometry.sandbox import Limits, Sandbox

AGREED = Path(__file__).with_name("agreed_facts.toml")
BREAKDOWNS = ("file.crashed_reader", "file.too_slow", "file.too_big_to_measure")
SANDBOXES = 2

MEASURED_WRONGLY = {
    # The largest of billion-laughs files: the table's reader gave up after 3,644 of its 216,000 cubes, and the test would take as long.
    "3MF-Analyzer/_zipped/DOS-BL-MBR-2.3mf",
    # Its supports count in the table; agreed_facts.toml has the right figures of the next two, and says why.
    "lib3mf/Tests/TestFiles/CPP_UnitTests/3mfbase13_holed_cube_support.3mf",
    "3MF-Analyzer/_zipped/CS-S_support-model.3mf",
    "assimp/test/models/3MF/production_components.3mf",
    "Online3DViewer/test/testfiles/obj/texture_parameters.obj",
}

MEASURED = ("stl", "3mf", "obj", "ply", "off", "step", "brep")
"""Formats of which the table has the size of the part: in drawings it counts the texts too, in toolpaths the way to the part."""


def inspected(corpus: Path, names: Iterable[str], scratch: Path) -> dict[str, v1.InspectedPart]:
    """What is found of each file as a part of its own, by two sandboxes with the limits of a node."""
    waiting: SimpleQueue[str | None] = SimpleQueue()
    for name in [*names, *[None] * SANDBOXES]:
        waiting.put(name)
    found: dict[str, v1.InspectedPart] = {}

    def serve(number: int) -> None:
        with Sandbox(Limits.of(NodeSettings()), scratch / str(number)) as sandbox:
            while name := waiting.get():
                with sandbox.measure(corpus / name, "0" * 64, "") as measured:
                    found[name] = inspected_part(v1.Part(name="part", paths=[name], quantity_per_product=1), {name: measured.report})

    with ThreadPoolExecutor(SANDBOXES) as threads:
        list(threads.map(serve, range(SANDBOXES)))
    return found


def size_of(report: v1.GeometryReport) -> tuple[float, float, float]:
    return report.size_mm.x, report.size_mm.y, report.size_mm.z


def differences(fact: dict[str, Any], report: v1.GeometryReport) -> list[str]:
    """Where a report differs from what is agreed, in words."""
    ours = {
        "format": v1.FileFormat.Name(report.format).removeprefix("FILE_FORMAT_").lower(),
        "unit": report.unit,
        "certainty": v1.UnitCertainty.Name(report.unit_certainty).removeprefix("UNIT_CERTAINTY_").lower(),
        "size": pytest.approx(size_of(report), rel=1e-9, abs=1e-3 * max(fact.get("size", [0.0]))),
        "volume": pytest.approx(report.volume_mm3, rel=5e-3),
        "triangles": report.triangles,
        "bodies": report.bodies,
        "open_edges": report.open_edges,
        "solids": report.solids,
        "fault": " ".join(fault.code for fault in report.faults),
    }
    unmentioned = ["faults: " + ours["fault"]] if report.faults and "fault" not in fact and len(fact) > 1 else []
    return unmentioned + [f"{what}: {ours[what]}, agreed is {agreed}" for what, agreed in fact.items() if ours[what] != agreed]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_file_has_a_report_and_a_judgement_and_what_is_agreed_about_more_than_a_hundred_holds(corpus: Path, tmp_path: Path) -> None:
    """Each is measured once for both: that takes minutes."""
    with (corpus / "measured.csv").open(encoding="utf-8", newline="") as table:
        rows = {row["path"]: row for row in csv.DictReader(table)}
    largest_first = sorted(rows, key=lambda name: -int(rows[name]["size"]))
    found = inspected(corpus, largest_first, tmp_path)
    assert found.keys() == rows.keys()
    assert len(found) > 600
    complaints = [f"{name}: {told}" for name, part in found.items() for told in complaints_about(part)]
    complaints += [f"{name}: {told}" for name, row in rows.items() for told in other_size(name, row, found[name].report)]
    facts = tomllib.loads(AGREED.read_text(encoding="utf-8"))
    complaints += [f"{name}: {told}" for name, fact in facts.items() for told in differences(fact, found[name].report)]
    assert len(facts) > 100
    assert not complaints, "\n".join(complaints)


def complaints_about(part: v1.InspectedPart) -> list[str]:
    """What is wrong with a finding whatever the file is."""
    report, told = part.report, []
    told += [fault.message for fault in report.faults if fault.code in BREAKDOWNS]
    if not report.faults and not max(size_of(report)) > 0:
        told.append("it passes with an empty shape")
    if not report.faults and not part.makeability:
        told.append("it is judged for no process")
    for way in part.makeability:
        if way.verdict == v1.VERDICT_UNSPECIFIED or (way.verdict != v1.VERDICT_FEASIBLE and not way.reasons):
            told.append(f"{way.process} has no verdict, or one without a reason")
    return told


def other_size(name: str, row: dict[str, str], report: v1.GeometryReport) -> list[str]:
    """Where other readers found another size."""
    if row["format"] not in MEASURED or row["ok"] != "True" or not row["bbox_x_mm"] or report.faults or name in MEASURED_WRONGLY:
        return []
    theirs = tuple(float(row[f"bbox_{axis}_mm"] or 0) for axis in "xyz")
    same = size_of(report) == pytest.approx(theirs, rel=1e-9, abs=1e-3 * max(theirs) + 1e-3)
    return [] if same else [f"it is {size_of(report)} mm large, and others say {theirs}"]
