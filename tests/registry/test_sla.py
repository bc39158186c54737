# SPDX-License-Identifier: AGPL-3.0-or-later
"""Judging for resin printing."""

from __future__ import annotations

import pytest
from flat_reports import codes, cube_report, drawing_report, figures, judged_for

from commonfab import v1

FEASIBLE, ASK, INFEASIBLE = v1.VERDICT_FEASIBLE, v1.VERDICT_ASK, v1.VERDICT_INFEASIBLE


def walled(p01: float, p05: float, rays: int = 500) -> v1.GeometryReport:
    report = cube_report()
    report.mesh.walls.CopyFrom(v1.WallThickness(p01_mm=p01, p05_mm=p05, rays=rays))
    return report


def test_a_cube_is_made_of_any_resin_in_any_lie() -> None:
    report = cube_report()
    report.size_mm.CopyFrom(v1.Size(x=10, y=20, z=30))
    judged = judged_for("sla", report)
    assert judged.verdict == FEASIBLE and not judged.reasons
    assert list(judged.requirement.materials_allowed) == ["resin"] and judged.requirement.stock == "resin"
    heights = {placement.size_mm.z for placement in judged.requirement.placements}
    assert heights == {10, 20, 30} and judged.requirement.placements[0].size_mm == report.size_mm


@pytest.mark.parametrize(
    ("material", "feasible"), [("resin", True), ("tough_resin", True), ("plastic", True), ("pla", False), ("acrylic", False)]
)
def test_only_resin_goes_into_the_vat(material: str, feasible: bool) -> None:
    judged = judged_for("sla", cube_report(), material=material)
    assert codes(judged) == ([] if feasible else ["material.not_for_process"])


@pytest.mark.parametrize(("p05", "verdict"), [(0.6, FEASIBLE), (0.5, FEASIBLE), (0.48, ASK)])
def test_walls_below_half_a_millimetre_are_asked_about(p05: float, verdict: int) -> None:
    judged = judged_for("sla", walled(p05, p05))
    assert judged.verdict == verdict
    assert judged.requirement.smallest_feature_mm == (0 if verdict == ASK else p05)
    if verdict == ASK:
        assert figures(judged, "shape.thin_wall") == {"needs": p05, "has": 0.5}


def test_a_sharp_edge_is_only_a_note() -> None:
    judged = judged_for("sla", walled(0.1, 3))
    assert judged.verdict == FEASIBLE and codes(judged) == ["shape.thin_wall"]


def hollow(inner: float) -> v1.GeometryReport:
    """A cube of 20 mm with a closed cavity of `inner` mm³."""
    report = cube_report()
    report.volume_mm3, report.mesh.cavities, report.mesh.cavity_volume_mm3 = 8000 - inner, 1, inner
    return report


@pytest.mark.parametrize(("cavity", "asked"), [(1000, True), (11, True), (9, False)])
def test_a_closed_cavity_would_keep_its_resin(cavity: float, asked: bool) -> None:
    judged = judged_for("sla", hollow(cavity))
    assert ("shape.trapped_volume" in codes(judged)) == asked
    if asked:
        assert judged.verdict == ASK and figures(judged, "shape.trapped_volume") == pytest.approx({"volume": cavity})


def test_bodies_beside_each_other_are_no_cavity() -> None:
    report = cube_report()
    report.bodies, report.volume_mm3 = 2, 9000
    report.mesh.each_body.extend([v1.BodyFacts(volume_mm3=8000), v1.BodyFacts(volume_mm3=1000)])
    assert codes(judged_for("sla", report)) == ["mesh.several_bodies"]


def test_a_narrow_hole_is_noted() -> None:
    report = cube_report()
    report.solid.holes.add(diameter_mm=0.4, through=True)
    assert codes(judged_for("sla", report)) == ["tool.min_hole"]
    report.solid.holes[0].diameter_mm = 0.5
    assert codes(judged_for("sla", report)) == []


def test_a_drawing_has_no_body_to_build_up() -> None:
    judged = judged_for("sla", drawing_report())
    assert judged.verdict == INFEASIBLE and codes(judged) == ["shape.no_body"]


def test_a_tolerance_beyond_any_vat_is_refused() -> None:
    assert judged_for("sla", cube_report(), tolerance_mm=0.05).verdict == FEASIBLE
    assert codes(judged_for("sla", cube_report(), tolerance_mm=0.04)) == ["tolerance.beyond_process"]


def test_time_is_height_over_layers_and_grams_are_of_a_solid_part() -> None:
    judged = judged_for("sla", cube_report(), settings=[v1.Setting(key="layer_height_mm", value="0,1")])
    assert judged.requirement.settings[0].value == "0,1"
    assert judged.estimate.machine_time.seconds == 600 + 20 / 0.1 * 8
    assert judged.estimate.grams == pytest.approx(8 * 1.15 * 1.15, abs=0.01)
    assert judged_for("sla", cube_report()).estimate.machine_time.seconds == 600 + 400 * 8
