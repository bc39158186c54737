# SPDX-License-Identifier: AGPL-3.0-or-later
"""SVG files as cutting drawings, written by the tests."""

from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np
import pytest

from commonfab import v1
from registry.geometry.drawings.measuring import measure
from registry.geometry.drawings.svg_lengths import transform_of
from registry.geometry.drawings.svg_paths import path_rows
from registry.geometry.faults import Unmeasurable
from registry.geometry.source import Source

PAGE = 'width="200mm" height="100mm" viewBox="0 0 200 100"'
NAMES = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
INKSCAPE = 'xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape"'
LINE = 'fill="none" stroke="black"'


def measured(folder: Path, body: str, page: str = PAGE, declared: str = "", before: str = "") -> v1.GeometryReport:
    path = folder / "drawing.svg"
    path.write_text(f"{before}<svg {NAMES} {INKSCAPE} {page}>{body}</svg>", encoding="utf-8")
    report = v1.GeometryReport(format=v1.FILE_FORMAT_SVG)
    measure(report, Source(path, report.format, declared, folder))
    return report


def refused(folder: Path, body: str, **more: str) -> str:
    with pytest.raises(Unmeasurable) as refusal:
        measured(folder, body, **more)
    return refusal.value.reason.code


def codes(report: v1.GeometryReport) -> set[str]:
    return {warning.code for warning in report.warnings}


def sides(report: v1.GeometryReport) -> tuple[float, float]:
    return report.size_mm.x, report.size_mm.y


RECTANGLE = f'<rect x="10" y="10" width="60" height="30" {LINE}/>'


@pytest.mark.parametrize(
    ("page", "scale"),
    [
        ('width="200mm" height="100mm" viewBox="0 0 200 100"', 1),
        ('width="20cm" height="10cm" viewBox="0 0 2000 1000"', 0.1),
        ('width="8in" height="4in" viewBox="0 0 200 100"', 25.4 / 25),
        ('width="72pt" height="36pt" viewBox="0 0 200 100"', 25.4 / 200),
        ('width="6pc" height="3pc" viewBox="0 0 200 100"', 25.4 / 200),
        ('width="400Q" height="200Q" viewBox="0 0 100 50"', 1),
        ('width="200mm" height="100mm"', 25.4 / 96),
        ('width="200mm" viewBox="0 0 200 100"', 1),
    ],
)
def test_a_page_with_a_physical_size_declares_the_scale(tmp_path: Path, page: str, scale: float) -> None:
    report = measured(tmp_path, RECTANGLE, page)
    assert (report.unit, report.unit_certainty) == ("mm", v1.UNIT_CERTAINTY_DECLARED)
    assert sides(report) == pytest.approx((60 * scale, 30 * scale))
    assert report.sheet.area_mm2 == pytest.approx(1800 * scale**2)


@pytest.mark.parametrize(
    ("page", "before", "per_inch"),
    [
        ('width="200" height="100"', "", 96),
        ('width="200px" height="100px" viewBox="0 0 200 100"', "", 96),
        ('viewBox="0 0 200 100"', "", 96),
        ('width="100%" height="100%" viewBox="0 0 200 100"', "", 96),
        ('width="200" height="100" inkscape:version="0.48.4 r9939"', "", 90),
        ('width="200" height="100" inkscape:version="0.92.3"', "", 96),
        ('viewBox="0 0 200 100"', "<!-- Generator: Adobe Illustrator 25.0 -->", 72),
    ],
)
def test_pixels_declare_nothing_and_are_read_as_their_program_means_them(tmp_path: Path, page: str, before: str, per_inch: float) -> None:
    report = measured(tmp_path, RECTANGLE, page, before=before)
    assert report.unit_certainty == v1.UNIT_CERTAINTY_PLAUSIBLE
    assert sides(report) == pytest.approx((60 * 25.4 / per_inch, 30 * 25.4 / per_inch))
    assert "svg.pixels" in codes(report)


def test_the_makers_word_settles_pixels(tmp_path: Path) -> None:
    for page in ('width="200" height="100"', 'viewBox="0 0 200 100"'):
        report = measured(tmp_path, RECTANGLE, page, declared="mm")
        assert sides(report) == pytest.approx((60, 30))
        assert report.unit_certainty == v1.UNIT_CERTAINTY_DECLARED
        assert "svg.pixels" not in codes(report)


def test_pixels_of_an_unlikely_size_are_asked_about_with_every_reading(tmp_path: Path) -> None:
    report = measured(tmp_path, '<circle r="4" fill="red"/>', 'viewBox="0 0 10 10"')
    assert report.unit_certainty == v1.UNIT_CERTAINTY_SUSPECT
    readings = {reading.unit: reading.size_mm.x for reading in report.unit_readings}
    assert readings["mm"] == pytest.approx(8)
    assert readings["px at 96 per inch"] == pytest.approx(8 * 25.4 / 96)
    assert "units.unknown" in codes(report)


