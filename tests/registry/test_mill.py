# SPDX-License-Identifier: AGPL-3.0-or-later
"""Judging for milling: pure, from a report and the maker's demands."""

from __future__ import annotations

import pytest

from commonfab import v1
from commonfab.reasons import reason
from registry.makeability import mill
from registry.makeability.setups import cross, set_ups, turned_down

UP, DOWN = v1.Vector(z=1), v1.Vector(z=-1)
SIDE, OTHER_SIDE = v1.Vector(x=1), v1.Vector(y=1)


def bracket(*directions: v1.Vector, **changed: object) -> v1.GeometryReport:
    """A block of 60 × 40 × 20 mm with a third of it milled away from above, changed as told."""
    solid: dict[str, object] = {"solids": 1, "tool_directions": [tool(direction) for direction in directions or (DOWN,)]}
    facts = {name: changed.pop(name) for name in list(changed) if name in v1.SolidFacts.DESCRIPTOR.fields_by_name and name != "solids"}
    part: dict[str, object] = {
        "format": v1.FILE_FORMAT_STEP,
        "unit_certainty": v1.UNIT_CERTAINTY_DECLARED,
        "size_mm": v1.Size(x=60, y=40, z=20),
        "volume_mm3": 32_000,
        "area_mm2": 11_000,
        "solids": 1,
        "solid": v1.SolidFacts(**(solid | facts)),  # type: ignore[arg-type]
    }
    return v1.GeometryReport(**(part | changed))  # type: ignore[arg-type]


def tool(direction: v1.Vector) -> v1.ToolDirection:
    return v1.ToolDirection(**{"from": direction})  # type: ignore[arg-type]


def milled(report: v1.GeometryReport, **demands: object) -> v1.Makeability:
    [judged] = mill.judge(report, v1.Demands(**demands))  # type: ignore[arg-type]
    return judged


def codes(judged: v1.Makeability) -> list[str]:
    return [told.code for told in judged.reasons]


def figure(judged: v1.Makeability, code: str, name: str) -> float:
    told = next(told for told in judged.reasons if told.code == code)
    return next(figure.value for figure in told.figures if figure.name == name)


def test_a_sound_bracket_is_feasible_on_three_axes_and_says_what_a_machine_must_have() -> None:
    judged = milled(bracket(DOWN, UP), material="aluminium")
    assert judged.verdict == v1.VERDICT_FEASIBLE and not judged.reasons
    need = judged.requirement
    assert (need.process, need.axes, need.setups, need.stock, need.material) == ("milling", 3, 2, "block", "aluminium")
    assert [way.size_mm for way in need.placements] == [v1.Size(x=60, y=40, z=20)]


@pytest.mark.parametrize(
    ("directions", "axes", "times"),
    [
        ([], 3, 1),
        ([DOWN], 3, 1),
        ([DOWN, UP], 3, 2),
        ([DOWN, UP, SIDE, OTHER_SIDE], 3, 4),
        ([DOWN, DOWN], 3, 1),
        ([DOWN, v1.Vector(x=0.01, z=-1)], 3, 1),  # off by half a degree: drawn so by accident
        ([DOWN, v1.Vector(x=1, z=-1)], 4, 1),
        ([DOWN, v1.Vector(x=1, z=-1), OTHER_SIDE], 4, 2),
        ([DOWN, v1.Vector(x=1, z=-1), v1.Vector(y=1, z=-1)], 5, 2),
    ],
)
def test_odd_angles_take_a_fourth_axis_and_two_planes_of_them_a_fifth(directions: list[v1.Vector], axes: int, times: int) -> None:
    plan = set_ups(directions)
    assert (plan.axes, plan.times) == (axes, times)


def test_the_machine_must_have_room_for_the_part_in_every_set_up() -> None:
    need = milled(bracket(DOWN, SIDE)).requirement
    assert [way.size_mm for way in need.placements] == [v1.Size(x=60, y=40, z=60)]


@pytest.mark.parametrize("direction", [UP, DOWN, SIDE, OTHER_SIDE, v1.Vector(x=-1), v1.Vector(y=-1)])
def test_the_stated_turn_brings_a_direction_to_point_down(direction: v1.Vector) -> None:
    assert turned(direction, turned_down(direction)) == pytest.approx((0, 0, -1), abs=1e-12)


