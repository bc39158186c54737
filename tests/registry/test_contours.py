# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the lines of a drawing make: outlines and cut-outs, gaps, lines drawn twice, parts on a sheet."""

from __future__ import annotations

import math
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from commonfab import v1
from registry.geometry.drawings.contours import loops_of
from registry.geometry.drawings.duplicates import drawn_once
from registry.geometry.drawings.joining import join, tolerance
from registry.geometry.drawings.lines import Curve, Drawn, Points, Stroke, arc, bulged, straight
from registry.geometry.drawings.measuring import note_drawing
from registry.geometry.drawings.nesting import nested
from registry.geometry.faults import Unmeasurable
from registry.geometry.source import Source


def stroke(curve: Curve, layer: str = "0") -> Stroke:
    return Stroke(curve.points, layer, "cut", curve.length, curve.bow)


def line(*corners: tuple[float, float], layer: str = "0") -> Stroke:
    return stroke(straight(np.array(corners, dtype=np.float64)), layer)


def box(x: float, y: float, width: float, height: float, layer: str = "0") -> Stroke:
    return line((x, y), (x + width, y), (x + width, y + height), (x, y + height), (x, y), layer=layer)


def sides(x: float, y: float, width: float, height: float) -> list[Stroke]:
    corners = box(x, y, width, height).points.tolist()
    return [line(tuple(first), tuple(second)) for first, second in pairwise(corners)]


def circle(x: float, y: float, radius: float) -> Stroke:
    return stroke(arc(complex(x, y), radius, 0.0, math.tau))


def noted(folder: Path, *strokes: Stroke) -> v1.GeometryReport:
    report = v1.GeometryReport(format=v1.FILE_FORMAT_DXF)
    note_drawing(report, Source(folder / "none.dxf", report.format, "", folder), Drawn(strokes=list(strokes), unit="mm", factor=1.0))
    return report


def codes(report: v1.GeometryReport) -> set[str]:
    return {warning.code for warning in report.warnings}


def test_loose_sides_in_any_order_and_direction_are_one_outline(tmp_path: Path) -> None:
    first, second, third, fourth = sides(0, 0, 100, 60)
    turned = line(*[tuple(point) for point in second.points[::-1].tolist()])
    report = noted(tmp_path, third, turned, first, fourth)
    assert [(one.outer, one.area_mm2) for one in report.drawing.contours] == [(True, pytest.approx(6000))]
    assert report.drawing.cut_length_mm == pytest.approx(320)
    assert report.drawing.open_end_count == 0


@pytest.mark.parametrize(("gap", "ends"), [(0.02, 0), (0.2, 2)])
def test_a_gap_of_rounding_is_closed_and_a_gap_of_drawing_is_shown(tmp_path: Path, gap: float, ends: int) -> None:
    report = noted(tmp_path, line((0, gap), (0, 60), (100, 60), (100, 0), (0, 0)), circle(300, 0, 20))
    assert report.drawing.open_end_count == ends
    assert ("dxf.open_contour" in codes(report)) == bool(ends)
    assert len(report.drawing.contours) == (1 if ends else 2)
    assert {(end.x, end.y) for end in report.drawing.open_ends} == ({(0, gap), (0, 0)} if ends else set())
    assert [end.gap_mm for end in report.drawing.open_ends] == [pytest.approx(gap)] * ends


def test_a_drawing_of_open_lines_alone_has_no_contour_and_still_a_size(tmp_path: Path) -> None:
    report = v1.GeometryReport(format=v1.FILE_FORMAT_DXF)
    with pytest.raises(Unmeasurable) as refusal:
        source = Source(tmp_path / "none.dxf", report.format, "", tmp_path)
        note_drawing(report, source, Drawn(strokes=[line((0, 0), (30, 0), (30, 40))], unit="mm", factor=1.0))
    assert refusal.value.reason.code == "dxf.no_contour"
    assert (report.size_mm.x, report.size_mm.y, report.drawing.open_end_count) == (30, 40, 2)
    assert not report.HasField("sheet")


@pytest.mark.parametrize("again", ["same", "reversed", "in pieces", "moved along"])
def test_a_line_that_is_drawn_twice_is_counted_once(tmp_path: Path, again: str) -> None:
    more = {
        "same": [line((0, 0), (100, 0))],
        "reversed": [line((100, 0), (0, 0))],
        "in pieces": [line((0, 0), (30, 0)), line((100, 0), (30, 0))],
        "moved along": [line((20, 0), (80, 0))],
    }[again]
    report = noted(tmp_path, *sides(0, 0, 100, 60), *more)
    assert report.drawing.duplicate_lines == len(more)
    assert report.drawing.cut_length_mm == pytest.approx(320)
    assert report.drawing.open_end_count == 0
    assert "dxf.duplicate_lines" in codes(report)