@pytest.mark.parametrize(
    ("shape", "area", "length"),
    [
        (f'<rect width="60" height="30" rx="5" {LINE}/>', 1800 - (4 - math.pi) * 25, 140 + 10 * math.pi),
        (f'<rect width="60" height="30" rx="500" ry="5" {LINE}/>', 1800 - (4 - math.pi) * 30 * 5, None),
        (f'<circle cx="50" cy="50" r="20" {LINE}/>', math.pi * 400, math.pi * 40),
        (f'<ellipse cx="50" cy="50" rx="20" ry="10" {LINE}/>', math.pi * 200, None),
        (f'<polygon points="0,0 40,0 40,30" {LINE}/>', 600, 120),
        (f'<polyline points="0 0 40 0 40 30 0 0" {LINE}/>', 600, 120),
        (f'<path d="M0 0h40v30h-40z" {LINE}/>', 1200, 140),
        (f'<path d="M10,10 l40,0 0,30 L10,40Z" {LINE}/>', 1200, 140),
        (f'<path d="m20 0a20 20 0 01 0 40a20 20 0 0 1 0-40z" {LINE}/>', math.pi * 400, math.pi * 40),
        (f'<path d="M0 0A20 10 0 1 1 40 0A20 10 0 1 1 0 0" {LINE}/>', math.pi * 200, None),
        (f'<path d="M0 0C0 20 40 20 40 0z" {LINE}/>', 480, None),
        (f'<path d="M0 0Q20 30 40 0z" {LINE}/>', 400, None),
        (f'<path d="M0 0C0 10 20 10 20 0S40-10 40 0V40H0z" {LINE}/>', 1600, None),
        (f'<path d="M0 0Q10 10 20 0T40 0V40H0z" {LINE}/>', 1600, None),
    ],
)
def test_every_shape_encloses_what_it_should(tmp_path: Path, shape: str, area: float, length: float | None) -> None:
    report = measured(tmp_path, shape)
    assert report.sheet.area_mm2 == pytest.approx(area, rel=1.5e-3)
    assert length is None or report.sheet.cut_length_mm == pytest.approx(length, rel=1e-3)
    assert (report.drawing.open_end_count, report.sheet.pierces) == (0, 1)


def test_large_and_small_arcs_take_the_side_that_their_flags_say() -> None:
    for large, sweep, height in ((0, 0, 0.0), (1, 0, 0.0), (0, 1, 0.0), (1, 1, 0.0)):
        rows, whole = path_rows(f"M0 0A10 10 0 {large}{sweep} 10 0")
        bulge = rows[0][len(rows[0]) // 2]
        height = 10 + math.sqrt(75) if large else 10 - math.sqrt(75)
        assert whole
        assert bulge == pytest.approx((5, -height if sweep else height), abs=0.05)
        assert rows[0][-1].tolist() == [10, 0]


def test_a_broken_path_is_drawn_up_to_its_error_and_named(tmp_path: Path) -> None:
    report = measured(tmp_path, RECTANGLE + f'<path d="M0 0h40v30h-40z M 100 0 h 20 v 20 * nonsense" {LINE}/>')
    assert "path" in report.drawing.unread_entities
    assert len(report.drawing.contours) == 2


def test_transforms_are_nested_and_turned(tmp_path: Path) -> None:
    nest = (
        f'<g transform="translate(100 50)"><g transform="rotate(90)"><rect width="40" height="10" transform="scale(2,1)" {LINE}/></g></g>'
    )
    assert sides(measured(tmp_path, nest)) == pytest.approx((10, 80))
    matrix = transform_of("translate(10,20) rotate(90, 5, 5) scale(2) skewX(45)")
    assert matrix @ np.array([1.0, 1.0, 1.0]) == pytest.approx([18, 24, 1])
    assert transform_of("matrix(1 2 3 4 5 6)")[:2].tolist() == [[1, 3, 5], [2, 4, 6]]


def test_a_symbol_is_drawn_where_it_is_used_and_only_there(tmp_path: Path) -> None:
    body = f"""
      <defs><rect id="bar" width="50" height="5" {LINE}/><circle r="90" {LINE}/></defs>
      <symbol id="knob" viewBox="0 0 10 10"><circle cx="5" cy="5" r="5" {LINE}/></symbol>
      <clipPath><rect width="190" height="90"/></clipPath><mask><rect width="180" height="80"/></mask>
      <marker><rect width="180" height="80"/></marker><pattern><rect width="180" height="80"/></pattern>
      <use xlink:href="#bar" x="10" y="10"/><use href="#knob" x="100" y="20" width="30" height="60"/>"""
    report = measured(tmp_path, body)
    contours = sorted((round(one.size_mm.x, 3), round(one.size_mm.y, 3)) for one in report.drawing.contours)
    assert contours == [(30, 30), (50, 5)]
    assert sides(report) == pytest.approx((120, 55))


@pytest.mark.slow
def test_use_of_itself_and_use_without_end_are_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, '<g id="a"><use href="#b"/></g><g id="b"><use href="#a"/></g>') == "dxf.recursion"
    laughs = "".join(f'<g id="g{i}">' + f'<use href="#g{i - 1}"/>' * 10 + "</g>" for i in range(1, 12))
    begin = time.process_time()
    assert refused(tmp_path, f'<defs><g id="g0">{RECTANGLE}</g>{laughs}</defs><use href="#g11"/>') == "dxf.block_expansion"
    assert time.process_time() - begin < 60


