# SPDX-License-Identifier: AGPL-3.0-or-later
"""Judging for turning: pure, from a report and the maker's demands."""

from __future__ import annotations

from math import cos, pi, radians, sin

import pytest

from commonfab import v1
from commonfab.reasons import reason
from registry.makeability import turn

UPRIGHT = v1.Vector(z=1)


def shaft(length: float = 60, diameter: float = 25, share: float = 1.0, **facts: object) -> v1.GeometryReport:
    """An upright cylinder, turned as far as `share` says."""
    turned = v1.TurnedFacts(axis=UPRIGHT, share=share, diameter_mm=diameter, length_mm=length)
    return v1.GeometryReport(
        format=v1.FILE_FORMAT_STEP,
        unit_certainty=v1.UNIT_CERTAINTY_DECLARED,
        size_mm=v1.Size(x=diameter, y=diameter, z=length),
        volume_mm3=0.9 * pi / 4 * diameter**2 * length,
        area_mm2=pi * diameter * length + pi / 2 * diameter**2,
        solids=1,
        solid=v1.SolidFacts(**({"solids": 1, "turned": turned} | facts)),  # type: ignore[arg-type]
    )


def mesh(x: float, y: float, z: float, hull: float) -> v1.GeometryReport:
    """A closed mesh of that size, its hull filling `hull` of its box."""
    full = x * y * z * hull
    return v1.GeometryReport(
        format=v1.FILE_FORMAT_STL_BINARY,
        unit_certainty=v1.UNIT_CERTAINTY_DECLARED,
        size_mm=v1.Size(x=x, y=y, z=z),
        volume_mm3=full,
        area_mm2=2 * (x * y + y * z + z * x),
        bodies=1,
        mesh=v1.MeshFacts(hull_volume_mm3=full),
    )


def judged_for(report: v1.GeometryReport, **demands: object) -> v1.Makeability:
    [judged] = turn.judge(report, v1.Demands(**demands))  # type: ignore[arg-type]
    return judged


def codes(judged: v1.Makeability) -> list[str]:
    return [told.code for told in judged.reasons]


def test_a_shaft_is_bar_stock_that_lies_along_the_lathe() -> None:
    judged = judged_for(shaft(), material="steel")
    assert judged.verdict == v1.VERDICT_FEASIBLE and not judged.reasons
    need = judged.requirement
    assert (need.process, need.stock, need.material, need.keep_direction) == ("turning", "bar", "steel", True)
    assert [way.size_mm for way in need.placements] == [v1.Size(x=60, y=25, z=25)]
    assert not need.then


@pytest.mark.parametrize("axis", [(0, 0, 1), (0, 0, -1), (0, 1, 0), (0, -1, 0), (1, 0, 0), (-1, 0, 0), (0.6, 0, 0.8), (-0.48, 0.6, 0.64)])
def test_the_stated_turn_lays_the_axis_along_x(axis: tuple[float, float, float]) -> None:
    x, y, z = axis
    turned = turn.along_x(v1.Vector(x=x, y=y, z=z))
    c, s = cos(radians(turned.x_deg)), sin(radians(turned.x_deg))
    y, z = y * c - z * s, y * s + z * c
    c, s = cos(radians(turned.y_deg)), sin(radians(turned.y_deg))
    x, z = x * c + z * s, -x * s + z * c
    assert (abs(x), y, z) == pytest.approx((1, 0, 0), abs=1e-12)


@pytest.mark.parametrize(
    ("share", "verdict", "told", "steps"),
    [
        (1.0, v1.VERDICT_FEASIBLE, [], []),
        (0.95, v1.VERDICT_FEASIBLE, [], []),
        (0.94, v1.VERDICT_FEASIBLE, ["route.two_steps"], ["milling"]),
        (0.50, v1.VERDICT_FEASIBLE, ["route.two_steps"], ["milling"]),
        (0.49, v1.VERDICT_INFEASIBLE, ["shape.not_turned"], []),
    ],
)
def test_what_is_partly_turned_is_milled_afterwards(share: float, verdict: v1.Verdict.ValueType, told: list[str], steps: list[str]) -> None:
    judged = judged_for(shaft(share=share))
    assert judged.verdict == verdict and codes(judged) == told
    assert [step.process for step in judged.requirement.then] == steps


