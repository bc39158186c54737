# SPDX-License-Identifier: AGPL-3.0-or-later
"""Judging for a plasma torch and for a water jet."""

from __future__ import annotations

import pytest
from flat_reports import codes, cube_report, drawing_report, figures, flat_report, judged_for

from commonfab import materials, v1
from registry.makeability.plasma import RULES as PLASMA_RULES
from registry.makeability.waterjet import RULES as WATERJET_RULES
from registry.makeability.waterjet import cutting_speed

PLASMA, WATER = "plasma_cutting", "waterjet_cutting"
FEASIBLE, ASK, INFEASIBLE = v1.VERDICT_FEASIBLE, v1.VERDICT_ASK, v1.VERDICT_INFEASIBLE


@pytest.mark.parametrize(("hole", "feasible"), [(6.1, True), (6.0, True), (5.9999998, True), (5.9, False)])
def test_under_plasma_a_hole_is_not_smaller_than_the_thickness(hole: float, feasible: bool) -> None:
    judged = judged_for(PLASMA, flat_report(thickness_mm=6, smallest_hole_mm=hole), material="mild_steel")
    assert (judged.verdict == FEASIBLE) == feasible
    if not feasible:
        assert codes(judged) == ["tool.min_hole"] and figures(judged, "tool.min_hole") == {"needs": 5.9, "has": 6}


def test_under_plasma_a_hole_is_never_narrower_than_the_kerf() -> None:
    assert codes(judged_for(PLASMA, flat_report(thickness_mm=1, smallest_hole_mm=1.4), material="mild_steel")) == ["tool.min_hole"]
    assert judged_for(PLASMA, flat_report(thickness_mm=1, smallest_hole_mm=1.5), material="mild_steel").verdict == FEASIBLE


@pytest.mark.parametrize(("process", "thickness", "least"), [(PLASMA, 6, 6), (PLASMA, 1, 3), (WATER, 6, 1.5), (WATER, 2, 1)])
def test_a_narrow_strip_is_a_question(process: str, thickness: float, least: float) -> None:
    wide, narrow = (flat_report(thickness_mm=thickness, narrowest_web_mm=width) for width in (least, least - 0.1))
    assert judged_for(process, wide, material="mild_steel").verdict == FEASIBLE
    assert codes(judged_for(process, narrow, material="mild_steel")) == ["tool.min_web"]


@pytest.mark.parametrize("material", ["acrylic", "plywood", "MDF", "granite", "cardboard", "PVC", "glass"])
def test_plasma_needs_a_conductor(material: str) -> None:
    judged = judged_for(PLASMA, flat_report(), material=material)
    assert judged.verdict == INFEASIBLE and codes(judged) == ["material.not_for_process"]


@pytest.mark.parametrize("material", ["Dibond", "aluminum composite", "magnesium", "carbon fibre"])
def test_what_would_hurt_people_is_never_put_under_a_torch(material: str) -> None:
    judged = judged_for(PLASMA, flat_report(), material=material)
    assert judged.verdict == INFEASIBLE and codes(judged) == ["material.unsafe"]


@pytest.mark.parametrize("material", ["verzinkter Stahl", "zinc", "Ti6Al4V"])
def test_fumes_and_dust_are_asked_about_under_a_torch(material: str) -> None:
    assert codes(judged_for(PLASMA, flat_report(), material=material)) == ["material.doubt"]


@pytest.mark.parametrize(("thickness", "watts"), [(12, 6500), (12.5, 9000), (20, 12200), (25, 21900)])
def test_the_least_torch_is_one_that_pierces(thickness: float, watts: float) -> None:
    report = flat_report(thickness_mm=thickness, smallest_hole_mm=0, narrowest_web_mm=0)
    assert judged_for(PLASMA, report, material="mild_steel").requirement.least_power_w == watts


@pytest.mark.parametrize(("process", "material", "thickest"), [(PLASMA, "mild_steel", 25), (PLASMA, "copper", 16), (WATER, "granite", 150)])
def test_beyond_what_any_machine_cuts_it_is_refused(process: str, material: str, thickest: float) -> None:
    bare = {"smallest_hole_mm": 0, "narrowest_web_mm": 0}
    assert judged_for(process, flat_report(thickness_mm=thickest, **bare), material=material).verdict == FEASIBLE
    assert codes(judged_for(process, flat_report(thickness_mm=thickest + 1, **bare), material=material)) == ["material.too_thick"]