def test_what_does_not_show_is_not_cut(tmp_path: Path) -> None:
    hidden = f"""
      <style>.gone {{ display: none }} .cut {{ fill:none; stroke:#f00 }} /* .cut {{display:none}} */</style>
      <g style="display:none"><circle r="80" {LINE}/></g><g visibility="hidden"><circle r="80" {LINE}/></g>
      <circle class="gone" r="80" {LINE}/><circle r="80" fill="none"/><circle r="80" style="fill:none;stroke:none"/>
      <rect width="200" height="100" fill="white"/>"""
    report = measured(tmp_path, hidden + '<rect class="cut" width="60" height="30"/>')
    assert sides(report) == pytest.approx((60, 30))
    assert [(layer.name, layer.entities, layer.purpose) for layer in report.drawing.layers] == [("#f00", 1, "cut")]


def test_a_filled_shape_without_a_line_is_cut_along_its_edge(tmp_path: Path) -> None:
    report = measured(tmp_path, '<path d="M0 0H50V50H0Z M10 10H20V20H10Z"/>')
    assert (report.drawing.parts, report.sheet.area_mm2, report.sheet.pierces) == (1, pytest.approx(2400), 2)


def test_layers_of_inkscape_say_what_is_cut(tmp_path: Path) -> None:
    body = f"""
      <g inkscape:groupmode="layer" inkscape:label="Cut 3 mm">{RECTANGLE}</g>
      <g inkscape:groupmode="layer" inkscape:label="Gravur"><path d="M0 0H150" {LINE}/></g>
      <g id="annotation"><path d="M0 0V95" {LINE}/></g>
      <g id="text4711"><path d="M20 20h5v5h-5z" {LINE}/></g>
      <path d="M0 90h150" {LINE} stroke-dasharray="2 1"/>
      <text x="3" y="4">Lid of <tspan>box</tspan></text><image width="100" height="100"/>"""
    report = measured(tmp_path, body)
    purposes = {layer.name: layer.purpose for layer in report.drawing.layers}
    assert purposes == {"Cut 3 mm": "cut", "Gravur": "engrave", "annotation": "annotation", "black": "cut"}
    assert sides(report) == pytest.approx((60, 30))
    assert (len(report.drawing.contours), report.drawing.annotations, list(report.texts)) == (2, 2, ["Lid of box"])


def test_the_page_keeps_its_proportions_unless_it_is_told_not_to(tmp_path: Path) -> None:
    shape = f'<rect width="100" height="100" {LINE}/>'
    page = 'width="200mm" height="100mm" viewBox="0 0 100 100"'
    assert sides(measured(tmp_path, shape, page)) == pytest.approx((100, 100))
    assert sides(measured(tmp_path, shape, page + ' preserveAspectRatio="none"')) == pytest.approx((200, 100))
    assert sides(measured(tmp_path, shape, page + ' preserveAspectRatio="xMinYMin slice"')) == pytest.approx((200, 200))


def test_open_ends_are_told_from_the_lower_left_corner_of_the_page(tmp_path: Path) -> None:
    report = measured(tmp_path, f'<path d="M10 20H60" {LINE}/>{RECTANGLE}')
    assert {(round(end.x, 6), round(end.y, 6)) for end in report.drawing.open_ends} == {(10, 80), (60, 80)}


def test_the_picture_stands_upright(tmp_path: Path) -> None:
    measured(tmp_path, f'<path d="M0 0H100L50 80Z" {LINE}/>')
    picture = (tmp_path / "preview.svg").read_text(encoding="utf-8")
    assert "M0.0 0.0L" in picture or "L1000.0 0.0" in picture  # the wide edge is above, as it was drawn


def test_entities_are_not_expanded_and_nothing_is_fetched(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    outside = f'<!DOCTYPE svg [<!ENTITY x SYSTEM "file://{tmp_path}/secret.txt">]>'
    report = measured(tmp_path, f"<text>&x;</text>{RECTANGLE}", before=outside)
    assert list(report.texts) == ["&x;"]
    entities = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 12))
    laughs = f'<!DOCTYPE svg [<!ENTITY e0 "ha">{entities}]>'
    assert refused(tmp_path, f"<text>&e11;</text>{RECTANGLE}", before=laughs) == "file.unreadable"
    assert refused(tmp_path, '<path d="&e11;" stroke="red"/>', before=laughs) == "file.unreadable"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("", "dxf.no_contour"),
        ("<text>words</text>", "dxf.only_annotation"),
        ("<g>", "file.unreadable"),
        (f'<line x2="40" y2="30" {LINE}/>', "dxf.no_contour"),
        ('<rect width="1e300" height="10"/>', "dxf.numbers"),
        ("<g>" * 5000 + "</g>" * 5000, "file.unreadable"),
    ],
)
def test_what_is_no_cutting_drawing_is_refused(tmp_path: Path, body: str, code: str) -> None:
    assert refused(tmp_path, body) == code
