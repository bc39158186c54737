# SPDX-License-Identifier: AGPL-3.0-or-later
"""Judging of assemblies, stock and bought parts: pure, from a report and the maker's demands."""

from __future__ import annotations

from math import pi, sqrt

import pytest

from commonfab import v1
from commonfab.reasons import reason
from registry.makeability import assembly, stock
from registry.makeability.standard_parts import METRIC, bought_as


def product() -> v1.ProductNode:
    """A frame of two equal sides, each with a plate and two screws, and one knob."""
    screw = v1.ProductNode(name="ISO 4762 M5x16", quantity=2, bought_as="screw")
    side = v1.ProductNode(name="side", quantity=2, children=[v1.ProductNode(name="plate", quantity=1, volume_mm3=9000), screw])
    return v1.ProductNode(name="frame", quantity=1, children=[side, v1.ProductNode(name="knob", quantity=1)])


def solid(size: tuple[float, float, float] = (100, 100, 100), volume: float = 5e5, **facts: object) -> v1.GeometryReport:
    x, y, z = size
    return v1.GeometryReport(
        format=v1.FILE_FORMAT_STEP,
        unit_certainty=v1.UNIT_CERTAINTY_DECLARED,
        size_mm=v1.Size(x=x, y=y, z=z),
        volume_mm3=volume,
        area_mm2=2 * (x * y + y * z + z * x),
        solids=1,
        solid=v1.SolidFacts(**({"solids": 1} | facts)),  # type: ignore[arg-type]
    )


def assembled(report: v1.GeometryReport, **demands: object) -> v1.Makeability:
    [judged] = assembly.judge(report, v1.Demands(**demands))  # type: ignore[arg-type]
    return judged


def sawn(report: v1.GeometryReport, **demands: object) -> v1.Makeability:
    [judged] = stock.judge(report, v1.Demands(**demands))  # type: ignore[arg-type]
    return judged


def codes(judged: v1.Makeability) -> list[str]:
    return [told.code for told in judged.reasons]


# Assemblies


def test_an_assembly_is_asked_about_with_its_parts_and_their_numbers() -> None:
    judged = assembled(solid(product=product()))
    assert judged.verdict == v1.VERDICT_ASK and codes(judged) == ["assembly.parts"]
    told = judged.reasons[0]
    assert told.subject == "2 × plate, 4 × ISO 4762 M5x16 (bought), 1 × knob"
    assert {figure.name: figure.value for figure in told.figures} == {"parts": 3, "pieces": 7}


def test_an_assembly_that_the_maker_wants_put_together_is_feasible_and_lists_what_is_bought() -> None:
    judged = assembled(solid(product=product()), processes=["assembly"])
    assert judged.verdict == v1.VERDICT_FEASIBLE and codes(judged) == ["assembly.parts", "assembly.bought"]
    assert judged.reasons[1].subject == "4 × ISO 4762 M5x16" and judged.requirement.process == "assembly"
    assert judged.estimate.machine_time.seconds == (5 + 7 * 0.5) * 60 and "by hand" in judged.estimate.method


def test_a_kit_of_bought_pieces_is_feasible() -> None:
    kit = v1.ProductNode(name="kit", children=[v1.ProductNode(name="nut", quantity=5, bought_as="nut")])
    assert codes(assembled(solid(product=kit))) == ["assembly.parts", "assembly.bought"]


def test_missing_files_are_a_question_even_where_assembly_is_wanted() -> None:
    judged = assembled(solid(product=product(), external_references=["wheel.stp", "axle.stp"]), processes=["assembly"])
    assert (
        judged.verdict == v1.VERDICT_ASK
        and codes(judged) == ["brep.missing_reference"]
        and judged.reasons[0].subject == "wheel.stp, axle.stp"
    )


def test_another_demanded_process_is_told() -> None:
    assert codes(assembled(solid(product=product()), processes=["milling"])) == ["process.other"]


@pytest.mark.parametrize(
    "report",
    [
        solid(),
        solid(product=v1.ProductNode(name="bracket", quantity=1)),
        solid(product=v1.ProductNode(name="root", children=[v1.ProductNode(name="bracket", quantity=1)])),
        v1.GeometryReport(faults=[reason("mesh.empty")], solid=v1.SolidFacts(product=product())),
        v1.GeometryReport(format=v1.FILE_FORMAT_STL_BINARY, bodies=2),
    ],
)
def test_a_single_part_and_a_broken_file_are_no_assembly(report: v1.GeometryReport) -> None:
    assert assembly.judge(report, v1.Demands()) == []


