# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is found in solids that are drawn with known features."""

from __future__ import annotations

import math

import cadquery as cq
import pytest

from commonfab import v1
from registry.geometry.solids.features import MOST_SOLIDS, note_features


def featured(part: cq.Workplane) -> v1.GeometryReport:
    report = v1.GeometryReport()
    note_features(report, part.val().wrapped)
    return report


def block() -> cq.Workplane:
    return cq.Workplane().box(100, 60, 20)


def pocket() -> cq.Workplane:
    return cq.Workplane(origin=(0, 0, 2)).box(40, 20, 20, centered=(True, True, False))


def channel() -> cq.Workplane:
    """A U of 2 mm sheet: a base of 60, walls of 40, 50 deep, inner radius 2."""
    outside = cq.Workplane("XZ").rect(60, 40).extrude(50).edges("|Y and <Z").fillet(4)
    return outside.cut(cq.Workplane("XZ", origin=(0, 0, 2)).rect(56, 40).extrude(50).edges("|Y and <Z").fillet(2))


def test_holes_are_told_apart_by_what_they_are_and_counted() -> None:
    part = block().faces(">Z").workplane().pushPoints([(-30, 0), (-30, 20)]).hole(6)
    part = part.faces(">Z").workplane().pushPoints([(0, 0)]).hole(8, 12)
    part = part.faces(">Z").workplane().pushPoints([(20, 0)]).cboreHole(5, 10, 4)
    part = part.faces(">Z").workplane().pushPoints([(40, 0)]).cskHole(4, 8, 90)
    holes = {round(hole.diameter_mm): hole for hole in featured(part).solid.holes}
    assert sorted(holes) == [4, 5, 6, 8]
    assert (holes[6].count, holes[6].through) == (2, True)
    assert not holes[8].through
    assert holes[8].depth_mm == pytest.approx(12)
    assert (holes[5].counterbore_diameter_mm, holes[5].counterbore_depth_mm) == pytest.approx((10, 4))
    assert holes[4].countersink_diameter_mm == pytest.approx(8)
    assert all(hole.axis.z == pytest.approx(-1) for hole in holes.values())


def test_a_boss_is_no_hole_nor_is_the_groove_around_it() -> None:
    part = block().faces(">Z").workplane().circle(10).extrude(8)
    part = part.cut(cq.Workplane(origin=(30, 0, 5)).circle(9).circle(5).extrude(10))
    assert not featured(part).solid.holes


@pytest.mark.parametrize(("radius", "sharp"), [(3.0, False), (0.0, True)])
def test_a_pocket_has_its_depth_width_and_corner_radius(radius: float, sharp: bool) -> None:
    facts = featured(block().cut(pocket().edges("|Z").fillet(radius) if radius else pocket())).solid
    assert len(facts.pockets) == 1
    found = facts.pockets[0]
    assert (found.depth_mm, found.least_width_mm, found.least_corner_radius_mm) == pytest.approx((8, 20, radius))
    assert not found.through
    assert facts.least_inner_radius_mm == pytest.approx(radius)
    assert facts.sharp_inner_edges is sharp
    assert len(facts.tool_directions) == 2


def test_a_slot_right_through_is_a_cut_out_of_its_width() -> None:
    slot = featured(block().faces(">Z").workplane().slot2D(30, 6).cutThruAll()).solid.pockets[0]
    assert slot.through
    assert (slot.depth_mm, slot.least_corner_radius_mm) == pytest.approx((20, 3))
    assert slot.least_width_mm == pytest.approx(6, rel=1e-3)


@pytest.mark.parametrize("angle", [0, 40])
def test_a_bent_channel_is_unfolded_with_its_bends(angle: float) -> None:
    sheet = featured(channel().rotate((0, 0, 0), (1, 1, 0), angle)).sheet
    assert sheet.thickness_mm == pytest.approx(2)
    assert [(bend.angle_deg, bend.inner_radius_mm, bend.length_mm) for bend in sheet.bends] == [pytest.approx((90, 2, 50))] * 2
    assert sheet.blank_mm.x == pytest.approx(52 + 2 * 36 + 2 * math.pi / 2 * (2 + 0.44 * 2))
    assert sheet.blank_mm.y == pytest.approx(50)


@pytest.mark.parametrize("angle", [0, 30])
def test_a_flat_plate_is_sheet_stock_however_it_lies(angle: float) -> None:
    plate = cq.Workplane().box(100, 60, 3).faces(">Z").workplane().pushPoints([(-30, 0), (30, 0)]).hole(5)
    plate = plate.faces(">Z").workplane().rect(20, 10).cutThruAll().rotate((0, 0, 0), (1, 0, 0), angle)
    sheet = featured(plate).sheet
    assert (sheet.blank_mm.x, sheet.blank_mm.y, sheet.thickness_mm) == pytest.approx((100, 60, 3))
    assert (sheet.pierces, sheet.sharp_inner_corners, sheet.blind_features) == (4, 4, 0)
    assert sheet.cut_length_mm == pytest.approx(320 + 60 + 2 * math.pi * 5)
    assert (sheet.smallest_hole_mm, sheet.narrowest_web_mm) == pytest.approx((5, 17.5))
    assert sheet.area_mm2 == pytest.approx(6000 - 200 - 2 * math.pi * 2.5**2)


def test_what_does_not_go_through_is_counted_on_a_plate() -> None:
    plate = cq.Workplane().box(100, 60, 3).faces(">Z").workplane().pushPoints([(-30, 0)]).cskHole(3, 6, 90)
    plate = plate.faces(">Z").workplane().pushPoints([(30, 0)]).hole(5, 1).faces(">Z").workplane().rect(20, 10).cutBlind(-1)
    sheet = featured(plate).sheet
    assert (sheet.pierces, sheet.blind_features, sheet.countersinks) == (2, 2, 1)


