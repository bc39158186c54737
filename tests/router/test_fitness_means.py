# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a machine must have beyond room: material in its thickness, axes, cutters, power, exactness, hands beside it, a second machine."""

from __future__ import annotations

import pytest

from commonfab import v1
from commonfab.envelope import best_room
from router.fitness import judge, usable_material


def codes(need: v1.Requirement, machine: v1.Machine, shop: v1.Shop | None = None) -> list[str]:
    return [reason.code for reason in judge(need, machine, shop or v1.Shop()).misfits]


def figures(need: v1.Requirement, machine: v1.Machine) -> dict[str, float]:
    (reason,) = judge(need, machine).misfits
    return {figure.name: figure.value for figure in reason.figures}


def sheet(thickness: float = 4, material: str = "plywood", x: float = 200, y: float = 100, **more: object) -> v1.Requirement:
    size = v1.Size(x=x, y=y, z=thickness)
    return v1.Requirement(process="co2_laser_cutting", size_mm=size, material=material, thickness_mm=thickness, **more)  # type: ignore[arg-type]


def laser(**more: object) -> v1.Machine:
    told: dict[str, object] = {"materials": ["plywood", "acrylic"], "control": "by_hand", **more}
    return v1.Machine(id="k40", process="co2_laser_cutting", envelope_mm=v1.Size(x=300, y=200, z=50), **told)  # type: ignore[arg-type]


def mill(**more: object) -> v1.Machine:
    told: dict[str, object] = {"materials": ["aluminium"], "control": "by_hand", **more}
    return v1.Machine(id="mill", process="milling", envelope_mm=v1.Size(x=300, y=200, z=100), **told)  # type: ignore[arg-type]