def turned(direction: v1.Vector, turn: v1.Rotation) -> tuple[float, float, float]:
    """A direction after the turns about X, Y and Z, computed with Rodrigues' formula."""
    from math import cos, radians, sin

    place = direction
    for axis, angle in ((v1.Vector(x=1), turn.x_deg), (v1.Vector(y=1), turn.y_deg), (v1.Vector(z=1), turn.z_deg)):
        c, s = cos(radians(angle)), sin(radians(angle))
        over = cross(axis, place)
        along = axis.x * place.x + axis.y * place.y + axis.z * place.z
        place = v1.Vector(
            x=place.x * c + over.x * s + axis.x * along * (1 - c),
            y=place.y * c + over.y * s + axis.y * along * (1 - c),
            z=place.z * c + over.z * s + axis.z * along * (1 - c),
        )
    return place.x, place.y, place.z


def test_a_part_worked_on_from_five_sides_is_feasible_and_told_so() -> None:
    judged = milled(bracket(DOWN, UP, SIDE, OTHER_SIDE, v1.Vector(x=-1)))
    assert judged.verdict == v1.VERDICT_FEASIBLE and codes(judged) == ["tool.many_setups"]
    assert codes(milled(bracket(DOWN, UP, SIDE, OTHER_SIDE))) == []


def test_a_mesh_is_a_question_because_toolpaths_want_a_solid() -> None:
    mesh = bracket(format=v1.FILE_FORMAT_STL_BINARY)
    mesh.ClearField("solid")
    assert milled(mesh).verdict == v1.VERDICT_ASK and codes(milled(mesh)) == ["shape.mesh_only"]


def test_a_solid_whose_sides_were_not_found_is_a_question() -> None:
    assert codes(milled(bracket(tool_directions=[]))) == ["shape.sides_unknown"]


def test_several_solids_are_asked_about_and_never_split_silently() -> None:
    judged = milled(bracket(solids=3))
    assert codes(judged) == ["shape.several_pieces"] and figure(judged, "shape.several_pieces", "pieces") == 3


@pytest.mark.parametrize("shape", [{"bends": [v1.Bend(angle_deg=90)]}, {}])
def test_bent_sheet_is_asked_about(shape: dict[str, object]) -> None:
    assert codes(milled(bracket(**shape))) == (["shape.bent"] if shape else [])


def test_a_shell_out_of_a_block_is_asked_about_and_a_stout_part_is_not() -> None:
    judged = milled(bracket(volume_mm3=3000))
    assert codes(judged) == ["stock.waste"] and figure(judged, "stock.waste", "ratio") == pytest.approx(64 * 44 * 24 / 3000)
    assert codes(milled(bracket(volume_mm3=4000))) == []


@pytest.mark.parametrize(("length", "share", "asked"), [(80, 0.96, True), (30, 0.96, False), (80, 0.94, False)])
def test_a_shaft_is_asked_about_and_a_flange_is_not(length: float, share: float, asked: bool) -> None:
    facts = v1.TurnedFacts(axis=UP, share=share, diameter_mm=40, length_mm=length)
    assert codes(milled(bracket(turned=facts))) == (["shape.turned"] if asked else [])


@pytest.mark.parametrize(("length", "asked"), [(241, True), (239, False)])
def test_a_long_profile_is_asked_about_because_it_is_sawn(length: float, asked: bool) -> None:
    profile = bracket(size_mm=v1.Size(x=length, y=40, z=40), volume_mm3=length * 600, profile_share=1.0)
    assert codes(milled(profile)) == (["shape.is_stock"] if asked else [])


def test_a_standard_part_is_asked_about() -> None:
    judged = milled(bracket(product=v1.ProductNode(name="DIN 912 M6x20", bought_as="screw")))
    assert codes(judged) == ["shape.bought"] and "screw (DIN 912 M6x20)" in judged.reasons[0].message


def test_sharp_inner_corners_are_a_question() -> None:
    assert codes(milled(bracket(sharp_inner_edges=True))) == ["tool.corner"]


