# SPDX-License-Identifier: AGPL-3.0-or-later
"""Judging for CNC routing: pure, from a report and the maker's demands."""

from __future__ import annotations

import pytest

from commonfab import v1
from commonfab.reasons import reason
from registry.makeability import router

UP, DOWN, SIDE = v1.Vector(z=1), v1.Vector(z=-1), v1.Vector(x=1)


def board(**changed: object) -> v1.GeometryReport:
    """A drawing of a board of 300 × 200 mm that is 12 mm thick, its sheet changed as told."""
    sheet: dict[str, object] = {
        "thickness_mm": 12,
        "blank_mm": v1.Size(x=300, y=200, z=12),
        "placements": [v1.Placement(size_mm=v1.Size(x=300, y=200, z=12))],
        "cut_length_mm": 1000,
        "pierces": 2,
        "area_mm2": 60_000,
    }
    facts = v1.SheetFacts(**(sheet | changed))  # type: ignore[arg-type]
    drawing = v1.DrawingFacts(parts=1)
    return v1.GeometryReport(format=v1.FILE_FORMAT_DXF, unit_certainty=v1.UNIT_CERTAINTY_DECLARED, drawing=drawing, sheet=facts)


def plate(*directions: v1.Vector, holes: tuple[v1.Hole, ...] = (), **sheet: object) -> v1.GeometryReport:
    """The same board as a solid."""
    report = board(**sheet)
    report.ClearField("drawing")
    report.format, report.solids, report.volume_mm3, report.area_mm2 = v1.FILE_FORMAT_STEP, 1, 700_000, 130_000
    report.size_mm.CopyFrom(v1.Size(x=300, y=200, z=12))
    sides = [tool(direction) for direction in directions or (DOWN,)]
    report.solid.CopyFrom(v1.SolidFacts(solids=1, tool_directions=sides, holes=holes))
    return report


def tool(direction: v1.Vector) -> v1.ToolDirection:
    return v1.ToolDirection(**{"from": direction})  # type: ignore[arg-type]


def relief(height: float = 40, overhang: float = 0.0, lies: bool = True) -> v1.GeometryReport:
    """A mesh of 200 × 200 mm, such as a carved shell."""
    size = v1.Size(x=200, y=200, z=height)
    ways = [v1.Lie(as_drawn=True, placements=[v1.Placement(size_mm=size)], overhang_area_mm2=overhang)]
    return v1.GeometryReport(
        format=v1.FILE_FORMAT_STL_BINARY,
        unit_certainty=v1.UNIT_CERTAINTY_DECLARED,
        size_mm=size,
        volume_mm3=20_000 * height,
        area_mm2=100_000,
        bodies=1,
        mesh=v1.MeshFacts(),
        lies=ways if lies else [],
    )


def routed(report: v1.GeometryReport, **demands: object) -> v1.Makeability:
    [judged] = router.judge(report, v1.Demands(**demands))  # type: ignore[arg-type]
    return judged


def codes(judged: v1.Makeability) -> list[str]:
    return [told.code for told in judged.reasons]


def test_a_board_is_feasible_and_says_what_a_router_must_have() -> None:
    judged = routed(board(least_inner_radius_mm=3, smallest_hole_mm=20), material="plywood")
    assert judged.verdict == v1.VERDICT_FEASIBLE and not judged.reasons
    need = judged.requirement
    assert (need.process, need.stock, need.thickness_mm, need.axes, need.setups) == ("cnc_routing", "sheet", 12, 3, 1)
    assert (need.smallest_tool_mm, need.tool_reach_mm) == (6, 12)
    assert [way.size_mm for way in need.placements] == [v1.Size(x=300, y=200, z=12)]


def test_a_drawing_without_thickness_is_a_question_that_the_maker_answers() -> None:
    assert codes(routed(board(thickness_mm=0))) == ["material.thickness_unknown"]
    answered = routed(board(thickness_mm=0), thickness_mm=9)
    assert answered.verdict == v1.VERDICT_FEASIBLE and answered.requirement.thickness_mm == 9
    assert answered.requirement.placements[0].size_mm.z == 9
    assert codes(routed(board(), thickness_mm=18)) == ["material.thickness_differs"]


def test_sharp_inner_corners_are_a_question_of_the_drawing_and_of_the_solid() -> None:
    assert codes(routed(board(sharp_inner_corners=4))) == ["tool.corner"]
    sharp = plate()
    sharp.solid.sharp_inner_edges = True
    assert codes(routed(sharp)) == ["tool.corner"]


@pytest.mark.parametrize(
    ("slot", "verdict", "told"),
    [
        (4.0, v1.VERDICT_FEASIBLE, []),
        (3.9, v1.VERDICT_ASK, ["tool.depth"]),
        (2.0, v1.VERDICT_ASK, ["tool.depth"]),
        (1.9, v1.VERDICT_INFEASIBLE, ["tool.depth"]),
        (0.4, v1.VERDICT_INFEASIBLE, ["tool.min_hole"]),
    ],
)
def test_a_slot_must_be_wide_enough_for_a_cutter_that_reaches_through(slot: float, verdict: v1.Verdict.ValueType, told: list[str]) -> None:
    judged = routed(board(smallest_hole_mm=slot))
    assert judged.verdict == verdict and codes(judged) == told