def test_a_solid_without_an_axis_is_not_turned() -> None:
    block = shaft()
    block.solid.ClearField("turned")
    assert codes(judged_for(block)) == ["shape.not_turned"] and "0 %" in judged_for(block).reasons[0].message


def test_a_flange_with_a_ring_of_holes_is_turned_and_then_drilled() -> None:
    ring = v1.Hole(diameter_mm=6, depth_mm=10, through=True, axis=UPRIGHT, count=6)
    judged = judged_for(shaft(length=10, diameter=80, share=0.9, holes=[ring]))
    assert judged.verdict == v1.VERDICT_FEASIBLE and codes(judged) == ["route.two_steps"]
    assert "6 holes drilled" in judged.reasons[0].message
    assert list(judged.requirement.operations) == ["drill"] and not judged.requirement.then


def test_a_ring_of_holes_in_a_part_that_has_flats_too_is_milled() -> None:
    ring = v1.Hole(diameter_mm=6, depth_mm=10, through=True, axis=UPRIGHT, count=6)
    judged = judged_for(shaft(length=10, diameter=80, share=0.7, holes=[ring]))
    [step] = judged.requirement.then
    assert step.process == "milling" and step.smallest_drill_mm == 6 and not judged.requirement.operations


def test_a_bore_on_the_axis_is_drilled_on_the_lathe_and_a_cross_hole_is_not() -> None:
    bore = v1.Hole(diameter_mm=8.4, depth_mm=60, through=True, axis=v1.Vector(z=-1), count=1)
    assert codes(judged_for(shaft(holes=[bore]))) == []
    cross = v1.Hole(diameter_mm=6.1, depth_mm=25, through=True, axis=v1.Vector(x=1), count=1)
    judged = judged_for(shaft(share=0.93, holes=[cross]))
    assert codes(judged) == ["route.two_steps"] and list(judged.requirement.operations) == ["drill"]


def test_a_keyway_is_milled_however_small_its_share() -> None:
    judged = judged_for(shaft(share=0.97, pockets=[v1.Pocket(depth_mm=4, least_corner_radius_mm=4, least_width_mm=8)]))
    assert codes(judged) == ["route.two_steps"] and judged.requirement.then[0].process == "milling"


@pytest.mark.parametrize(
    ("length", "verdict", "told"),
    [
        (30, v1.VERDICT_FEASIBLE, []),
        (31, v1.VERDICT_FEASIBLE, ["shape.tailstock"]),
        (100, v1.VERDICT_FEASIBLE, ["shape.tailstock"]),
        (101, v1.VERDICT_ASK, ["shape.too_slender"]),
    ],
)
def test_a_slender_shaft_takes_a_tailstock_and_then_a_question(length: float, verdict: v1.Verdict.ValueType, told: list[str]) -> None:
    judged = judged_for(shaft(length=length, diameter=10))
    assert judged.verdict == verdict and codes(judged) == told


@pytest.mark.parametrize(("length", "diameter", "asked"), [(2, 60, True), (3, 60, False), (1, 29, False)])
def test_a_thin_disc_is_asked_about(length: float, diameter: float, asked: bool) -> None:
    assert codes(judged_for(shaft(length=length, diameter=diameter))) == (["shape.thin_disc"] if asked else [])


@pytest.mark.parametrize(("band", "asked"), [(0.01, False), (0.009, True)])
def test_a_tolerance_that_is_ground_is_asked_about(band: float, asked: bool) -> None:
    assert codes(judged_for(shaft(), tolerance_mm=band)) == (["tolerance.process"] if asked else [])


@pytest.mark.parametrize(("depth", "verdict"), [(200, v1.VERDICT_ASK), (201, v1.VERDICT_INFEASIBLE)])
def test_a_bore_too_deep_for_any_drill_is_refused(depth: float, verdict: v1.Verdict.ValueType) -> None:
    bore = v1.Hole(diameter_mm=5.1, depth_mm=depth * 5.1 / 5, axis=UPRIGHT, count=1)
    judged = judged_for(shaft(length=210, diameter=30, holes=[bore]))
    assert judged.verdict == verdict and codes(judged) == ["tool.depth"]