@pytest.mark.parametrize("process", [PLASMA, WATER])
def test_both_cut_flat_parts_only_and_only_through(process: str) -> None:
    assert codes(judged_for(process, cube_report(), material="mild_steel")) == ["shape.not_flat"]
    assert codes(judged_for(process, flat_report(blind_features=1), material="mild_steel")) == ["route.blind_features"]


@pytest.mark.parametrize("process", [PLASMA, WATER])
def test_both_ask_for_a_material_and_a_thickness_that_nobody_named(process: str) -> None:
    judged = judged_for(process, drawing_report())
    assert judged.verdict == ASK and codes(judged) == ["material.unnamed", "material.thickness_unknown"]
    assert judged_for(process, drawing_report(), material="mild_steel", thickness_mm=4).verdict == FEASIBLE


@pytest.mark.parametrize("process", [PLASMA, WATER])
def test_bent_steel_is_cut_flat_and_then_bent(process: str) -> None:
    bent = flat_report(bends=[v1.Bend(angle_deg=90, inner_radius_mm=3, length_mm=60)])
    judged = judged_for(process, bent, material="stainless_steel")
    assert codes(judged) == ["route.two_steps"] and judged.requirement.then[0].process == "sheet_bending"


@pytest.mark.parametrize(
    "material", ["aluminium composite", "polycarbonate", "PVC", "HDPE", "titanium", "granite", "rubber", "float_glass"]
)
def test_water_cuts_what_no_beam_may(material: str) -> None:
    assert judged_for(WATER, flat_report(), material=material).verdict == FEASIBLE


def test_water_does_not_cut_tempered_glass_nor_paper_and_asks_about_what_swells() -> None:
    assert codes(judged_for(WATER, flat_report(), material="ESG")) == ["material.unsafe"]
    assert codes(judged_for(WATER, flat_report(), material="glass")) == ["material.too_broad"]
    assert codes(judged_for(WATER, flat_report(), material="cardboard")) == ["material.not_for_process"]
    assert codes(judged_for(WATER, flat_report(), material="mdf")) == ["material.doubt"]
    assert codes(judged_for(WATER, flat_report(), material="FR4")) == ["material.doubt"]


@pytest.mark.parametrize(("thickness", "least"), [(3, 1.5), (30, 3.0)])
def test_a_hole_is_wider_than_the_jet(thickness: float, least: float) -> None:
    assert judged_for(WATER, flat_report(thickness_mm=thickness, smallest_hole_mm=least), material="aluminium").verdict == FEASIBLE
    narrow = flat_report(thickness_mm=thickness, smallest_hole_mm=least - 0.1)
    assert codes(judged_for(WATER, narrow, material="aluminium")) == ["tool.min_hole"]


@pytest.mark.parametrize(("process", "best"), [(PLASMA, 0.5), (WATER, 0.1)])
def test_a_tolerance_beyond_any_machine_is_refused(process: str, best: float) -> None:
    assert judged_for(process, flat_report(), material="mild_steel", tolerance_mm=best).verdict == FEASIBLE
    assert codes(judged_for(process, flat_report(), material="mild_steel", tolerance_mm=best / 2)) == ["tolerance.beyond_process"]


def test_the_jet_cuts_half_an_inch_of_aluminium_at_some_eleven_inches_a_minute() -> None:
    assert cutting_speed(213, 12.7) * 60 / 25.4 == pytest.approx(11.4, rel=0.05)
    # The exponent of the equation: twice as thick is 2^1.15 times slower.
    assert cutting_speed(213, 25) / cutting_speed(213, 50) == pytest.approx(2**1.15)


def test_estimates_say_grams_minutes_and_how() -> None:
    jet, torch = (judged_for(process, flat_report(), material="mild_steel").estimate for process in (WATER, PLASMA))
    assert jet.grams == torch.grams == pytest.approx(5921.5 * 3 * 7.85 / 1000, rel=0.001)
    assert jet.machine_time.seconds > torch.machine_time.seconds > 180
    assert jet.method.endswith(".") and "Zeng" in jet.method


@pytest.mark.parametrize("term", sorted(PLASMA_RULES | WATERJET_RULES))
def test_every_rule_stands_at_a_term_of_the_vocabulary(term: str) -> None:
    assert term in materials.BROADER
