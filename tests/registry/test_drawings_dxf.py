# SPDX-License-Identifier: AGPL-3.0-or-later
"""DXF files as cutting drawings, drawn by the tests in every release that is read."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from ezdxf.document import Drawing
from ezdxf.filemanagement import new
from ezdxf.render import forms

from commonfab import v1
from registry.geometry.drawings.dxf_header import read_header
from registry.geometry.drawings.layers import purpose_of
from registry.geometry.drawings.measuring import measure
from registry.geometry.faults import Unmeasurable
from registry.geometry.source import Source


def measured(path: Path, declared: str = "") -> v1.GeometryReport:
    report = v1.GeometryReport(format=v1.FILE_FORMAT_DXF)
    measure(report, Source(path, report.format, declared, path.parent))
    return report


def refused(path: Path) -> str:
    with pytest.raises(Unmeasurable) as refusal:
        measured(path)
    return refusal.value.reason.code


def codes(report: v1.GeometryReport) -> set[str]:
    return {warning.code for warning in report.warnings}


def drawing(version: str = "R2010", units: int = 4) -> tuple[Drawing, Any]:
    document = new(version)
    if version != "R12":  # which knows no unit
        document.units = units
    return document, document.modelspace()


def rectangle(space: Any, x: float, y: float, width: float, height: float, **attributes: Any) -> None:
    corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height), (x, y)]
    for first, second in pairwise(corners):
        space.add_line(first, second, dxfattribs=attributes)


def plate(space: Any) -> None:
    """A plate of 100 × 60 mm with rounded corners of 10 mm and a hole of 8 mm."""
    bulge = math.tan(math.pi / 8)
    corners = [(10, 0, 0), (90, 0, bulge), (100, 10, 0), (100, 50, bulge), (90, 60, 0), (10, 60, bulge), (0, 50, 0), (0, 10, bulge)]
    space.add_lwpolyline(corners, format="xyb", close=True)
    space.add_circle((50, 30), 4)


PLATE_AREA = 6000 - (4 - math.pi) * 100 - math.pi * 16
PLATE_CUTS = 2 * (80 + 40) + 2 * math.pi * 10 + math.pi * 8


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
@pytest.mark.parametrize("version", ["R2000", "R2004", "R2007", "R2010", "R2013", "R2018"])
def test_a_plate_is_measured_to_the_last_digit_in_every_release(tmp_path: Path, version: str, binary: bool) -> None:
    document, space = drawing(version)
    plate(space)
    document.saveas(tmp_path / "plate.dxf", fmt="bin" if binary else "asc")
    report = measured(tmp_path / "plate.dxf")
    assert (report.unit, report.unit_certainty) == ("mm", v1.UNIT_CERTAINTY_DECLARED)
    assert (report.drawing.version, report.drawing.insunits) == (version, 4)
    assert (report.size_mm.x, report.size_mm.y, report.size_mm.z) == pytest.approx((100, 60, 0), abs=1e-9)
    assert report.sheet.area_mm2 == pytest.approx(PLATE_AREA, rel=1e-9)
    assert report.sheet.cut_length_mm == pytest.approx(PLATE_CUTS, rel=1e-9)
    assert (report.sheet.pierces, report.drawing.parts, report.sheet.thickness_mm) == (2, 1, 0)
    assert report.sheet.smallest_hole_mm == pytest.approx(8, rel=1e-6)
    assert report.sheet.least_inner_radius_mm == pytest.approx(4, rel=1e-6)
    assert report.sheet.narrowest_web_mm == pytest.approx(26, rel=1e-3)
    assert (report.sheet.blank_mm.x, report.sheet.blank_mm.y) == pytest.approx((100, 60), rel=1e-6)
    assert not report.warnings


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
def test_an_r12_drawing_names_no_unit_and_is_not_taken_for_metres(tmp_path: Path, binary: bool) -> None:
    document, space = drawing("R12", units=0)
    rectangle(space, 0, 0, 100, 60)
    document.saveas(tmp_path / "old.dxf", fmt="bin" if binary else "asc")
    report = measured(tmp_path / "old.dxf")
    assert report.drawing.version == "R12"
    assert report.drawing.insunits in (-1, 0)
    assert (report.unit, report.unit_certainty) == ("mm", v1.UNIT_CERTAINTY_PLAUSIBLE)
    assert report.size_mm.x == pytest.approx(100)


def test_the_unit_is_read_raw_from_the_header() -> None:
    assert read_header(b"  0\nSECTION\n  2\nHEADER\n  9\n$ACADVER\n  1\nAC1015\n  0\nENDSEC\n").insunits == -1
    assert read_header(b"  9\r\n$ACADVER\r\n  1\r\nAC1032\r\n  9\r\n$INSUNITS\r\n 70\r\n     5\r\n").insunits == 5
    binary = b"AutoCAD Binary DXF\r\n\x1a\x00\x09\x00$ACADVER\x00\x01\x00AC1015\x00\x09\x00$INSUNITS\x00\x46\x00\x04\x00"
    assert read_header(binary).insunits == 4


def test_a_declared_inch_is_an_inch(tmp_path: Path) -> None:
    document, space = drawing(units=1)
    rectangle(space, 0, 0, 4, 2)
    document.saveas(tmp_path / "inch.dxf")
    report = measured(tmp_path / "inch.dxf")
    assert report.unit == "inch"
    assert (report.size_mm.x, report.size_mm.y) == pytest.approx((101.6, 50.8))
    assert report.sheet.area_mm2 == pytest.approx(101.6 * 50.8)


def test_a_tiny_drawing_without_a_unit_is_asked_about(tmp_path: Path) -> None:
    document, space = drawing(units=0)
    rectangle(space, 0, 0, 2, 1)
    document.header["$MEASUREMENT"] = 0
    document.saveas(tmp_path / "tiny.dxf")
    report = measured(tmp_path / "tiny.dxf")
    assert report.unit_certainty == v1.UNIT_CERTAINTY_SUSPECT
    assert "inch" in {reading.unit for reading in report.unit_readings}
    assert "dxf.imperial" in codes(report)
    assert measured(tmp_path / "tiny.dxf", "inch").size_mm.x == pytest.approx(50.8)


def test_text_dimensions_and_helping_lines_are_not_cut(tmp_path: Path) -> None:
    document, space = drawing()
    rectangle(space, 0, 0, 100, 60)
    space.add_text("Deckel 3 mm").set_placement((0, 200))
    space.add_linear_dim(base=(0, -40), p1=(0, 0), p2=(100, 0)).render()
    for name in ("Hilfslinien", "DIM_EN", "Gravur", "Biegelinie"):
        document.layers.add(name)
        space.add_line((-300, 0), (300, 10), dxfattribs={"layer": name})
    space.add_line((-500, 30), (500, 30), dxfattribs={"linetype": "CENTER"})
    document.saveas(tmp_path / "noted.dxf")
    report = measured(tmp_path / "noted.dxf")
    assert (report.size_mm.x, report.size_mm.y) == pytest.approx((100, 60))
    assert report.drawing.cut_length_mm == pytest.approx(320)
    assert report.drawing.annotations == 2
    assert "Deckel 3 mm" in report.texts
    assert {layer.name: layer.purpose for layer in report.drawing.layers} == {
        "0": "cut",
        "Hilfslinien": "construction",
        "DIM_EN": "annotation",
        "Gravur": "engrave",
        "Biegelinie": "bend",
    }
    assert [round(bend.length_mm, 1) for bend in report.sheet.bends] == [round(math.hypot(600, 10), 1)]
    assert "DIMENSION" not in report.drawing.unread_entities


@pytest.mark.parametrize(
    ("name", "purpose"),
    [
        ("0", "cut"),
        ("Schnittkontur", "cut"),
        ("découpe", "cut"),
        ("LASER_ENGRAVING", "engrave"),
        ("gravure", "engrave"),
        ("Grabado", "engrave"),
        ("bend-up", "bend"),
        ("Biegelinien oben", "bend"),
        ("pliage", "bend"),
        ("Bemaßung", "annotation"),
        ("cotas", "annotation"),
        ("Text", "annotation"),
        ("Defpoints", "construction"),
        ("LineasAuxiliares", "construction"),
        ("Mittellinie", "construction"),
        ("context", "cut"),
    ],
)
def test_the_name_of_a_layer_says_what_it_is_for(name: str, purpose: str) -> None:
    assert purpose_of(name) == purpose


def test_frozen_and_switched_off_layers_are_not_cut(tmp_path: Path) -> None:
    document, space = drawing()
    rectangle(space, 0, 0, 100, 60)
    document.layers.add("frozen").freeze()
    document.layers.add("away").off()
    rectangle(space, 0, 0, 500, 500, layer="frozen")
    rectangle(space, 0, 0, 500, 500, layer="AWAY")
    rectangle(space, 0, 0, 500, 500, invisible=1)
    document.saveas(tmp_path / "hidden.dxf")
    report = measured(tmp_path / "hidden.dxf")
    assert report.size_mm.x == pytest.approx(100)
    assert report.drawing.duplicate_lines == 0


def test_blocks_are_drawn_where_they_are_used_turned_scaled_and_in_rows(tmp_path: Path) -> None:
    document, space = drawing()
    hole = document.blocks.new("hole")
    hole.add_circle((0, 0), 2)
    pair = document.blocks.new("pair")
    pair.add_blockref("hole", (0, 0))
    pair.add_blockref("hole", (10, 0), dxfattribs={"xscale": 2, "yscale": 1})
    rectangle(space, 0, 0, 100, 60)
    space.add_blockref("pair", (20, 20), dxfattribs={"rotation": 90, "layer": "cut"})
    space.add_blockref("hole", (40, 40), dxfattribs={"column_count": 3, "row_count": 2, "column_spacing": 10, "row_spacing": 10})
    document.saveas(tmp_path / "blocks.dxf")
    report = measured(tmp_path / "blocks.dxf")
    holes = [contour for contour in report.drawing.contours if not contour.outer]
    assert (report.drawing.parts, len(holes)) == (1, 8)
    assert sorted(contour.layer for contour in holes) == ["0"] * 6 + ["cut"] * 2
    oval = next(contour for contour in holes if contour.diameter_mm == 0)
    assert (oval.size_mm.x, oval.size_mm.y) == pytest.approx((4, 8), rel=1e-3)
    assert report.drawing.smallest_hole_mm == pytest.approx(4, rel=1e-3)


def test_a_block_that_is_drawn_with_itself_is_refused(tmp_path: Path) -> None:
    document, space = drawing()
    first, second = document.blocks.new("first"), document.blocks.new("second")
    first.add_blockref("second", (1, 0))
    second.add_blockref("FIRST", (1, 0))
    space.add_blockref("first", (0, 0))
    document.saveas(tmp_path / "ouroboros.dxf")
    assert refused(tmp_path / "ouroboros.dxf") == "dxf.recursion"


@pytest.mark.parametrize("how", ["nested", "array"])
def test_blocks_that_expand_without_end_are_refused_quickly(tmp_path: Path, how: str) -> None:
    document, space = drawing()
    document.blocks.new("b0").add_line((0, 0), (1, 0))
    for level in range(1, 12):
        block = document.blocks.new(f"b{level}")
        for _ in range(10):
            block.add_blockref(f"b{level - 1}", (0, 0))
    if how == "nested":
        space.add_blockref("b11", (0, 0))
    else:
        space.add_blockref("b0", (0, 0), dxfattribs={"column_count": 30000, "row_count": 30000, "column_spacing": 1, "row_spacing": 1})
    document.saveas(tmp_path / "laughs.dxf")
    assert refused(tmp_path / "laughs.dxf") == "dxf.block_expansion"


def test_more_lines_than_can_be_measured_are_refused(tmp_path: Path) -> None:
    line = "  0\nLINE\n  8\n0\n 10\n0\n 20\n0\n 11\n1\n 21\n1\n"
    text = "  0\nSECTION\n  2\nENTITIES\n" + line * 600_001 + "  0\nENDSEC\n  0\nEOF\n"
    (tmp_path / "many.dxf").write_text(text, encoding="utf-8")
    assert refused(tmp_path / "many.dxf") == "dxf.too_many"


def mirrored_plate(space: Any) -> None:
    bulge = math.tan(math.pi / 8)
    row = space.add_lwpolyline([(0, 0, 0), (50, 0, bulge), (60, 10, 0), (60, 30, 0), (0, 30, 0)], format="xyb", close=True)
    row.dxf.extrusion = (0, 0, -1)


def splined_disc(space: Any) -> None:
    space.add_ellipse((0, 0), major_axis=(50, 0), ratio=0.5)


def spline_ring(space: Any) -> None:
    points = [(50 * math.cos(a), 50 * math.sin(a)) for a in (math.tau * i / 24 for i in range(24))]
    space.add_spline(fit_points=[*points, points[0]])


def old_polyline(space: Any) -> None:
    space.add_polyline2d([(0, 0, 1), (40, 0, 1)], format="xyb", close=True)


@pytest.mark.parametrize(
    ("draw", "width", "height", "area"),
    [
        (mirrored_plate, 60, 30, 1800 - (1 - math.pi / 4) * 100),
        (splined_disc, 100, 50, math.pi * 50 * 25),
        (spline_ring, 100, 100, math.pi * 2500),
        (old_polyline, 40, 40, math.pi * 400),
    ],
)
def test_every_kind_of_curve_encloses_what_it_should(
    tmp_path: Path, draw: Callable[[Any], None], width: float, height: float, area: float
) -> None:
    document, space = drawing()
    draw(space)
    document.saveas(tmp_path / "curve.dxf")
    report = measured(tmp_path / "curve.dxf")
    assert (report.size_mm.x, report.size_mm.y) == pytest.approx((width, height), rel=1e-3)
    assert report.sheet.area_mm2 == pytest.approx(area, rel=1e-3)
    assert report.drawing.open_end_count == 0


def test_a_drawing_of_faces_in_space_is_no_cutting_drawing(tmp_path: Path) -> None:
    document, space = drawing()
    forms.cube().render_mesh(space)
    forms.cube().render_3dfaces(space)
    forms.cube().render_polyface(space)
    document.saveas(tmp_path / "cube.dxf")
    assert refused(tmp_path / "cube.dxf") == "dxf.three_dimensional"


def test_lines_at_another_height_are_laid_flat_and_lines_in_space_are_not(tmp_path: Path) -> None:
    document, space = drawing()
    rectangle(space, 0, 0, 100, 60)
    space.add_circle((50, 30, 12), 5)
    document.saveas(tmp_path / "heights.dxf")
    report = measured(tmp_path / "heights.dxf")
    assert "dxf.laid_flat" in codes(report)
    assert report.drawing.smallest_hole_mm == pytest.approx(10, rel=1e-6)
    for x in range(3):
        space.add_line((x, 0, 0), (x, 0, 40))
    document.saveas(tmp_path / "wires.dxf")
    assert refused(tmp_path / "wires.dxf") == "dxf.three_dimensional"


def test_what_is_drawn_on_paper_is_said_and_not_cut(tmp_path: Path) -> None:
    document, space = drawing()
    rectangle(space, 0, 0, 100, 60)
    rectangle(document.paperspace(), 0, 0, 420, 297)
    document.saveas(tmp_path / "paper.dxf")
    report = measured(tmp_path / "paper.dxf")
    assert report.size_mm.x == pytest.approx(100)
    assert "dxf.paperspace" in codes(report)


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    document, space = drawing("R12", units=0)
    rectangle(space, 0, 0, 100, 60)
    space.add_blockref("nowhere", (0, 0))
    document.saveas(tmp_path / "whole.dxf")
    text = (tmp_path / "whole.dxf").read_text(encoding="utf-8")
    strange = text.replace("  0\nINSERT\n", "  0\nHOLOGRAM\n  8\n0\n  0\nINSERT\n", 1)
    (tmp_path / "strange.dxf").write_text(strange, encoding="utf-8")
    report = measured(tmp_path / "strange.dxf")
    assert list(report.drawing.unread_entities) == ["HOLOGRAM", "block nowhere"]
    assert "dxf.unread" in codes(report)


def test_a_drawing_of_text_alone_has_nothing_to_cut(tmp_path: Path) -> None:
    document, space = drawing()
    space.add_mtext("Nothing here")
    document.saveas(tmp_path / "words.dxf")
    assert refused(tmp_path / "words.dxf") == "dxf.only_annotation"
    document, _ = drawing()
    document.saveas(tmp_path / "empty.dxf")
    assert refused(tmp_path / "empty.dxf") == "dxf.no_contour"


def test_a_damaged_file_is_read_with_repairs_and_says_so(tmp_path: Path) -> None:
    document, space = drawing("R2000")
    plate(space)
    document.saveas(tmp_path / "whole.dxf")
    text = (tmp_path / "whole.dxf").read_text(encoding="utf-8")
    broken = text.replace("\n  0\nTABLE\n", "\n  0\nTABEL\n", 1).replace("\n 70\n", "\n 7O\n", 1)
    (tmp_path / "broken.dxf").write_text(broken, encoding="utf-8")
    report = measured(tmp_path / "broken.dxf")
    assert "dxf.repaired" in codes(report)
    assert report.sheet.area_mm2 == pytest.approx(PLATE_AREA, rel=1e-9)


def test_bytes_that_are_no_drawing_are_refused(tmp_path: Path) -> None:
    (tmp_path / "noise.dxf").write_bytes(b"  0\nSECTION\n" + bytes(range(256)) * 8)
    assert refused(tmp_path / "noise.dxf") in ("file.unreadable", "dxf.no_contour")


def test_names_that_are_no_text_are_shown_without_what_cannot_be_read(tmp_path: Path) -> None:
    document, space = drawing("R2010")
    rectangle(space, 0, 0, 100, 60, layer="Plate")
    document.saveas(tmp_path / "plate.dxf")
    content = (tmp_path / "plate.dxf").read_bytes().replace(b"Plate", b"Pl\x9dte")
    (tmp_path / "plate.dxf").write_bytes(content)
    assert [layer.name for layer in measured(tmp_path / "plate.dxf").drawing.layers] == ["Pl?te"]


def test_numbers_that_are_no_places_are_refused(tmp_path: Path) -> None:
    line = "  0\nLINE\n  8\n0\n 10\nnan\n 20\n0\n 11\n1e300\n 21\n1\n"
    (tmp_path / "nan.dxf").write_text("  0\nSECTION\n  2\nENTITIES\n" + line + "  0\nENDSEC\n  0\nEOF\n", encoding="utf-8")
    assert refused(tmp_path / "nan.dxf") == "dxf.numbers"


def test_the_picture_is_small_and_shows_cuts_and_open_ends(tmp_path: Path) -> None:
    document, space = drawing()
    plate(space)
    space.add_line((20, 20), (30, 20))
    document.saveas(tmp_path / "plate.dxf")
    measured(tmp_path / "plate.dxf")
    picture = (tmp_path / "preview.svg").read_text(encoding="utf-8")
    assert len(picture) < 5000
    assert picture.count("<circle") == 2
    assert all(f'stroke="{colour}"' in picture for colour in ("#000", "#06c", "#c00"))


def test_real_drawings_have_the_size_and_the_parts_that_they_show(corpus: Path, tmp_path: Path) -> None:
    sizes = {
        "trimesh/models/2D/250_cycloidal.DXF": (126.611, 87.575, 5),
        "trimesh/models/2D/ChuteHolderPrint.DXF": (282.866, 179.343, 8),
        "trimesh/models/2D/versions/ae.r2013b.dxf": (155.580, 262.116, 3),
        "cadquery/doc/vslot-2020_1.dxf": (20, 20, 1),
    }
    for name, (x, y, parts) in sizes.items():
        report = v1.GeometryReport(format=v1.FILE_FORMAT_DXF)
        measure(report, Source(corpus / name, report.format, "", tmp_path))
        assert (report.size_mm.x, report.size_mm.y) == pytest.approx((x, y), rel=1e-3), name
        assert report.drawing.parts == parts, name