def test_a_bought_assembly_counts_as_one_piece_of_its_kind() -> None:
    bearing = v1.ProductNode(name="608", quantity=2, bought_as="bearing", children=[v1.ProductNode(name="ball", quantity=7)])
    wheel = v1.ProductNode(name="wheel", children=[bearing, v1.ProductNode(name="rim")])
    assert assembly.parts_of(wheel) == [assembly.Piece("608", 2, "bearing"), assembly.Piece("rim", 1, "")]


def test_a_long_list_is_cut_short_in_words() -> None:
    crowd = v1.ProductNode(name="all", children=[v1.ProductNode(name=f"part {number}", quantity=1) for number in range(20)])
    assert assembled(solid(product=crowd)).reasons[0].subject.endswith("1 × part 11, and 8 more")


def test_a_deeply_nested_product_does_not_break_the_judge() -> None:
    root = v1.ProductNode(name="root")
    node = root
    for level in range(90):  # protobuf itself reads a hundred levels
        node = node.children.add(name=f"level {level}", quantity=1)
    assert assembly.parts_of(root) == [assembly.Piece("level 89", 1, "")]


# Stock


def test_a_plain_round_rod_is_sawn_from_bar() -> None:
    judged = sawn(solid((12, 12, 200), pi / 4 * 144 * 200), material="steel")
    assert judged.verdict == v1.VERDICT_FEASIBLE and codes(judged) == ["shape.is_stock"]
    assert "200 mm of round bar of 12 mm" in judged.reasons[0].message
    need = judged.requirement
    assert (need.process, need.stock, need.keep_direction) == ("sawing", "bar", True) and not need.operations
    assert need.placements[0].size_mm == v1.Size(x=200, y=12, z=12)


@pytest.mark.parametrize(
    ("size", "share", "told"),
    [
        ((20, 20, 121), 1.0, "square bar of 20 mm"),
        ((5, 20, 121), 1.0, "flat bar of 20 × 5 mm"),
        ((20, 20, 119), 1.0, ""),
        ((20, 20, 121), 0.98, ""),
        ((20, 20, 121), 0.986, "square bar of 20 mm"),
    ],
)
def test_bar_is_long_and_full(size: tuple[float, float, float], share: float, told: str) -> None:
    assert stock.section(solid(size, share * size[0] * size[1] * size[2])) == told


@pytest.mark.parametrize(("share", "told"), [(0.97, "profile of 40 × 40 mm"), (0.96, "")])
def test_a_profile_has_one_section_all_along(share: float, told: str) -> None:
    extrusion = solid((40, 40, 500), 0.4 * 40 * 40 * 500, profile_share=share)
    assert stock.section(extrusion) == told
    assert codes(sawn(extrusion)) == (["shape.is_stock"] if told else ["shape.no_stock"])
    assert sawn(extrusion).requirement.stock == ("profile" if told else "")


def test_holes_in_a_bar_are_drilled_and_do_not_make_it_less_of_a_bar() -> None:
    hole = v1.Hole(diameter_mm=10, depth_mm=20, through=True, count=8)
    drilled = solid((20, 20, 200), 80_000 - 8 * pi / 4 * 100 * 20, holes=[hole])
    judged = sawn(drilled)
    assert judged.verdict == v1.VERDICT_FEASIBLE and list(judged.requirement.operations) == ["drill"]
    assert judged.estimate.machine_time.seconds == (2 + 8 * 0.5) * 60


def test_a_tube_is_bought_with_its_bore_which_nobody_drills() -> None:
    bore = v1.Hole(diameter_mm=34, depth_mm=500, through=True)
    tube = solid((40, 40, 500), pi / 4 * (40**2 - 34**2) * 500, holes=[bore], profile_share=1.0)
    tube.solid.turned.share = 1.0
    assert stock.section(tube) == "round tube of 40 × 3 mm"
    assert not sawn(tube).requirement.operations and sawn(tube).requirement.stock == "profile"


@pytest.mark.parametrize(("through", "told"), [(True, "profile of 40 × 40 mm"), (False, "")])
def test_a_hollow_all_along_belongs_to_the_profile(through: bool, told: str) -> None:
    hollow = v1.Pocket(depth_mm=500, least_width_mm=34, through=through)
    assert stock.section(solid((40, 40, 500), (40**2 - 34**2) * 500, pockets=[hollow], profile_share=1.0)) == told