def test_a_stepped_shaft_is_turned_and_a_keyway_takes_from_its_share() -> None:
    shaft = cq.Workplane().circle(15).extrude(40).faces(">Z").workplane().circle(10).extrude(60)
    whole = featured(shaft).solid.turned
    keyed = featured(shaft.cut(cq.Workplane(origin=(0, 10, 70)).box(5, 6, 30))).solid.turned
    assert (whole.share, whole.diameter_mm, whole.length_mm) == pytest.approx((1, 30, 100))
    assert 0.9 < keyed.share < 0.99


@pytest.mark.parametrize("part", [cq.Workplane().box(10, 10, 10), block()])
def test_a_box_is_neither_turned_nor_sheet(part: cq.Workplane) -> None:
    report = featured(part)
    assert not report.solid.HasField("turned")
    assert not report.HasField("sheet")
    assert len(report.solid.tool_directions) == 2


def test_a_ball_is_turned_and_reached_from_two_sides() -> None:
    facts = featured(cq.Workplane().sphere(10)).solid
    assert facts.turned.share == pytest.approx(1)
    assert len(facts.tool_directions) == 2
    assert facts.unreachable_share == pytest.approx(0, abs=0.01)


def test_pockets_on_five_sides_need_five_set_ups() -> None:
    part = cq.Workplane().box(60, 60, 60)
    for side in (">Z", ">X", "<X", ">Y", "<Y"):
        part = part.faces(side).workplane(centerOption="CenterOfMass").rect(20, 20).cutBlind(-5)
    assert len(featured(part).solid.tool_directions) == 5


def test_no_straight_tool_reaches_an_undercut() -> None:
    part = block().cut(cq.Workplane(origin=(0, 0, 5)).box(6, 40, 30, centered=(True, True, False)))
    part = part.cut(cq.Workplane(origin=(0, 0, 2)).box(30, 40, 5, centered=(True, True, False)))
    assert featured(part).solid.unreachable_share > 0.05


def test_of_very_many_solids_only_some_are_looked_at_and_it_is_said() -> None:
    cubes = [cq.Workplane().box(1, 1, 1).translate((2 * step, 0, 0)).val() for step in range(MOST_SOLIDS + 1)]
    report = featured(cq.Workplane(obj=cq.Compound.makeCompound(cubes)))
    assert [warning.code for warning in report.warnings] == ["brep.features_limited"]


def test_of_very_many_solids_the_largest_is_looked_at_first() -> None:
    cubes = [cq.Workplane().box(1, 1, 1).translate((2 * step, 0, 0)).val() for step in range(MOST_SOLIDS + 1)]
    drilled = block().faces(">Z").workplane().hole(6).translate((0, 100, 0))
    assert len(featured(cq.Workplane(obj=cq.Compound.makeCompound([*cubes, drilled.val()]))).solid.holes) == 1


def test_a_hole_drawn_as_two_halves_is_one_hole_and_a_half_round_notch_is_none() -> None:
    half = cq.Workplane(origin=(0, 0, -20)).moveTo(-4, 0).threePointArc((0, 4), (4, 0)).close().extrude(40)
    whole = block().cut(half).cut(half.mirror("XZ"), clean=False)
    assert sum(face.geomType() == "CYLINDER" for face in whole.faces().vals()) == 2
    (hole,) = featured(whole).solid.holes
    assert hole.diameter_mm == pytest.approx(8)
    assert (hole.through, hole.count) == (True, 1)
    assert not featured(block().cut(half)).solid.holes


def test_the_first_tool_of_a_plain_cylinder_comes_along_its_axis() -> None:
    for cylinder in (cq.Workplane().circle(10).extrude(60), cq.Workplane().circle(30).extrude(20)):
        first = getattr(featured(cylinder).solid.tool_directions[0], "from")
        assert abs(first.z) == pytest.approx(1)


def test_a_joggle_without_a_flat_between_its_bends_has_an_estimated_blank_and_it_is_said() -> None:
    """Sheet of 2 mm, bent by 45° up and at once back; the second flange hangs on a bend and on no flange."""
    slant, low = math.sqrt(0.5), 5 - 8 * math.sqrt(0.5)
    far = 30 + 8 * slant

    def on(x: float, y: float, radius: float, degrees: float) -> tuple[float, float]:
        return x + radius * math.cos(math.radians(degrees)), y + radius * math.sin(math.radians(degrees))

    lower = cq.Workplane("XZ").lineTo(30, 0).threePointArc(on(30, 5, 5, -67.5), on(30, 5, 5, -45))
    lower = lower.threePointArc(on(far, low, 3, 112.5), on(far, low, 3, 90)).lineTo(far + 30, low + 3).lineTo(far + 30, low + 5)
    upper = lower.lineTo(far, low + 5).threePointArc(on(far, low, 5, 112.5), on(far, low, 5, 135))
    part = upper.threePointArc(on(30, 5, 3, -67.5), on(30, 5, 3, -90)).lineTo(0, 2).close().extrude(40)
    report = featured(part)
    assert report.sheet.thickness_mm == pytest.approx(2)
    assert [warning.code for warning in report.warnings] == ["bend.blank_estimated"]
    assert "bend.blank_estimated" not in [warning.code for warning in featured(channel()).warnings]


def test_a_blind_hole_in_bent_sheet_is_a_blind_feature() -> None:
    drilled = channel().faces("<Z").workplane(centerOption="CenterOfBoundBox").hole(6, 1)
    assert (featured(drilled).sheet.blind_features, featured(channel()).sheet.blind_features) == (1, 0)
