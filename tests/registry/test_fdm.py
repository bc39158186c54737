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
    assert judged.requirement == v1.Requirement(process="fdm", size_mm=v1.Size(x=20, y=20, z=20), material="petg", stock="filament")


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
    ("material", "feasible"),
    [("", True), ("pla", True), ("thermoplastic", True), ("nylon-x", True), ("PA12", True), ("plywood", False), ("acrylic", False)],
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


def test_without_a_material_any_thermoplastic_will_do() -> None:
    assert list(fdm(report()).requirement.materials_allowed) == ["thermoplastic"]


def lie(z: float, overhang: float, as_drawn: bool = False, base: float = 400) -> v1.Lie:
    box = v1.Placement(turn=v1.Rotation(x_deg=0 if as_drawn else 90), size_mm=v1.Size(x=20, y=20, z=z))
    return v1.Lie(as_drawn=as_drawn, placements=[box], overhang_area_mm2=overhang, base_area_mm2=base)


def heights(judged: v1.Makeability) -> list[float]:
    return [placement.size_mm.z for placement in judged.requirement.placements]


def test_a_part_lies_as_drawn_if_it_can_and_else_with_the_least_overhang() -> None:
    lies = [lie(3, 500), lie(2, 80), lie(1, 80, base=900), lie(20, 300, as_drawn=True)]
    judged = fdm(report(lies=lies))
    assert heights(judged) == [20, 1, 2, 3]
    assert judged.verdict == v1.VERDICT_FEASIBLE and codes(judged) == ["shape.overhang"]


@pytest.mark.parametrize(("overhang", "note"), [(25, []), (26, ["shape.overhang"])])
def test_little_overhang_is_bridged(overhang: float, note: list[str]) -> None:
    assert codes(fdm(report(lies=[lie(20, overhang, as_drawn=True)]))) == note


def test_without_supports_only_lies_that_need_none_are_left() -> None:
    no_supports = [v1.Setting(key="supports", value="No")]
    judged = fdm(report(lies=[lie(20, 300, as_drawn=True), lie(5, 0)]), settings=no_supports)
    assert judged.verdict == v1.VERDICT_FEASIBLE and heights(judged) == [5] and not judged.reasons
    assert [(setting.key, setting.value) for setting in judged.requirement.settings] == [("supports", "No")]


def test_overhang_in_every_lie_though_supports_are_unwanted_is_a_question() -> None:
    no_supports = [v1.Setting(key="supports", value="no")]
    judged = fdm(report(lies=[lie(20, 300, as_drawn=True), lie(5, 100)]), settings=no_supports)
    assert judged.verdict == v1.VERDICT_ASK and codes(judged) == ["support.forbidden"]
    assert judged.reasons[0].figures[0].value == 100
    assert fdm(report(lies=[lie(20, 300, as_drawn=True)])).verdict == v1.VERDICT_FEASIBLE


def test_a_part_is_not_laid_on_points_or_edges_unless_it_is_drawn_so() -> None:
    no_supports = [v1.Setting(key="supports", value="no")]
    on_points = lie(5, 0, base=0.1)
    assert heights(fdm(report(lies=[lie(20, 300, as_drawn=True), on_points]))) == [20]
    judged = fdm(report(lies=[lie(20, 300, as_drawn=True), on_points]), settings=no_supports)
    assert codes(judged) == ["support.forbidden"] and judged.reasons[0].figures[0].value == 300
    assert heights(fdm(report(lies=[lie(20, 300, as_drawn=True, base=0)]))) == [20]


def walls(p01: float, p05: float, rays: int = 500) -> v1.MeshFacts:
    return v1.MeshFacts(walls=v1.WallThickness(p01_mm=p01, p05_mm=p05, rays=rays))


@pytest.mark.parametrize(("p05", "asked"), [(0.41, False), (0.4, False), (0.38, True)])
def test_walls_thinner_than_the_nozzle_are_asked_about(p05: float, asked: bool) -> None:
    judged = fdm(report(mesh=walls(p05, p05)))
    assert codes(judged) == (["shape.thin_wall"] if asked else [])
    assert judged.verdict == (v1.VERDICT_ASK if asked else v1.VERDICT_FEASIBLE)
    assert judged.requirement.smallest_feature_mm == (0 if asked else p05)


