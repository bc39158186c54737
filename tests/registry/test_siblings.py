# SPDX-License-Identifier: AGPL-3.0-or-later
"""Files of one part: which is the master, who settles whose unit, and who shows something else."""

from __future__ import annotations

import pytest

from commonfab import v1
from commonfab.reasons import reason
from registry.siblings import related, unit_to_use

STEP, STL, DXF = v1.FILE_FORMAT_STEP, v1.FILE_FORMAT_STL_BINARY, v1.FILE_FORMAT_DXF


def body(
    format: v1.FileFormat.ValueType, sides: tuple[float, float, float], certainty: v1.UnitCertainty.ValueType, fullness: float = 0.5
) -> v1.GeometryReport:
    signature = v1.ShapeSignature(kind="solid", fullness=fullness, sides_mm=sorted(sides, reverse=True))
    return v1.GeometryReport(
        format=format, unit="mm", unit_certainty=certainty, size_mm=v1.Size(x=sides[0], y=sides[1], z=sides[2]), signature=signature
    )


def flat(report: v1.GeometryReport, x: float, y: float, area: float) -> v1.GeometryReport:
    report.sheet.CopyFrom(v1.SheetFacts(blank_mm=v1.Size(x=x, y=y), area_mm2=area))
    return report


def drawing(x: float, y: float, area: float, certainty: v1.UnitCertainty.ValueType) -> v1.GeometryReport:
    report = v1.GeometryReport(format=DXF, unit="mm", unit_certainty=certainty, size_mm=v1.Size(x=x, y=y))
    report.signature.kind = "flat"
    return flat(report, x, y, area)


SURE, PLAUSIBLE, SUSPECT = v1.UNIT_CERTAINTY_DECLARED, v1.UNIT_CERTAINTY_PLAUSIBLE, v1.UNIT_CERTAINTY_SUSPECT


def test_the_exact_solid_is_the_master_and_settles_the_unit_of_the_mesh_beside_it() -> None:
    mesh = body(STL, (80, 40, 20), PLAUSIBLE)
    mesh.warnings.append(reason("units.assumed", largest=80))
    of_mesh, of_solid = related([("bracket.stl", mesh), ("bracket.step", body(STEP, (80, 40, 20), SURE))])
    assert (of_solid.master, of_mesh.master, of_mesh.agrees) == (True, False, True)
    assert of_mesh.report.unit_certainty == v1.UNIT_CERTAINTY_RESOLVED
    assert [remark.code for remark in of_mesh.remarks] == ["units.resolved"]
    assert not of_mesh.report.warnings


def test_a_mesh_in_inches_beside_a_solid_is_recognised_and_not_rescaled_in_silence() -> None:
    small = body(STL, (80 / 25.4, 40 / 25.4, 20 / 25.4), SUSPECT)
    of_mesh, _ = related([("bracket.stl", small), ("bracket.step", body(STEP, (80, 40, 20), SURE))])
    assert of_mesh.agrees and unit_to_use(of_mesh) == "inch"
    assert [remark.code for remark in of_mesh.remarks] == ["units.sibling_says"]
    assert of_mesh.report.size_mm.x == pytest.approx(80 / 25.4)


def test_a_drawing_that_is_sure_of_its_unit_speaks_for_a_mesh_that_is_not() -> None:
    mesh = flat(body(STL, (4, 2, 0.1), SUSPECT), 4, 2, 7)
    outline = drawing(101.6, 50.8, 7 * 25.4**2, SURE)
    of_mesh, _ = related([("plate.stl", mesh), ("plate.dxf", outline)])
    assert of_mesh.master and unit_to_use(of_mesh) == "inch"


def test_a_file_of_another_shape_is_reported_and_does_not_become_a_sibling() -> None:
    other, _ = related([("bracket.stl", body(STL, (80, 40, 30), PLAUSIBLE)), ("bracket.step", body(STEP, (80, 40, 20), SURE))])
    assert not other.agrees and [remark.code for remark in other.remarks] == ["file.sibling_differs"]


def test_a_copy_at_nine_tenths_is_another_part_and_not_another_unit() -> None:
    other, _ = related([("gear.stl", body(STL, (72, 36, 18), PLAUSIBLE)), ("gear.step", body(STEP, (80, 40, 20), SURE))])
    assert [remark.code for remark in other.remarks] == ["file.sibling_differs"]


def test_two_files_that_both_declare_and_differ_by_a_unit_are_both_doubted() -> None:
    threemf = body(v1.FILE_FORMAT_3MF, (8, 4, 2), SURE)
    other, _ = related([("gear.3mf", threemf), ("gear.step", body(STEP, (80, 40, 20), SURE))])
    assert not other.agrees and [remark.code for remark in other.remarks] == ["units.sibling_scale"]


def test_a_broken_file_does_not_become_the_master_whatever_its_format() -> None:
    broken = v1.GeometryReport(format=STEP, faults=[reason("file.breaks_off", "END-ISO-10303-21")])
    of_broken, of_mesh = related([("bracket.step", broken), ("bracket.stl", body(STL, (80, 40, 20), PLAUSIBLE))])
    assert of_mesh.master and [remark.code for remark in of_broken.remarks] == ["file.breaks_off"]
    assert of_mesh.report.unit_certainty == PLAUSIBLE


def test_a_drawing_beside_a_solid_that_is_no_sheet_is_not_compared() -> None:
    of_drawing, _ = related([("housing.dxf", drawing(80, 40, 900, SURE)), ("housing.step", body(STEP, (80, 40, 20), SURE))])
    assert not of_drawing.agrees and not of_drawing.remarks


@pytest.mark.parametrize(("difference", "agrees"), [(1.009, True), (1.02, False)])
def test_tessellation_may_be_a_hundredth_smaller_and_no_more(difference: float, agrees: bool) -> None:
    of_mesh, _ = related([("disc.stl", body(STL, (80 / difference, 40, 20), PLAUSIBLE)), ("disc.step", body(STEP, (80, 40, 20), SURE))])
    assert of_mesh.agrees is agrees


@pytest.mark.parametrize(("surface", "agrees"), [(6401.0, True), (7000.0, False)])
def test_a_right_triangle_has_two_smallest_boxes_and_is_one_part_all_the_same(surface: float, agrees: bool) -> None:
    over_its_legs, along_the_third = body(STL, (90, 60, 4), PLAUSIBLE), body(STEP, (108.17, 49.92, 4), SURE)
    for report, area in ((over_its_legs, surface), (along_the_third, 6401.0)):
        report.signature.measure, report.signature.boundary = 10486.0, area
    of_mesh, _ = related([("gusset.stl", over_its_legs), ("gusset.step", along_the_third)])
    assert of_mesh.agrees is agrees