@pytest.mark.parametrize(("share", "asked"), [(0.05, False), (0.06, True)])
def test_a_hollow_that_no_straight_tool_sees_is_asked_about(share: float, asked: bool) -> None:
    assert codes(judged_for(shaft(unreachable_share=share))) == (["tool.unreachable"] if asked else [])


def test_a_shell_out_of_a_thick_bar_is_asked_about() -> None:
    shell = shaft(length=60, diameter=60)
    bar = pi / 4 * 62**2 * 65
    shell.volume_mm3 = bar / 21
    assert codes(judged_for(shell)) == ["stock.waste"]
    shell.volume_mm3 = bar / 19
    assert codes(judged_for(shell)) == []


def test_knurls_and_threads_are_operations_beside_the_shape() -> None:
    assert list(judged_for(shaft(), operations=["knurl"]).requirement.operations) == ["knurl"]
    bore = v1.Hole(diameter_mm=6.8, depth_mm=20, axis=UPRIGHT, count=1)
    assert codes(judged_for(shaft(holes=[bore]))) == ["op.tap_hint"]


@pytest.mark.parametrize(
    ("part", "verdict", "code"),
    [
        (mesh(20, 20, 50, pi / 4), v1.VERDICT_ASK, "shape.mesh_only"),
        (mesh(50, 20, 20.1, pi / 4), v1.VERDICT_ASK, "shape.mesh_only"),
        (mesh(60, 60, 10, pi / 4), v1.VERDICT_ASK, "shape.mesh_only"),
        (mesh(20, 20, 50, 1.0), v1.VERDICT_INFEASIBLE, "shape.not_turned"),
        (mesh(20, 25, 50, 0.5), v1.VERDICT_INFEASIBLE, "shape.not_turned"),
    ],
)
def test_a_mesh_that_may_be_round_is_a_question_and_a_square_one_is_not(
    part: v1.GeometryReport, verdict: v1.Verdict.ValueType, code: str
) -> None:
    judged = judged_for(part)
    assert judged.verdict == verdict and codes(judged) == [code]


def test_a_round_mesh_is_laid_along_the_lathe_too() -> None:
    assert judged_for(mesh(60, 60, 10, pi / 4)).requirement.placements[0].size_mm == v1.Size(x=10, y=60, z=60)
    assert judged_for(mesh(20, 20, 50, pi / 4)).requirement.placements[0].size_mm == v1.Size(x=50, y=20, z=20)


def test_several_solids_and_bought_parts_are_asked_about() -> None:
    several = shaft(solids=2)
    assert codes(judged_for(several)) == ["shape.several_pieces"]
    assert codes(judged_for(shaft(product=v1.ProductNode(name="608", bought_as="bearing")))) == ["shape.bought"]


@pytest.mark.parametrize(("material", "told"), [("brass", []), ("pom", []), ("tpu", ["material.not_for_process"])])
def test_only_what_is_cut_into_chips_is_turned(material: str, told: list[str]) -> None:
    assert codes(judged_for(shaft(), material=material)) == told


def test_faults_stop_the_judging() -> None:
    assert codes(judged_for(v1.GeometryReport(faults=[reason("mesh.empty")]))) == ["mesh.empty"]
    assert codes(judged_for(v1.GeometryReport(format=v1.FILE_FORMAT_DXF, drawing=v1.DrawingFacts()))) == ["shape.no_body"]


def test_the_estimate_weighs_the_bar_and_counts_the_chips() -> None:
    light, heavy = (judged_for(shaft(), material=material).estimate for material in ("aluminium", "mild_steel"))
    assert heavy.grams == pytest.approx(pi / 4 * 27**2 * 65 / 1000 * 7.85, rel=0.001)
    assert heavy.machine_time.seconds > light.machine_time.seconds > 10 * 60
    assert "bar 2 mm thicker" in light.method