def test_a_finer_nozzle_that_is_demanded_makes_finer_walls() -> None:
    judged = fdm(report(mesh=walls(0.3, 0.3)), settings=[v1.Setting(key="nozzle_mm", value="0.25")])
    assert judged.verdict == v1.VERDICT_FEASIBLE and judged.requirement.smallest_feature_mm == 0.3


def test_a_few_thin_places_are_noted_and_too_few_rays_say_nothing() -> None:
    judged = fdm(report(mesh=walls(0.1, 2)))
    assert judged.verdict == v1.VERDICT_FEASIBLE and codes(judged) == ["shape.thin_wall"]
    assert not codes(fdm(report(mesh=walls(0.1, 0.1, rays=5))))


def test_a_hole_that_would_close_is_noted() -> None:
    assert codes(fdm(report(solid=v1.SolidFacts(holes=[v1.Hole(diameter_mm=0.8)])))) == ["tool.min_hole"]
    assert not codes(fdm(report(solid=v1.SolidFacts(holes=[v1.Hole(diameter_mm=1.0)]))))


def test_several_bodies_are_told_and_never_split() -> None:
    judged = fdm(report(bodies=3))
    assert judged.verdict == v1.VERDICT_FEASIBLE and codes(judged) == ["mesh.several_bodies"]


@pytest.mark.parametrize(
    ("material", "side", "enclosed"),
    [
        ("abs", 20, True),
        ("hips", 20, True),
        ("asa", 101, True),
        ("asa", 100, False),
        ("PC", 150, True),
        ("pla", 300, False),
        ("", 300, False),
    ],
)
def test_what_warps_or_smells_is_printed_in_a_closed_chamber(material: str, side: float, enclosed: bool) -> None:
    assert fdm(report(size_mm=v1.Size(x=side, y=20, z=20)), material=material).requirement.enclosed == enclosed


def test_demanded_settings_are_carried_and_the_first_word_about_each_counts() -> None:
    said = [v1.Setting(key="infill_percent", value="80"), v1.Setting(key="layer_height_mm", value="0.2")]
    judged = fdm(report(), settings=[*said, v1.Setting(key="infill_percent", value="15", source="Metadata/Slic3r_PE.config")])
    assert list(judged.requirement.settings) == said


def test_infill_layers_and_supports_count_in_the_estimate() -> None:
    usual = fdm(report()).estimate
    full = fdm(report(), settings=[v1.Setting(key="infill_percent", value="100 %")]).estimate
    assert full.grams == pytest.approx(8 * 1.24, abs=0.01) and "100% infill" in full.method
    fine = fdm(report(), settings=[v1.Setting(key="layer_height_mm", value="0.15")]).estimate
    assert fine.grams == usual.grams
    assert fine.machine_time.seconds - 300 == pytest.approx(2 * (usual.machine_time.seconds - 300), abs=2)
    hung = fdm(report(lies=[lie(20, 300, as_drawn=True)])).estimate
    assert hung.grams - usual.grams == pytest.approx(300 * 20 / 2 * 0.15 * 1.24 / 1000, abs=0.02)


def test_a_drawing_has_no_body_to_build_up() -> None:
    judged = fdm(report(format=v1.FILE_FORMAT_DXF, volume_mm3=0, drawing=v1.DrawingFacts(parts=1)))
    assert judged.verdict == v1.VERDICT_INFEASIBLE and codes(judged) == ["shape.no_body"]


def test_a_tolerance_beyond_any_printer_is_refused() -> None:
    judged = fdm(report(), tolerance_mm=0.1, operations=["tap"])
    assert (
        judged.verdict == v1.VERDICT_FEASIBLE and judged.requirement.tolerance_mm == 0.1 and list(judged.requirement.operations) == ["tap"]
    )
    assert codes(fdm(report(), tolerance_mm=0.09)) == ["tolerance.beyond_process"]
