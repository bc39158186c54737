# SPDX-License-Identifier: AGPL-3.0-or-later
"""Judging for FDM: pure, from a report and the maker's demands."""

from __future__ import annotations

import pytest

from commonfab import v1
from commonfab.reasons import reason
from registry.makeability import judge


def report(**changed: object) -> v1.GeometryReport:
    """A closed cube of 20 mm, changed as told."""
    cube: dict[str, object] = {
        "format": v1.FILE_FORMAT_STL_BINARY,
        "unit_certainty": v1.UNIT_CERTAINTY_DECLARED,
        "size_mm": v1.Size(x=20, y=20, z=20),
        "volume_mm3": 8000,
        "area_mm2": 2400,
        "watertight": True,
    }
    return v1.GeometryReport(**(cube | changed))  # type: ignore[arg-type]


def fdm(measured: v1.GeometryReport, **demands: object) -> v1.Makeability:
    return next(m for m in judge(measured, v1.Demands(**demands)) if m.process == "fdm")  # type: ignore[arg-type]


def codes(judged: v1.Makeability) -> list[str]:
    return [told.code for told in judged.reasons]


def test_a_sound_part_is_feasible_and_says_what_a_machine_must_have() -> None:
    judged = fdm(report(), material="petg")
    assert judged.verdict == v1.VERDICT_FEASIBLE and not judged.reasons
    assert judged.requirement == v1.Requirement(process="fdm", size_mm=v1.Size(x=20, y=20, z=20), material="petg")


def test_the_estimate_is_what_a_slicer_says_within_a_quarter() -> None:
    # PrusaSlicer 2.5.0 with nothing set but the density of PLA: a 20 mm cube, a 100 × 80 × 60 mm block.
    cube = fdm(report(), material="pla").estimate
    assert cube.grams == pytest.approx(4.45, rel=0.25) and cube.machine_time.seconds == pytest.approx(13.75 * 60, rel=0.3)
    block = fdm(report(volume_mm3=480_000, area_mm2=37_600), material="pla").estimate
    assert block.grams == pytest.approx(159.4, rel=0.25) and block.machine_time.seconds == pytest.approx(355 * 60, rel=0.3)


def test_a_denser_material_weighs_more_and_takes_as_long() -> None:
    light, heavy = fdm(report(), material="abs").estimate, fdm(report(), material="petg").estimate
    assert heavy.grams / light.grams == pytest.approx(1.27 / 1.04, rel=0.01)
    assert heavy.machine_time == light.machine_time


def test_a_shell_is_never_thicker_than_the_part() -> None:
    thin = fdm(report(volume_mm3=100, area_mm2=2000), material="pla").estimate
    assert thin.grams == pytest.approx(100 / 1000 * 1.24, abs=0.01)


@pytest.mark.parametrize(("processes", "feasible"), [(["fdm"], True), (["additive"], True), (["sla"], False), (["milling", "fdm"], True)])
def test_a_demanded_process_is_kept_to(processes: list[str], feasible: bool) -> None:
    judged = fdm(report(), processes=processes)
    assert (judged.verdict == v1.VERDICT_FEASIBLE) == feasible
    assert codes(judged) == ([] if feasible else ["process.other"])


@pytest.mark.parametrize(
    ("material", "feasible"), [("", True), ("pla", True), ("thermoplastic", True), ("nylon-x", True), ("plywood", False)]
)
def test_a_material_that_is_no_filament_is_refused_and_an_unknown_one_is_not(material: str, feasible: bool) -> None:
    judged = fdm(report(), material=material)
    assert codes(judged) == ([] if feasible else ["material.not_for_process"])


def test_an_invalid_solid_is_a_question_and_not_a_guess() -> None:
    judged = fdm(report(solids=2, warnings=[reason("brep.invalid", invalid=1, solids=2)]))
    assert judged.verdict == v1.VERDICT_ASK and codes(judged) == ["brep.invalid"]
    assert judged.HasField("requirement") and judged.HasField("estimate")


def test_a_report_without_a_shape_is_not_a_part() -> None:
    assert codes(fdm(v1.GeometryReport())) == ["file.not_a_part"]


def test_everything_that_stands_in_the_way_is_told_at_once() -> None:
    judged = fdm(report(volume_mm3=0), processes=["laser_cutting"], material="wood")
    assert judged.verdict == v1.VERDICT_INFEASIBLE
    assert codes(judged) == ["process.other", "material.not_for_process", "mesh.no_volume"]


def test_absurd_numbers_do_not_break_the_judge() -> None:
    assert fdm(report(volume_mm3=1e300, area_mm2=1e300)).verdict == v1.VERDICT_FEASIBLE