@pytest.mark.parametrize(("radius", "told"), [(2.0, []), (1.9, ["tool.depth"]), (0.4, ["tool.min_hole", "tool.depth"])])
def test_a_small_corner_radius_is_a_question_and_never_a_refusal(radius: float, told: list[str]) -> None:
    judged = routed(board(least_inner_radius_mm=radius))
    assert codes(judged) == told and judged.verdict == (v1.VERDICT_ASK if told else v1.VERDICT_FEASIBLE)


@pytest.mark.parametrize(
    ("diameter", "verdict", "told"),
    [
        (1.2, v1.VERDICT_FEASIBLE, []),
        (1.1, v1.VERDICT_ASK, ["tool.depth"]),
        (0.9, v1.VERDICT_ASK, ["tool.min_hole", "tool.depth"]),
        (0.4, v1.VERDICT_INFEASIBLE, ["tool.min_hole"]),
    ],
)
def test_a_round_hole_is_drilled_and_may_be_deeper(diameter: float, verdict: v1.Verdict.ValueType, told: list[str]) -> None:
    report = board(smallest_hole_mm=diameter, least_inner_radius_mm=diameter / 2)
    report.drawing.contours.add(diameter_mm=diameter)
    judged = routed(report)
    assert judged.verdict == verdict and codes(judged) == told


def test_several_parts_and_crossing_lines_are_asked_about() -> None:
    report = board()
    report.drawing.parts, report.drawing.crossings = 3, 2
    assert codes(routed(report)) == ["shape.several_parts", "shape.crossing_lines"]


@pytest.mark.parametrize(("side", "small"), [(30, False), (29, True)])
def test_a_small_part_is_held_by_tabs(side: float, small: bool) -> None:
    judged = routed(board(blank_mm=v1.Size(x=60, y=side, z=12)))
    assert judged.verdict == v1.VERDICT_FEASIBLE and codes(judged) == (["shape.small"] if small else [])


def test_pockets_and_countersinks_are_the_routers_own_work() -> None:
    judged = routed(board(blind_features=2, countersinks=4))
    assert judged.verdict == v1.VERDICT_FEASIBLE and list(judged.requirement.operations) == ["countersink"]


def test_pockets_in_both_faces_turn_the_board_over() -> None:
    judged = routed(plate(DOWN, UP, blind_features=2))
    assert judged.requirement.setups == 2 and codes(judged) == ["tool.turn_over"]
    assert routed(plate(DOWN, UP)).requirement.setups == 1


def test_holes_in_the_edge_are_asked_about() -> None:
    into_edge = v1.Hole(diameter_mm=5, depth_mm=20, axis=SIDE, count=2)
    through = v1.Hole(diameter_mm=5, depth_mm=12, axis=UP, through=True)
    judged = routed(plate(holes=(into_edge, through)))
    assert codes(judged) == ["tool.in_edge"] and judged.reasons[0].figures[0].value == 2
    assert codes(routed(plate(holes=(through,)))) == []


@pytest.mark.parametrize(("band", "asked"), [(0.1, False), (0.09, True)])
def test_a_tolerance_finer_than_careful_routing_is_asked_about(band: float, asked: bool) -> None:
    assert codes(routed(board(), tolerance_mm=band)) == (["tolerance.process"] if asked else [])


@pytest.mark.parametrize(
    ("material", "feasible"),
    [
        ("", True),
        ("plywood", True),
        ("acrylic", True),
        ("aluminium", True),
        ("aluminium_composite", True),
        ("steel", False),
        ("tpu", False),
    ],
)
def test_a_router_cuts_wood_plastic_and_aluminium(material: str, feasible: bool) -> None:
    judged = routed(board(), material=material)
    assert codes(judged) == ([] if feasible else ["material.not_for_process"])


def test_bent_sheet_is_not_routed() -> None:
    assert codes(routed(plate(bends=[v1.Bend(angle_deg=90)]))) == ["shape.not_flat"]


@pytest.mark.parametrize(
    ("report", "verdict", "told"),
    [
        (relief(), v1.VERDICT_FEASIBLE, ["shape.relief"]),
        (relief(overhang=1000), v1.VERDICT_FEASIBLE, ["shape.relief"]),
        (relief(overhang=1100), v1.VERDICT_ASK, ["shape.mesh_only"]),
        (relief(lies=False), v1.VERDICT_ASK, ["shape.mesh_only"]),
        (relief(height=75), v1.VERDICT_FEASIBLE, ["shape.relief"]),
        (relief(height=76), v1.VERDICT_INFEASIBLE, ["shape.not_flat"]),
    ],
)
def test_a_mesh_is_carved_where_nothing_hangs_over_and_it_is_low(
    report: v1.GeometryReport, verdict: v1.Verdict.ValueType, told: list[str]
) -> None:
    judged = routed(report)
    assert judged.verdict == verdict and codes(judged) == told


