# SPDX-License-Identifier: AGPL-3.0-or-later
"""Judging for CO2 and fibre lasers: what is cut, what is asked, and what must never lie under the beam."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from flat_reports import codes, cube_report, drawing_report, figures, flat_report, judged_for

from commonfab import materials, v1
from commonfab.reasons import reason
from registry.makeability.cutting_rules import Rule
from registry.makeability.laser_rules import CO2_RULES, FIBRE_RULES

CO2, FIBRE = "co2_laser_cutting", "fibre_laser_cutting"
FEASIBLE, ASK, INFEASIBLE = v1.VERDICT_FEASIBLE, v1.VERDICT_ASK, v1.VERDICT_INFEASIBLE


def test_a_flat_part_of_acrylic_is_for_the_co2_laser_and_says_what_it_takes() -> None:
    judged = judged_for(CO2, flat_report(), material="Plexiglas")
    assert judged.verdict == FEASIBLE and not judged.reasons
    need = judged.requirement
    assert (need.material, need.thickness_mm, need.stock, need.least_power_w) == ("acrylic", 3, "sheet", 30)
    assert need.size_mm == v1.Size(x=100, y=60, z=3) and need.placements[0].size_mm == need.size_mm
    assert list(need.materials_allowed) == ["acrylic"]


def test_a_flat_part_of_steel_is_for_the_fibre_laser_and_not_for_the_co2_laser() -> None:
    assert judged_for(FIBRE, flat_report(), material="S235").verdict == FEASIBLE
    assert codes(judged_for(CO2, flat_report(), material="S235")) == ["material.not_for_process"]
    assert codes(judged_for(FIBRE, flat_report(), material="plywood")) == ["material.not_for_process"]


UNSAFE_UNDER_CO2 = (
    "PVC, vinyl, faux leather, polycarbonate, Lexan, ABS, asa, HIPS, HDPE, teflon, ptfe, FR4, G10, fibreglass, carbon fibre, leather, "
    "chrome leather, neoprene, Styrofoam, PU foam, Dibond, ACM, TPU, PE foam, EPP, NBR, resin"
)


@pytest.mark.parametrize("material", [name.strip() for name in UNSAFE_UNDER_CO2.split(",")])
def test_what_would_hurt_people_is_never_put_under_a_co2_laser(material: str) -> None:
    judged = judged_for(CO2, flat_report(), material=material)
    assert judged.verdict == INFEASIBLE and codes(judged) == ["material.unsafe"]
    assert not judged.HasField("requirement")
    assert len(judged.reasons[0].message) > 30


@pytest.mark.parametrize("material", ["aluminium composite", "magnesium", "AZ31", "CFRP", "FR4", "PVC"])
def test_what_would_hurt_people_is_never_put_under_a_fibre_laser(material: str) -> None:
    judged = judged_for(FIBRE, flat_report(), material=material)
    assert judged.verdict == INFEASIBLE and codes(judged) == ["material.unsafe"]


@pytest.mark.parametrize("material", ["acrylic", "plywood", "MDF", "oak", "cardboard", "felt", "cork", "veg tan", "paper", "petg sheet"])
def test_what_shops_cut_every_day_is_feasible_on_a_co2_laser(material: str) -> None:
    assert judged_for(CO2, flat_report(thickness_mm=2), material=material).verdict == FEASIBLE


@pytest.mark.parametrize(
    ("process", "material"), [(CO2, "POM"), (CO2, "pp"), (FIBRE, "galvanized steel"), (FIBRE, "titanium"), (FIBRE, "zinc")]
)
def test_what_needs_clean_air_is_asked(process: str, material: str) -> None:
    judged = judged_for(process, flat_report(), material=material)
    assert judged.verdict == ASK and codes(judged) == ["material.doubt"]


def test_a_material_that_is_not_named_is_asked_for_and_nothing_dangerous_is_offered() -> None:
    judged = judged_for(CO2, flat_report())
    assert judged.verdict == ASK and codes(judged) == ["material.unnamed"]
    allowed = set(judged.requirement.materials_allowed)
    assert "acrylic" in allowed and not allowed & {term for term, rule in CO2_RULES.items() if rule.unsafe}
    assert not any(materials.satisfies("pvc", term) for term in allowed)
    assert "pom" not in allowed, "what needs a question cannot be chosen without it"
    assert not judged.HasField("estimate")


@pytest.mark.parametrize(
    ("process", "material", "forbidden"),
    [
        (CO2, "thermoplastic", "pvc"),
        (CO2, "foam", "epp"),
        (CO2, "composite", "dibond"),
        (CO2, "rubber", "neoprene"),
        (FIBRE, "metal", "magnesium"),
    ],
)
def test_a_family_with_dangerous_kinds_is_asked_about_and_they_are_not_allowed(process: str, material: str, forbidden: str) -> None:
    judged = judged_for(process, flat_report(thickness_mm=2), material=material)
    assert judged.verdict == ASK and "material.too_broad" in codes(judged)
    assert judged.requirement.materials_allowed, "an empty list would allow everything"
    assert not any(materials.satisfies(forbidden, term) for term in judged.requirement.materials_allowed)


def test_a_family_without_dangerous_kinds_is_cut() -> None:
    judged = judged_for(CO2, flat_report(thickness_mm=2), material="wood")
    assert judged.verdict == FEASIBLE
    assert any(materials.satisfies("birch plywood", term) for term in judged.requirement.materials_allowed)


def test_a_material_that_nobody_knows_is_asked_about() -> None:
    judged = judged_for(CO2, flat_report(), material="unobtainium")
    assert judged.verdict == ASK and codes(judged) == ["material.unknown"] and judged.requirement.material == "unobtainium"


@pytest.mark.parametrize(
    ("process", "material", "thickness", "watts"),
    [
        (CO2, "acrylic", 4, 30),
        (CO2, "acrylic", 4.1, 60),
        (CO2, "plywood", 8, 60),
        (CO2, "plywood", 8.1, 100),
        (CO2, "mdf", 15, 130),
        (FIBRE, "mild_steel", 12, 1000),
        (FIBRE, "mild_steel", 12.1, 1500),
        (FIBRE, "stainless_steel", 10, 3000),
        (FIBRE, "aluminium", 16, 6000),
        (FIBRE, "copper", 2, 1000),
    ],
)
def test_the_least_power_follows_from_material_and_thickness(process: str, material: str, thickness: float, watts: float) -> None:
    report = flat_report(thickness_mm=thickness, smallest_hole_mm=0, narrowest_web_mm=0)
    judged = judged_for(process, report, material=material)
    assert judged.verdict == FEASIBLE and judged.requirement.least_power_w == watts


@pytest.mark.parametrize(
    ("process", "material", "thickest"),
    [
        (CO2, "acrylic", 25),
        (CO2, "mdf", 15),
        (CO2, "petg", 3),
        (FIBRE, "mild_steel", 50),
        (FIBRE, "brass", 16),
        (FIBRE, "galvanised_steel", 12),
    ],
)
def test_beyond_what_any_machine_cuts_it_is_refused_with_both_figures(process: str, material: str, thickest: float) -> None:
    bare = {"smallest_hole_mm": 0, "narrowest_web_mm": 0}
    assert judged_for(process, flat_report(thickness_mm=thickest, **bare), material=material).verdict != INFEASIBLE
    judged = judged_for(process, flat_report(thickness_mm=thickest + 0.5, **bare), material=material)
    assert codes(judged) == ["material.too_thick"]
    assert figures(judged, "material.too_thick") == {"needs": thickest + 0.5, "has": thickest}


@pytest.mark.parametrize("rules", [CO2_RULES, FIBRE_RULES])
def test_every_rule_stands_at_a_term_and_more_power_cuts_thicker(rules: Mapping[str, Rule]) -> None:
    for term, rule in rules.items():
        assert term in materials.BROADER
        assert bool(rule.unsafe) != bool(rule.limits) and bool(rule.unsafe) != bool(rule.pace)
        watts, thickest = zip(*rule.limits, strict=True) if rule.limits else ((), ())
        assert list(watts) == sorted(set(watts)) and list(thickest) == sorted(set(thickest))


def test_a_part_that_is_not_flat_is_not_for_a_laser() -> None:
    for process, material in ((CO2, "acrylic"), (FIBRE, "mild_steel")):
        assert codes(judged_for(process, cube_report(), material=material)) == ["shape.not_flat"]


def test_a_faulty_file_is_refused_for_its_fault_alone() -> None:
    broken = v1.GeometryReport(format=v1.FILE_FORMAT_STL_BINARY, faults=[reason("mesh.empty")])
    assert codes(judged_for(CO2, broken, material="acrylic")) == ["mesh.empty"]


def test_a_solid_with_a_cavity_is_one_part_and_two_solids_are_two() -> None:
    report = flat_report()
    report.bodies, report.solids = 2, 1
    assert judged_for(CO2, report, material="acrylic").verdict == FEASIBLE
    report.solids = 2
    assert codes(judged_for(CO2, report, material="acrylic")) == ["shape.several_parts"]


def test_features_that_do_not_go_through_take_it_from_the_laser() -> None:
    judged = judged_for(CO2, flat_report(blind_features=2), material="acrylic")
    assert judged.verdict == INFEASIBLE and codes(judged) == ["route.blind_features"]
    assert figures(judged, "route.blind_features") == {"features": 2}


def test_countersinks_are_made_at_the_bench_after_cutting() -> None:
    judged = judged_for(FIBRE, flat_report(countersinks=4), material="mild_steel", operations=["tap"])
    assert judged.verdict == FEASIBLE and codes(judged) == ["route.countersink"]
    assert list(judged.requirement.operations) == ["tap", "countersink"]
    bored = flat_report(countersinks=4)
    bored.solid.holes.add(diameter_mm=5, through=True, counterbore_diameter_mm=10, counterbore_depth_mm=1)
    assert list(judged_for(FIBRE, bored, material="mild_steel").requirement.operations) == ["counterbore"]


def test_bends_become_a_second_step_in_metal() -> None:
    bent = flat_report(bends=[v1.Bend(angle_deg=90, inner_radius_mm=3, length_mm=60)])
    judged = judged_for(FIBRE, bent, material="mild_steel")
    assert judged.verdict == FEASIBLE and codes(judged) == ["route.two_steps"]
    (after,) = judged.requirement.then
    assert (after.process, after.material, after.thickness_mm) == ("sheet_bending", "mild_steel", 3)


def test_a_thermoplastic_is_bent_by_hand_and_wood_is_not_bent() -> None:
    bent = flat_report(bends=[v1.Bend(angle_deg=90, inner_radius_mm=3, length_mm=60)])
    judged = judged_for(CO2, bent, material="acrylic")
    assert judged.verdict == FEASIBLE and list(judged.requirement.operations) == ["bend"] and not judged.requirement.then
    assert codes(judged_for(CO2, flat_report(thickness_mm=2, bends=bent.sheet.bends), material="plywood")) == ["route.bend_material"]


@pytest.mark.parametrize(("process", "material", "least"), [(CO2, "acrylic", 1.0), (FIBRE, "mild_steel", 2.5)])
def test_holes_have_a_least_width_that_grows_with_the_thickness(process: str, material: str, least: float) -> None:
    """5 mm thick: a fifth of it for CO2, half of it for fibre."""
    assert judged_for(process, flat_report(thickness_mm=5, smallest_hole_mm=least), material=material).verdict == FEASIBLE
    judged = judged_for(process, flat_report(thickness_mm=5, smallest_hole_mm=least - 0.1), material=material)
    assert judged.verdict == INFEASIBLE and figures(judged, "tool.min_hole") == pytest.approx({"needs": least - 0.1, "has": least})


@pytest.mark.parametrize(("process", "material", "least"), [(CO2, "acrylic", 5 / 3), (FIBRE, "mild_steel", 2.5)])
def test_a_narrow_strip_between_cuts_is_a_question(process: str, material: str, least: float) -> None:
    assert judged_for(process, flat_report(thickness_mm=5, narrowest_web_mm=least), material=material).verdict == FEASIBLE
    judged = judged_for(process, flat_report(thickness_mm=5, narrowest_web_mm=least - 0.1), material=material)
    assert judged.verdict == ASK and codes(judged) == ["tool.min_web"]


def test_what_is_fine_must_be_resolved_by_the_machine() -> None:
    assert judged_for(CO2, flat_report(smallest_hole_mm=1), material="acrylic").requirement.smallest_feature_mm == 1
    assert judged_for(CO2, flat_report(), material="acrylic").requirement.smallest_feature_mm == 0


def test_a_drawing_takes_its_thickness_from_the_maker_and_is_asked_about_without() -> None:
    asked = judged_for(CO2, drawing_report(), material="acrylic")
    assert asked.verdict == ASK and codes(asked) == ["material.thickness_unknown"]
    judged = judged_for(CO2, drawing_report(), material="acrylic", thickness_mm=6)
    assert judged.verdict == FEASIBLE and judged.requirement.least_power_w == 60
    assert judged.requirement.size_mm.z == 6 and judged.requirement.placements[0].size_mm == v1.Size(x=114, y=91, z=6)
    assert judged.requirement.placements[0].turn.z_deg == 20


@pytest.mark.parametrize(("demanded", "verdict"), [(3, FEASIBLE), (2.9, FEASIBLE), (3.3, FEASIBLE), (3.5, ASK), (2, ASK)])
def test_a_demanded_thickness_must_be_that_of_the_shape(demanded: float, verdict: int) -> None:
    judged = judged_for(CO2, flat_report(), material="acrylic", thickness_mm=demanded)
    assert judged.verdict == verdict
    assert codes(judged) == (["material.thickness_differs"] if verdict == ASK else [])
    assert judged.requirement.thickness_mm == (3 if verdict == ASK else demanded)


def test_several_parts_and_crossing_lines_in_a_drawing_are_questions() -> None:
    demands = {"material": "acrylic", "thickness_mm": 3}
    assert codes(judged_for(CO2, drawing_report(parts=2), **demands)) == ["shape.several_parts"]
    assert codes(judged_for(CO2, drawing_report(crossings=1), **demands)) == ["shape.crossing_lines"]
    open_ended = drawing_report()
    open_ended.warnings.append(reason("dxf.open_contour", "10, 20", ends=2))
    judged = judged_for(CO2, open_ended, **demands)
    assert judged.verdict == ASK and codes(judged) == ["dxf.open_contour"]


@pytest.mark.parametrize(("process", "material", "best"), [(CO2, "acrylic", 0.1), (FIBRE, "mild_steel", 0.05)])
def test_a_tolerance_beyond_any_laser_is_refused(process: str, material: str, best: float) -> None:
    judged = judged_for(process, flat_report(), material=material, tolerance_mm=best)
    assert judged.verdict == FEASIBLE and judged.requirement.tolerance_mm == best
    assert codes(judged_for(process, flat_report(), material=material, tolerance_mm=best - 0.01)) == ["tolerance.beyond_process"]


def test_a_tolerance_in_the_file_counts_like_a_demanded_one() -> None:
    report = flat_report()
    report.solid.tolerances.add(kind="position", value_mm=0.01)
    assert codes(judged_for(FIBRE, report, material="mild_steel")) == ["tolerance.beyond_process"]


def test_the_estimate_is_cuts_over_speed_and_area_times_density() -> None:
    judged = judged_for(CO2, flat_report(), material="acrylic").estimate
    assert judged.grams == pytest.approx(5921.5 * 3 * 1.19 / 1000, rel=0.001)
    # 38 mm²/s at 60 W and 3 mm: 12.7 mm/s, within the published 10 to 15 mm/s.
    assert judged.machine_time.seconds == pytest.approx(180 + 351.4 / (38 / 3) + 2 * (0.5 + 100 / 150), abs=1)
    assert "m/min" in judged.method and judged.method.endswith(".")


def test_thick_takes_longer_than_thin_and_steel_of_3_mm_goes_at_some_metres_a_minute() -> None:
    long = {"cut_length_mm": 36_000, "pierces": 1, "smallest_hole_mm": 0}
    thin, thick = (judged_for(FIBRE, flat_report(thickness_mm=t, **long), material="mild_steel").estimate for t in (3, 10))
    assert thick.machine_time.seconds > 2 * thin.machine_time.seconds
    # The chart says 3.3 to 5 m/min for 3 mm under 3 kW.
    assert 36 / 5 < (thin.machine_time.seconds - 180) / 60 < 36 / 3.3


def test_a_toolpath_is_no_part_for_a_laser() -> None:
    report = v1.GeometryReport(format=v1.FILE_FORMAT_GCODE, toolpath=v1.ToolpathFacts())
    assert codes(judged_for(CO2, report, material="acrylic")) == ["toolpath.machine_specific"]


def test_absurd_numbers_do_not_break_the_judge() -> None:
    report = flat_report(thickness_mm=1e-9, cut_length_mm=1e300, area_mm2=1e300, pierces=4_000_000_000)
    assert judged_for(CO2, report, material="acrylic").verdict == FEASIBLE