def test_a_shaft_with_shoulders_is_no_profile_though_it_runs_lengthwise_nearly_all_over() -> None:
    shaft = solid((40, 40, 640), 0.6 * pi / 4 * 1600 * 640, profile_share=1.0)
    shaft.solid.turned.share = 1.0
    assert stock.section(shaft) == ""


@pytest.mark.parametrize("facts", [{"pockets": [v1.Pocket(depth_mm=2)]}, {"bends": [v1.Bend(angle_deg=90)]}])
def test_what_is_milled_or_bent_is_no_stock(facts: dict[str, object]) -> None:
    assert codes(sawn(solid((20, 20, 200), 80_000, **facts))) == ["shape.no_stock"]


@pytest.mark.parametrize(("band", "asked"), [(0.5, False), (0.4, True)])
def test_a_tolerance_finer_than_a_saw_is_asked_about(band: float, asked: bool) -> None:
    judged = sawn(solid((20, 20, 200), 80_000), tolerance_mm=band)
    assert codes(judged) == (["tolerance.process"] if asked else ["shape.is_stock"])


def test_a_broken_file_is_told_once() -> None:
    assert codes(sawn(v1.GeometryReport(faults=[reason("mesh.empty")]))) == ["mesh.empty"]


# Bought parts


def screw(thread: str, length: float, filled: float = 1.0) -> v1.GeometryReport:
    """A socket head screw by its outline, its volume `filled` of plain head and shank."""
    of = METRIC[thread]
    volume = pi / 4 * (of.cap**2 * of.diameter + of.diameter**2 * length)
    return solid((of.cap, of.cap, of.diameter + length), filled * volume, turned=v1.TurnedFacts(share=0.9))


@pytest.mark.parametrize(
    ("length", "filled", "told"), [(20, 0.95, "socket head screw M6 × 20"), (21, 0.95, ""), (20, 0.75, ""), (20, 1.1, "")]
)
def test_a_socket_head_screw_is_known_by_its_proportions(length: float, filled: float, told: str) -> None:
    assert bought_as(screw("M6", length, filled)) == told


def test_a_stepped_pin_that_is_turned_all_over_is_no_screw() -> None:
    pin = screw("M6", 20)
    pin.solid.turned.share = 1.0
    assert bought_as(pin) == ""


def test_a_hexagon_screw_and_a_nut_are_known() -> None:
    of = METRIC["M8"]
    head = sqrt(3) / 2 * of.across**2
    bolt = solid((of.across, of.across * 2 / sqrt(3), of.head + 30), head * of.head + pi / 4 * 64 * 30)
    assert bought_as(bolt) == "hexagon screw M8 × 30"
    nut = solid((13, 15.01, 6.8), 700, holes=[v1.Hole(diameter_mm=6.8, depth_mm=6.8, through=True)])
    assert bought_as(nut) == "hexagon nut M8"
    nut.solid.holes[0].diameter_mm = 5
    assert bought_as(nut) == ""


def test_a_washer_is_known_and_a_thicker_ring_is_not() -> None:
    washer = solid((16, 16, 1.6), 230, holes=[v1.Hole(diameter_mm=8.4, depth_mm=1.6, through=True)])
    assert bought_as(washer) == "washer M8"
    washer.size_mm.z = 2
    assert bought_as(washer) == ""


def test_a_ring_of_a_bearings_size_is_a_bearing_only_with_something_inside() -> None:
    ring = solid((22, 22, 7), 2300, holes=[v1.Hole(diameter_mm=8, depth_mm=7, through=True)])
    assert bought_as(ring) == ""
    ring.solid.faces.add(kind="torus", count=2)
    assert bought_as(ring) == "ball bearing 608"


def test_what_its_name_says_is_bought_is_believed() -> None:
    named = solid(product=v1.ProductNode(name="608ZZ", bought_as="bearing"))
    assert bought_as(named) == "bearing (608ZZ)"
    assert "shape.bought" in codes(sawn(solid((20, 20, 200), 80_000, product=v1.ProductNode(name="608ZZ", bought_as="bearing"))))


def test_a_mesh_and_an_ordinary_part_are_not_taken_for_bought_ones() -> None:
    mesh = screw("M6", 20)
    mesh.ClearField("solid")
    assert bought_as(mesh) == "" and bought_as(solid()) == ""