def test_an_outline_drawn_as_polyline_and_as_lines_closes_once(tmp_path: Path) -> None:
    report = noted(tmp_path, *sides(0, 0, 100, 60), box(0, 0, 100, 60), circle(50, 30, 5), circle(50, 30, 5))
    assert (len(report.drawing.contours), report.drawing.parts, report.drawing.duplicate_lines) == (2, 1, 5)
    assert report.drawing.cut_length_mm == pytest.approx(320 + 10 * math.pi)


def test_half_circles_over_a_circle_are_duplicates() -> None:
    halves = [stroke(arc(0j, 10, 0.0, math.pi)), stroke(arc(0j, 10, math.tau, -math.pi))]
    once = drawn_once([*halves, circle(0, 0, 10)], 0.01)
    assert (len(once.strokes), once.duplicates) == (1, 2)


def test_neighbours_that_only_touch_are_no_duplicates() -> None:
    assert drawn_once([line((0, 0), (10, 0)), line((10, 0), (20, 0)), line((0, 0.5), (20, 0.5))], 0.01).duplicates == 0


def test_lines_that_cross_are_said(tmp_path: Path) -> None:
    bow_tie = line((0, 0), (40, 40), (40, 0), (0, 40), (0, 0))
    assert noted(tmp_path, bow_tie).drawing.crossings == 1
    both = noted(tmp_path, box(0, 0, 50, 50), box(30, 30, 50, 50))
    assert (both.drawing.crossings, both.drawing.parts) == (2, 2)
    assert "dxf.crossing" in codes(both)
    assert noted(tmp_path, box(0, 0, 50, 50), box(10, 10, 20, 20), box(50, 0, 9, 50)).drawing.crossings == 0


def test_holes_belong_to_their_part_and_islands_are_parts(tmp_path: Path) -> None:
    ring = [circle(0, 0, 50), circle(0, 0, 40), circle(0, 0, 10)]
    report = noted(tmp_path, *ring, box(100, 0, 30, 30), box(110, 10, 5, 2))
    assert [(one.outer, one.part) for one in report.drawing.contours] == [(True, 1), (True, 2), (True, 3), (False, 1), (False, 2)]
    assert "dxf.several_parts" in codes(report)
    assert report.drawing.smallest_hole_mm == pytest.approx(2)
    assert report.sheet.area_mm2 == pytest.approx(math.pi * (2500 - 1600 + 100) + 900 - 10)
    assert report.sheet.narrowest_web_mm == pytest.approx(10, rel=1e-2)
    assert (report.signature.kind, report.signature.holes) == ("flat", 2)


def test_a_rectangle_round_parts_with_holes_is_the_sheet(tmp_path: Path) -> None:
    parts = [shape for x in (20, 120, 220) for shape in (box(x, 20, 80, 60), circle(x + 40, 50, 5))]
    report = noted(tmp_path, box(0, 0, 320, 100), *parts)
    assert (report.drawing.parts, report.drawing.sheet_mm.x, report.drawing.sheet_mm.y) == (3, 320, 100)
    assert (report.size_mm.x, report.size_mm.y) == (280, 60)
    assert report.sheet.pierces == 6
    assert report.sheet.cut_length_mm == pytest.approx(3 * (280 + 10 * math.pi))
    assert "dxf.sheet_outline" in codes(report)


def test_a_plate_with_holes_is_a_plate_and_its_layer_can_say_otherwise(tmp_path: Path) -> None:
    windows = [box(20, 20, 100, 60), box(150, 20, 100, 60)]
    plate = noted(tmp_path, box(0, 0, 270, 100), *windows)
    assert (plate.drawing.parts, plate.drawing.sheet_mm.x, plate.size_mm.x) == (1, 0, 270)
    sheet = noted(tmp_path, box(0, 0, 270, 100, layer="Sheet 2"), *windows)
    assert (sheet.drawing.parts, sheet.drawing.sheet_mm.x, sheet.size_mm.x) == (2, 270, 230)