def test_a_solid_is_carved_from_above_and_not_from_the_side() -> None:
    low = relief()
    low.solid.CopyFrom(v1.SolidFacts(solids=1, tool_directions=[tool(DOWN)]))
    assert codes(routed(low)) == ["shape.relief"]
    low.solid.tool_directions.append(tool(UP))
    assert codes(routed(low)) == ["shape.relief", "tool.turn_over"]
    low.solid.tool_directions.append(tool(SIDE))
    assert codes(routed(low)) == ["shape.not_flat"]


def test_a_carved_solid_with_doubts_is_asked_about() -> None:
    doubtful = relief()
    doubtful.bodies = 2
    doubtful.solid.CopyFrom(v1.SolidFacts(solids=2, sharp_inner_edges=True, unreachable_share=0.02))
    assert codes(routed(doubtful)) == ["shape.several_pieces", "tool.corner", "tool.unreachable", "shape.sides_unknown"]


def test_a_shaft_a_shell_and_a_crumb_can_be_carved_and_are_asked_about() -> None:
    shaft = relief()
    shaft.solid.CopyFrom(v1.SolidFacts(solids=1, tool_directions=[tool(DOWN)]))
    shaft.solid.turned.CopyFrom(v1.TurnedFacts(axis=SIDE, share=0.97, diameter_mm=40, length_mm=200))
    assert codes(routed(shaft)) == ["shape.turned"]
    shell = relief()
    shell.volume_mm3 = 200 * 200 * 40 / 21
    assert codes(routed(shell)) == ["stock.waste"]
    profile = relief()
    profile.size_mm.CopyFrom(v1.Size(x=300, y=40, z=40))
    profile.volume_mm3 = 300 * 40 * 40
    assert codes(routed(profile)) == ["shape.is_stock"]
    crumb = relief()
    crumb.size_mm.CopyFrom(v1.Size(x=20, y=29, z=20))
    assert codes(routed(crumb)) == ["shape.small"]
    named = relief()
    named.solid.CopyFrom(v1.SolidFacts(tool_directions=[tool(DOWN)], product=v1.ProductNode(bought_as="bearing")))
    assert codes(routed(named)) == ["shape.bought"]


def test_faults_are_told_and_nothing_else() -> None:
    assert codes(routed(v1.GeometryReport(faults=[reason("mesh.empty")]))) == ["mesh.empty"]
    assert codes(routed(v1.GeometryReport(format=v1.FILE_FORMAT_STL_BINARY))) == ["mesh.no_volume"]


def test_thicker_and_harder_boards_take_longer() -> None:
    thin, thick = routed(board(thickness_mm=6), material="plywood").estimate, routed(board(), material="plywood").estimate
    assert thick.machine_time.seconds > thin.machine_time.seconds > 6 * 60
    assert thick.grams == pytest.approx(300 * 200 * 12 / 1000 * 0.68, rel=0.001)
    assert routed(board(), material="aluminium").estimate.machine_time.seconds > thick.machine_time.seconds
    assert "passes of a 6 mm cutter" in thick.method


def test_carving_is_estimated_by_its_surface() -> None:
    plain = routed(relief(), material="beech").estimate
    assert plain.grams == pytest.approx(200 * 200 * 40 / 1000 * 0.72, rel=0.001) and "line by line" in plain.method
    rough = relief()
    rough.area_mm2 *= 2
    assert routed(rough, material="beech").estimate.machine_time.seconds > plain.machine_time.seconds


def test_absurd_numbers_do_not_break_the_judge() -> None:
    assert routed(board(cut_length_mm=1e300, thickness_mm=1e300, blank_mm=v1.Size(x=1, y=1, z=1))).estimate.machine_time.seconds == 10**9


def test_what_no_straight_tool_reaches_is_no_more_carved_than_milled() -> None:
    hollow = relief()
    hollow.solid.CopyFrom(v1.SolidFacts(solids=1, tool_directions=[tool(DOWN)], unreachable_share=0.06))
    assert codes(routed(hollow)) == ["tool.unreachable"]
    hollow.solid.unreachable_share = 0.05
    assert codes(routed(hollow)) == ["tool.unreachable"] and routed(hollow).verdict == v1.VERDICT_ASK


@pytest.mark.parametrize(("depth", "verdict"), [(24, v1.VERDICT_FEASIBLE), (25, v1.VERDICT_ASK), (61, v1.VERDICT_INFEASIBLE)])
def test_a_carved_pocket_is_no_deeper_than_its_cutter_reaches(depth: float, verdict: v1.Verdict.ValueType) -> None:
    tray = relief(height=70)
    pocket = v1.Pocket(depth_mm=depth, least_corner_radius_mm=3, least_width_mm=40)
    tray.solid.CopyFrom(v1.SolidFacts(solids=1, tool_directions=[tool(DOWN)], pockets=[pocket]))
    assert routed(tray).verdict == verdict
    if verdict != v1.VERDICT_FEASIBLE:
        assert codes(routed(tray)) == ["tool.depth"]
