# SPDX-License-Identifier: AGPL-3.0-or-later
"""Judging for cutting and bending: pure, from a report and the maker's demands."""

from __future__ import annotations

import pytest

from commonfab import v1
from commonfab.reasons import reason
from registry.makeability import sheet_bend


def angle_bracket(thickness: float = 2, radius: float = 2, angle: float = 90, **sheet: object) -> v1.GeometryReport:
    """Sheet bent once, 80 mm wide."""
    bends = [v1.Bend(angle_deg=angle, inner_radius_mm=radius, length_mm=80)]
    facts = {"thickness_mm": thickness, "blank_mm": v1.Size(x=120, y=80, z=thickness), "cut_length_mm": 400, "bends": bends}
    return v1.GeometryReport(
        format=v1.FILE_FORMAT_STEP,
        unit_certainty=v1.UNIT_CERTAINTY_DECLARED,
        size_mm=v1.Size(x=80, y=60, z=60),
        volume_mm3=120 * 80 * thickness,
        area_mm2=20_000,
        solids=1,
        solid=v1.SolidFacts(solids=1),
        sheet=v1.SheetFacts(**(facts | sheet)),  # type: ignore[arg-type]
    )


def bent(report: v1.GeometryReport, **demands: object) -> v1.Makeability:
    [judged] = sheet_bend.judge(report, v1.Demands(**demands))  # type: ignore[arg-type]
    return judged


def codes(judged: v1.Makeability) -> list[str]:
    return [told.code for told in judged.reasons]


def test_a_bent_bracket_is_cut_flat_and_then_bent() -> None:
    judged = bent(angle_bracket(), material="mild_steel")
    assert judged.verdict == v1.VERDICT_FEASIBLE and codes(judged) == ["route.two_steps", "bend.force"]
    cut = judged.requirement
    assert (cut.process, cut.stock, cut.thickness_mm, cut.size_mm.x, cut.material) == ("cutting", "sheet", 2, 120, "mild_steel")
    [brake] = cut.then
    assert (brake.process, brake.thickness_mm, brake.material) == ("sheet_bending", 2, "mild_steel")


def test_of_the_press_only_the_width_counts() -> None:
    [brake] = bent(angle_bracket()).requirement.then
    assert [way.size_mm for way in brake.placements] == [v1.Size(x=80)] and brake.keep_direction


def test_the_force_is_what_makers_of_presses_say() -> None:
    # 2 mm mild steel over a 16 mm die: makers' tables give 14 to 17 t a metre.
    force = next(told for told in bent(angle_bracket()).reasons if told.code == "bend.force").figures[0]
    assert force.unit == "kN" and force.value / 0.080 / 9.81 == pytest.approx(15.5, rel=0.1)


@pytest.mark.parametrize(
    ("material", "radius", "asked"),
    [
        ("", 1.0, False),
        ("", 0.9, True),
        ("mild_steel", 0.0, True),
        ("stainless_steel", 1.0, False),
        ("aluminium", 2.0, False),
        ("aluminium", 1.9, True),
        ("aluminium_5754", 2.0, False),
        ("aluminium_5083", 2.0, True),
        ("aluminium_5083", 3.0, False),
        ("aluminium_6061", 5.9, True),
        ("aluminium_6061", 6.0, False),
        ("titanium_grade_2", 4.9, True),
        ("titanium_grade_2", 5.0, False),
    ],
)
def test_a_radius_too_tight_for_the_material_is_asked_about(material: str, radius: float, asked: bool) -> None:
    judged = bent(angle_bracket(radius=radius), material=material)
    assert (codes(judged) == ["bend.radius"]) == asked
    assert judged.verdict == (v1.VERDICT_ASK if asked else v1.VERDICT_FEASIBLE)


@pytest.mark.parametrize(("angle", "asked"), [(135, False), (136, True)])
def test_a_bend_closed_too_far_is_asked_about(angle: float, asked: bool) -> None:
    assert (codes(bent(angle_bracket(angle=angle))) == ["bend.angle"]) == asked


@pytest.mark.parametrize(("thickness", "asked"), [(12, False), (12.5, True)])
def test_plate_is_bent_by_heavy_presses_only(thickness: float, asked: bool) -> None:
    assert (codes(bent(angle_bracket(thickness, radius=15))) == ["bend.too_thick"]) == asked


@pytest.mark.parametrize(("band", "asked"), [(0.4, False), (0.39, True)])
def test_a_tolerance_finer_than_careful_bending_is_asked_about(band: float, asked: bool) -> None:
    assert (codes(bent(angle_bracket(), tolerance_mm=band)) == ["tolerance.process"]) == asked


def test_bends_found_in_the_solid_alone_are_asked_about_for_their_thickness() -> None:
    report = angle_bracket()
    report.solid.bends.extend(report.sheet.bends)
    report.ClearField("sheet")
    assert codes(bent(report)) == ["material.thickness_unknown"]
    answered = bent(report, thickness_mm=2)
    assert answered.verdict == v1.VERDICT_FEASIBLE and answered.requirement.then[0].thickness_mm == 2


def test_a_flat_part_is_not_bent() -> None:
    judged = bent(angle_bracket(bends=[]))
    assert judged.verdict == v1.VERDICT_INFEASIBLE and codes(judged) == ["shape.no_bends"]


@pytest.mark.parametrize(("material", "told"), [("steel", None), ("acrylic", ["material.not_for_process"]), ("my-alloy", None)])
def test_only_metal_is_bent_on_a_press(material: str, told: list[str] | None) -> None:
    judged = bent(angle_bracket(), material=material)
    assert codes(judged) == told if told else judged.verdict == v1.VERDICT_FEASIBLE


def test_faults_and_several_pieces_are_told() -> None:
    assert codes(bent(v1.GeometryReport(faults=[reason("mesh.empty")]))) == ["mesh.empty"]
    several = angle_bracket()
    several.solids = 2
    assert codes(bent(several)) == ["shape.several_pieces"]


def test_the_estimate_counts_bends_and_weighs_the_blank() -> None:
    one = bent(angle_bracket()).estimate
    assert one.grams == pytest.approx(120 * 80 * 2 / 1000 * 7.85, rel=0.001)
    two = angle_bracket()
    two.sheet.bends.append(two.sheet.bends[0])
    assert bent(two).estimate.machine_time.seconds == one.machine_time.seconds + 60
    assert "min a bend" in one.method