@pytest.mark.parametrize(
    ("share", "verdict"),
    [
        (0.0, v1.VERDICT_FEASIBLE),
        (0.005, v1.VERDICT_FEASIBLE),
        (0.006, v1.VERDICT_ASK),
        (0.05, v1.VERDICT_ASK),
        (0.06, v1.VERDICT_INFEASIBLE),
    ],
)
def test_undercuts_are_a_question_up_to_a_twentieth_of_the_surface(share: float, verdict: v1.Verdict.ValueType) -> None:
    judged = milled(bracket(unreachable_share=share))
    assert judged.verdict == verdict
    assert codes(judged) == ([] if verdict == v1.VERDICT_FEASIBLE else ["tool.unreachable"])


@pytest.mark.parametrize(
    ("depth", "verdict"),
    [(24, v1.VERDICT_FEASIBLE), (25, v1.VERDICT_ASK), (60, v1.VERDICT_ASK), (61, v1.VERDICT_INFEASIBLE)],
)
def test_a_pocket_is_usual_to_four_and_possible_to_ten_diameters(depth: float, verdict: v1.Verdict.ValueType) -> None:
    pocket = v1.Pocket(depth_mm=depth, least_corner_radius_mm=3, least_width_mm=20)
    judged = milled(bracket(pockets=[pocket]))
    assert judged.verdict == verdict and codes(judged) == ([] if verdict == v1.VERDICT_FEASIBLE else ["tool.depth"])


def test_the_smallest_cutter_follows_from_corners_widths_and_holes() -> None:
    narrow = v1.Pocket(depth_mm=5, least_corner_radius_mm=3, least_width_mm=4)
    sharp = v1.Pocket(depth_mm=9, least_width_mm=12)
    assert mill.smallest_tool(v1.SolidFacts(pockets=[narrow, sharp])) == (4, 5)
    assert mill.smallest_tool(v1.SolidFacts(pockets=[sharp])) == (12, 9)
    drilled = v1.SolidFacts(pockets=[narrow], holes=[v1.Hole(diameter_mm=3.3, depth_mm=12)], least_inner_radius_mm=2.5)
    assert mill.smallest_tool(drilled) == (4, 5) and mill.smallest_drill(drilled.holes) == (3.3, 12)
    assert mill.smallest_tool(v1.SolidFacts(least_inner_radius_mm=2.5)) == (5, 0)
    assert mill.smallest_tool(v1.SolidFacts()) == (0, 0)


@pytest.mark.parametrize(
    ("depth", "verdict"),
    [(40, v1.VERDICT_FEASIBLE), (41, v1.VERDICT_ASK), (160, v1.VERDICT_ASK), (161, v1.VERDICT_INFEASIBLE)],
)
def test_a_hole_is_usual_to_ten_and_possible_to_forty_diameters(depth: float, verdict: v1.Verdict.ValueType) -> None:
    judged = milled(bracket(holes=[v1.Hole(diameter_mm=4, depth_mm=depth)]))
    assert judged.verdict == verdict and codes(judged) == ([] if verdict == v1.VERDICT_FEASIBLE else ["tool.depth"])


@pytest.mark.parametrize(("diameter", "asked"), [(0.9, True), (1.0, False)])
def test_a_hole_below_a_millimetre_is_asked_about(diameter: float, asked: bool) -> None:
    judged = milled(bracket(holes=[v1.Hole(diameter_mm=diameter, depth_mm=3)]))
    assert codes(judged) == (["tool.min_hole"] if asked else [])


@pytest.mark.parametrize(
    ("wall", "material", "asked"),
    [(0.7, "", True), (0.8, "", False), (0.8, "steel", False), (0.8, "pom", True), (1.5, "pom", False), (0.0, "pom", False)],
)
def test_walls_that_do_not_stand_against_the_cutter_are_asked_about(wall: float, material: str, asked: bool) -> None:
    thin = bracket(mesh=v1.MeshFacts(walls=v1.WallThickness(p01_mm=wall)))
    assert codes(milled(thin, material=material)) == (["shape.thin_wall"] if asked else [])


@pytest.mark.parametrize(("band", "asked"), [(0.0, False), (0.02, False), (0.019, True)])
def test_a_tolerance_finer_than_careful_milling_is_asked_about(band: float, asked: bool) -> None:
    demanded, in_the_file = milled(bracket(), tolerance_mm=band), milled(bracket(tolerances=[v1.Tolerance(value_mm=band)]))
    for judged in (demanded, in_the_file):
        assert codes(judged) == (["tolerance.process"] if asked else [])
        assert judged.requirement.tolerance_mm == band


