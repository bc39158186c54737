# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab design check`: what a maker sees of a file before anything is published."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf.duration_pb2 import Duration

from cli import describe
from commonfab import v1
from commonfab.reasons import reason

SVG = """<svg xmlns="http://www.w3.org/2000/svg" width="120mm" height="80mm" viewBox="0 0 120 80">
<rect x="0" y="0" width="120" height="80" fill="none" stroke="black"/>
<circle cx="60" cy="40" r="10" fill="none" stroke="black"/>
</svg>"""


def check(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cli.main", "design", "check", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, encoding="utf-8", timeout=240)


@pytest.fixture
def plate(tmp_path: Path) -> Path:
    file = tmp_path / "plate.svg"
    file.write_text(SVG, encoding="utf-8")
    return file


def test_a_drawing_is_told_as_a_table_with_its_cuts_and_every_process(plate: Path) -> None:
    done = check(plate)
    assert done.returncode == 0, done.stderr
    rows = {line.split("  ")[0].strip(): line for line in done.stdout.splitlines() if line.strip()}
    assert "120 mm × 80 mm, thickness not said" in rows["sheet"]
    assert "462.8 mm in 2 contours, smallest hole 20 mm" in rows["cuts"]
    verdicts = {line.split()[0]: line.split()[1] for line in done.stdout.splitlines() if len(line.split()) > 1}
    assert verdicts["co2_laser_cutting"] == "ask" and verdicts["fdm"] == "infeasible"
    assert "material.thickness_unknown" in done.stdout


def test_the_same_report_comes_as_json(plate: Path) -> None:
    told = json.loads(check(plate, "--json").stdout)
    assert told["report"]["drawing"]["parts"] == 1
    assert told["report"]["sheet"]["smallest_hole_mm"] == pytest.approx(20, abs=0.02)


def test_what_can_be_made_is_told_in_full_and_the_rest_on_one_line() -> None:
    ways = [
        v1.Makeability(process="fdm", verdict=v1.VERDICT_FEASIBLE, estimate=v1.Estimate(machine_time=Duration(seconds=600), grams=5)),
        v1.Makeability(process="turning", verdict=v1.VERDICT_INFEASIBLE, reasons=[reason("shape.not_flat")]),
        v1.Makeability(process="sawing", verdict=v1.VERDICT_INFEASIBLE, reasons=[reason("file.empty")]),
    ]
    first, *_, last = describe.judgements(ways, {"file.empty"})
    assert first.startswith("  fdm: ") and "10 min 0 s, 5 g" in first
    assert last.endswith("turning (shape.not_flat), sawing")