def block(**more: object) -> v1.Requirement:
    return v1.Requirement(process="milling", size_mm=v1.Size(x=80, y=40, z=20), material="aluminium", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(("thickness", "told"), [(6.0, []), (6.5, ["material.thickness"])])
def test_a_laser_cuts_no_thicker_than_its_owner_says(thickness: float, told: list[str]) -> None:
    limit = v1.ThicknessLimit(material="plywood", thickness_mm=6)
    assert codes(sheet(thickness), laser(max_thickness=[limit])) == told


def test_the_limit_of_a_family_covers_its_kinds_unless_one_has_its_own() -> None:
    limits = [v1.ThicknessLimit(material="wood", thickness_mm=4), v1.ThicknessLimit(material="plywood", thickness_mm=8)]
    machine = laser(materials=["plywood", "mdf"], max_thickness=limits)
    assert codes(sheet(6, "plywood"), machine) == []
    assert codes(sheet(6, "mdf"), machine) == ["material.thickness"]


@pytest.mark.parametrize(("thickness", "told"), [(4.0, []), (4.3, []), (5.0, ["stock.thickness"])])
def test_the_sheet_on_hand_must_have_the_thickness_within_a_tenth(thickness: float, told: list[str]) -> None:
    assert codes(sheet(thickness), laser(stock=[v1.Stock(material="plywood", thickness_mm=4)])) == told


def test_a_shop_that_lists_no_sheets_is_not_held_to_them() -> None:
    assert codes(sheet(5), laser(stock=[v1.Stock(material="acrylic", thickness_mm=3)])) == []


@pytest.mark.parametrize(("side", "told"), [(180.0, []), (181.0, ["stock.size"])])
def test_the_blank_must_lie_on_the_sheet_on_hand(side: float, told: list[str]) -> None:
    piece = v1.Stock(material="plywood", thickness_mm=4, size_mm=v1.Size(x=100, y=180, z=4))
    assert codes(sheet(x=side, y=90), laser(stock=[piece])) == told


def test_the_material_that_passes_every_rule_is_the_one_that_is_used() -> None:
    pieces = [v1.Stock(material="plywood", thickness_mm=3), v1.Stock(material="mdf", thickness_mm=6)]
    machine = laser(materials=["plywood", "mdf"], stock=pieces)
    assert usable_material(sheet(6, ""), machine) == "mdf"
    assert usable_material(sheet(9, ""), machine) == ""


def test_a_material_that_the_process_forbids_is_not_used_though_it_lies_there() -> None:
    machine = laser(materials=["pvc"])
    assert codes(sheet(3, "", materials_allowed=["wood", "acrylic"]), machine) == ["material.missing"]


@pytest.mark.parametrize(("has", "told"), [(0, ["axes.missing"]), (3, ["axes.missing"]), (4, []), (5, [])])
def test_a_machine_that_does_not_say_moves_three_axes(has: int, told: list[str]) -> None:
    assert codes(block(axes=4), mill(axes=has)) == told


@pytest.mark.parametrize(("diameter", "told"), [(6.0, []), (5.9, ["tool.diameter"])])
def test_the_smallest_cutter_must_fit_the_smallest_inner_radius(diameter: float, told: list[str]) -> None:
    assert codes(block(smallest_tool_mm=diameter), mill(tools=[v1.Tool(kind="end_mill", diameter_mm=6, reach_mm=20)])) == told


@pytest.mark.parametrize(("reach", "told"), [(20.0, []), (21.0, ["tool.reach"])])
def test_that_cutter_must_reach_deep_enough(reach: float, told: list[str]) -> None:
    tools = [v1.Tool(kind="end_mill", diameter_mm=6, reach_mm=20), v1.Tool(kind="end_mill", diameter_mm=12, reach_mm=50)]
    assert codes(block(smallest_tool_mm=8, tool_reach_mm=reach), mill(tools=tools)) == told


def test_a_drill_makes_no_pocket_and_an_end_mill_enters_a_hole_that_is_wider() -> None:
    drill, wide = v1.Tool(kind="drill", diameter_mm=4, reach_mm=60), v1.Tool(kind="end_mill", diameter_mm=10, reach_mm=40)
    assert codes(block(smallest_tool_mm=6, tool_reach_mm=20), mill(tools=[drill, wide])) == ["tool.diameter"]
    assert codes(block(smallest_drill_mm=4, drill_reach_mm=60), mill(tools=[drill, wide])) == []
    assert codes(block(smallest_drill_mm=4, drill_reach_mm=61), mill(tools=[drill, wide])) == ["tool.reach"]
    assert codes(block(smallest_drill_mm=12, drill_reach_mm=40), mill(tools=[wide])) == []
    assert codes(block(smallest_drill_mm=9, drill_reach_mm=40), mill(tools=[wide])) == ["tool.diameter"]


def test_what_is_only_a_mills_work_is_not_offered_to_a_router() -> None:
    gantry = v1.Machine(
        id="gantry", process="cnc_routing", control="by_hand", envelope_mm=v1.Size(x=900, y=900, z=90), materials=["aluminium"]
    )
    assert codes(block(), gantry) == ["process.other"]


def test_what_a_shops_people_do_by_hand_counts_for_every_step() -> None:
    tapped = v1.Requirement(process="milling", size_mm=v1.Size(x=80, y=40, z=20), operations=["tap"])
    lathe = v1.Machine(id="lathe", process="turning", control="by_hand", envelope_mm=v1.Size(x=500, y=200, z=200), materials=["aluminium"])
    need = v1.Requirement(process="turning", size_mm=v1.Size(x=80, y=40, z=20), then=[tapped])
    assert codes(need, lathe, v1.Shop(machines=[lathe, mill()])) == ["route.no_second_machine"]
    assert codes(need, lathe, v1.Shop(machines=[lathe, mill()], operations=["tap"])) == []


def test_cutters_that_are_not_listed_are_the_owners_affair() -> None:
    assert codes(block(smallest_tool_mm=0.5, tool_reach_mm=90), mill()) == []


@pytest.mark.parametrize(
    ("operation", "code"),
    [("tap", "op.tapping"), ("knurl", "op.knurling"), ("bend", "op.bending"), ("polish", "op.other")],
)
def test_an_operation_needs_the_machine_or_hands_that_do_it(operation: str, code: str) -> None:
    need = block(operations=[operation])
    assert codes(need, mill()) == [code]
    assert codes(need, mill(operations=[operation])) == []
    assert codes(need, mill(), v1.Shop(operations=[operation])) == []


@pytest.mark.parametrize(
    ("operation", "code"), [("drill", "op.drilling"), ("countersink", "op.countersinking"), ("counterbore", "op.counterboring")]
)
def test_a_mill_drills_without_saying_so_and_a_laser_does_not(operation: str, code: str) -> None:
    assert codes(block(operations=[operation]), mill()) == []
    assert codes(sheet(operations=[operation]), laser()) == [code]


@pytest.mark.parametrize(("enclosed", "told"), [(True, []), (False, ["machine.not_enclosed"])])
def test_what_warps_needs_a_closed_chamber(enclosed: bool, told: list[str]) -> None:
    need = v1.Requirement(process="fdm", size_mm=v1.Size(x=10, y=10, z=10), enclosed=True)
    machine = v1.Machine(process="fdm", control="by_hand", envelope_mm=v1.Size(x=200, y=200, z=200), materials=["abs"], enclosed=enclosed)
    assert codes(need, machine) == told


@pytest.mark.parametrize(("power", "told"), [(0.0, []), (60.0, []), (59.0, ["machine.power"])])
def test_power_counts_where_it_is_known(power: float, told: list[str]) -> None:
    assert codes(sheet(least_power_w=60), laser(power_w=power)) == told


def test_an_owner_who_says_how_thick_the_machine_cuts_is_believed_more_than_a_table_of_powers() -> None:
    limits = [v1.ThicknessLimit(material="plywood", thickness_mm=4)]
    need = sheet(4, "plywood", least_power_w=60)
    told = {"materials": ["plywood"], "power_w": 40}
    assert codes(need, laser(**told)) == ["machine.power"]
    assert codes(need, laser(max_thickness=limits, **told)) == []


@pytest.mark.parametrize(("has", "told"), [(0.4, []), (0.6, ["machine.resolution"])])
def test_a_detail_must_be_one_that_the_machine_resolves(has: float, told: list[str]) -> None:
    assert codes(sheet(smallest_feature_mm=0.4), laser(smallest_feature_mm=has)) == told


@pytest.mark.parametrize(
    ("demanded", "measured", "told"),
    [(0.05, 0.04, []), (0.05, 0.06, ["tolerance.machine"]), (0.05, 0.0, ["tolerance.unmeasured"]), (0.2, 0.0, [])],
)
def test_a_tight_tolerance_needs_a_machine_that_was_measured(demanded: float, measured: float, told: list[str]) -> None:
    assert codes(block(tolerance_mm=demanded), mill(tolerance_mm=measured)) == told


def test_the_second_step_is_done_in_the_same_shop_or_not_at_all() -> None:
    bending = v1.Requirement(process="sheet_bending", size_mm=v1.Size(x=150, y=100, z=30))
    need = sheet(material="", then=[bending])
    cutter = laser()
    brake = v1.Machine(
        id="brake", process="sheet_bending", control="by_hand", envelope_mm=v1.Size(x=1000, y=600, z=200), materials=["steel"]
    )
    assert codes(need, cutter) == ["route.no_second_machine"]
    assert codes(need, cutter, v1.Shop(machines=[cutter, brake])) == []
    brake.envelope_mm.x = brake.envelope_mm.y = 100
    assert codes(need, cutter, v1.Shop(machines=[cutter, brake])) == ["route.no_second_machine"]


def test_a_strip_that_is_longer_than_the_bed_lies_on_its_diagonal() -> None:
    strip = [v1.Placement(size_mm=v1.Size(x=350, y=20, z=3)), v1.Placement(turn=v1.Rotation(z_deg=34), size_mm=v1.Size(x=299, y=199, z=3))]
    need = sheet(x=350, y=20, placements=strip)
    assert codes(need, laser()) == []
    assert best_room(need, laser().envelope_mm).turn.z_deg == 34


def test_the_reason_is_that_of_the_placement_that_misses_least() -> None:
    lying = [v1.Placement(size_mm=v1.Size(x=100, y=100, z=400)), v1.Placement(size_mm=v1.Size(x=310, y=100, z=40))]
    need = sheet(placements=lying)
    assert codes(need, laser()) == ["size.x"] and figures(need, laser()) == {"needs": 310, "has": 300}


def test_bar_stock_may_not_be_turned_across_the_lathe() -> None:
    lathe = v1.Machine(process="turning", control="by_hand", envelope_mm=v1.Size(x=150, y=300, z=300), materials=["steel"])
    shaft = v1.Placement(size_mm=v1.Size(x=200, y=40, z=40))
    need = v1.Requirement(process="turning", placements=[shaft], keep_direction=True)
    assert codes(need, lathe) == ["size.x"]
    need.keep_direction = False
    assert codes(need, lathe) == []