def test_operations_are_those_demanded_and_those_the_holes_show() -> None:
    holes = [
        v1.Hole(diameter_mm=5.5, depth_mm=8, counterbore_diameter_mm=10),
        v1.Hole(diameter_mm=4.5, depth_mm=8, countersink_diameter_mm=9),
    ]
    need = milled(bracket(holes=holes, threads=["M6"]), operations=["knurl", "tap"]).requirement
    assert list(need.operations) == ["knurl", "tap", "counterbore", "countersink"]


@pytest.mark.parametrize(("diameter", "thread"), [(2.5, "M3"), (3.3, "M4"), (4.2, "M5"), (5.0, "M6"), (6.8, "M8"), (8.5, "M10")])
def test_a_hole_of_a_tap_drills_size_is_a_hint_and_no_operation(diameter: float, thread: str) -> None:
    judged = milled(bracket(holes=[v1.Hole(diameter_mm=diameter, depth_mm=8, count=4)]))
    assert judged.verdict == v1.VERDICT_FEASIBLE and codes(judged) == ["op.tap_hint"]
    assert judged.reasons[0].subject == thread and figure(judged, "op.tap_hint", "holes") == 4
    assert not judged.requirement.operations


def test_no_hint_where_threads_are_spoken_of_or_the_hole_fits_none() -> None:
    assert codes(milled(bracket(holes=[v1.Hole(diameter_mm=5, depth_mm=8)]), operations=["tap"])) == []
    assert codes(milled(bracket(holes=[v1.Hole(diameter_mm=5.5, depth_mm=8)]))) == []


@pytest.mark.parametrize(
    ("material", "feasible"), [("", True), ("aluminium_6082", True), ("pom", True), ("oak", True), ("tpu", False), ("glass", False)]
)
def test_only_what_is_cut_into_chips_is_milled(material: str, feasible: bool) -> None:
    judged = milled(bracket(), material=material)
    assert codes(judged) == ([] if feasible else ["material.not_for_process"])
    assert list(judged.requirement.materials_allowed) == (list(mill.FAMILIES) if not material else [])


def test_a_drawing_and_a_surface_without_volume_have_no_body_to_mill() -> None:
    drawing = v1.GeometryReport(format=v1.FILE_FORMAT_DXF, drawing=v1.DrawingFacts(parts=1), sheet=v1.SheetFacts())
    assert milled(drawing).verdict == v1.VERDICT_INFEASIBLE and codes(milled(drawing)) == ["shape.no_body"]
    assert codes(milled(bracket(volume_mm3=0))) == ["mesh.no_volume"]


def test_faults_and_other_processes_are_told_at_once() -> None:
    broken = v1.GeometryReport(faults=[reason("mesh.empty")])
    assert codes(milled(broken, processes=["fdm"])) == ["mesh.empty", "process.other"]


def test_steel_takes_longer_and_weighs_more_than_aluminium() -> None:
    light, heavy = milled(bracket(), material="aluminium").estimate, milled(bracket(), material="mild_steel").estimate
    assert heavy.grams / light.grams == pytest.approx(7.85 / 2.70, rel=0.01)
    assert heavy.machine_time.seconds > light.machine_time.seconds > 8 * 60
    assert light.grams == pytest.approx(64 * 44 * 24 / 1000 * 2.70, rel=0.001) and "block" in light.method


def test_more_set_ups_holes_and_free_forms_take_longer() -> None:
    plain = milled(bracket()).estimate.machine_time.seconds
    assert milled(bracket(DOWN, UP)).estimate.machine_time.seconds == pytest.approx(plain + 8 * 60, abs=1)
    drilled = bracket(holes=[v1.Hole(diameter_mm=6, depth_mm=8, count=10)])
    assert milled(drilled).estimate.machine_time.seconds == pytest.approx(plain + 5 * 60, abs=1)
    assert milled(bracket(faces=[v1.FaceCount(kind="bspline", area_mm2=5000)])).estimate.machine_time.seconds > plain


def test_absurd_numbers_do_not_break_the_judge() -> None:
    judged = milled(bracket(volume_mm3=1e300, area_mm2=1e300, size_mm=v1.Size(x=1e100, y=1e100, z=1e100)))
    assert judged.estimate.machine_time.seconds == 1_000_000_000