def test_parts_that_share_a_cut_are_two_parts(tmp_path: Path) -> None:
    shared = [line((50, 0), (0, 0), (0, 40), (50, 40)), line((50, 0), (50, 40)), line((50, 0), (90, 0), (90, 40), (50, 40))]
    report = noted(tmp_path, *shared)
    assert sorted(one.area_mm2 for one in report.drawing.contours) == pytest.approx([1600, 2000])
    assert report.drawing.cut_length_mm == pytest.approx(140 + 40 + 120)
    assert (report.drawing.parts, report.drawing.crossings, report.drawing.open_end_count) == (2, 0, 0)


def test_a_slit_inside_a_part_is_cut_and_shown_as_open(tmp_path: Path) -> None:
    report = noted(tmp_path, box(0, 0, 100, 60), line((20, 30), (80, 30)))
    assert (report.sheet.pierces, report.drawing.open_end_count, report.drawing.parts) == (2, 2, 1)
    assert report.sheet.cut_length_mm == pytest.approx(380)


def rounded(radius: float) -> Points:
    bulge = math.tan(math.pi / 8)
    corners = [
        (radius, 0),
        (40 - radius, 0),
        (40, radius),
        (40, 30 - radius),
        (40 - radius, 30),
        (radius, 30),
        (0, 30 - radius),
        (0, radius),
    ]
    return bulged(np.array([*corners, corners[0]], dtype=np.float64), np.array([0, bulge] * 4)).points


@pytest.mark.parametrize("radius", [0.5, 3.0])
def test_the_tightest_inner_corner_is_that_of_the_cut_out(tmp_path: Path, radius: float) -> None:
    window = stroke(straight(rounded(radius)))
    assert noted(tmp_path, box(-50, -50, 200, 200), window).sheet.least_inner_radius_mm == pytest.approx(radius, rel=1e-6)
    assert noted(tmp_path, window).sheet.least_inner_radius_mm == 0  # an outline without a corner that bends inwards
    assert noted(tmp_path, box(-50, -50, 200, 200), box(0, 0, 9, 9)).sheet.least_inner_radius_mm == 0


def test_sharp_inner_corners_are_told_from_none_at_all(tmp_path: Path) -> None:
    outline = box(-50, -50, 200, 200)
    assert noted(tmp_path, outline).sheet.sharp_inner_corners == 0
    assert noted(tmp_path, outline, stroke(straight(rounded(3)))).sheet.sharp_inner_corners == 0
    assert noted(tmp_path, outline, box(0, 0, 9, 9)).sheet.sharp_inner_corners == 4


def test_a_strip_may_lie_aslant(tmp_path: Path) -> None:
    report = noted(tmp_path, box(0, 0, 200, 10))
    sizes = [(place.size_mm.x, place.size_mm.y) for place in report.sheet.placements]
    assert sizes[0] == pytest.approx((200, 10))
    assert any(max(size) < 199 for size in sizes)
    assert (report.sheet.blank_mm.x, report.sheet.blank_mm.y) == pytest.approx((200, 10))


def test_a_circle_of_chords_is_round_and_a_hexagon_is_not() -> None:
    def regular(corners: int) -> Stroke:
        return line(*[(10 * math.cos(math.tau * i / corners), 10 * math.sin(math.tau * i / corners)) for i in [*range(corners), 0]])

    round_ones, _ = loops_of(join([regular(24)], 0.01).closed)
    others, _ = loops_of(join([regular(6)], 0.01).closed)
    assert (round_ones[0].diameter, others[0].diameter) == (pytest.approx(20), 0)


@pytest.mark.slow
def test_a_hundred_thousand_lines_are_sorted_in_seconds() -> None:
    strokes = [side for i in range(100) for j in range(250) for side in sides(i * 10, j * 10, 8, 8)]
    begin = time.process_time()
    within = tolerance(strokes)
    once = drawn_once(strokes, within)
    joined = join(once.strokes, within)
    assert (len(strokes), len(joined.closed), len(joined.opened)) == (100_000, 25_000, 0)
    assert time.process_time() - begin < 20


def test_thousands_of_lines_in_one_another_are_refused() -> None:
    loops, _ = loops_of([one for size in range(1, 2100) for one in join([box(-size, -size, 2 * size, 2 * size)], 1e-3).closed])
    with pytest.raises(Unmeasurable) as refusal:
        nested(loops)
    assert refusal.value.reason.code == "dxf.too_dense"


def test_lines_that_all_begin_at_one_place_are_no_trap() -> None:
    star = [line((0, 0), (math.cos(i), math.sin(i))) for i in range(20_000)]
    begin = time.process_time()
    joined = join(drawn_once(star, 1e-6).strokes, 1e-6)
    assert len(joined.closed) == 0
    assert time.process_time() - begin < 20
