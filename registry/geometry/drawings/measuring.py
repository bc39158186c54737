# SPDX-License-Identifier: AGPL-3.0-or-later
"""Cutting drawings, measured."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from commonfab import v1
from commonfab.reasons import reason
from commonfab.units import MILLIMETRES_PER, Quantity, mm
from registry.geometry.boxes import turned_boxes
from registry.geometry.drawings.contours import Loop, crossing_loops, least_inner_radius, loops_of, sharp_inner_corners, width_of
from registry.geometry.drawings.duplicates import drawn_once
from registry.geometry.drawings.joining import Joined, Line, join, tolerance
from registry.geometry.drawings.layers import BEND, CUT
from registry.geometry.drawings.lines import Drawn, Points, Stroke
from registry.geometry.drawings.nesting import Nest, narrowest_web, nested
from registry.geometry.drawings.open_ends import note_open_ends
from registry.geometry.drawings.picture import PICTURE, draw
from registry.geometry.faults import Unmeasurable
from registry.geometry.source import Source
from registry.geometry.unit_reading import QUESTIONS, note_unit, readings_text

FARTHEST_MM = 1e12
"""Coordinates beyond this are garbage and not lengths."""

MOST_CONTOURS = 1000
MOST_FOR_WEBS = 200_000
"""Points of closed lines up to which the narrowest web is looked for."""

MOST_TILTED = 0.1
"""The share of lines that do not lie flat from which a drawing is a wire model and no cutting drawing."""


def measure(report: v1.GeometryReport, source: Source) -> None:
    """Measure a drawing into `report`, and leave a picture of it in the scratch folder. Errors: `Unmeasurable`."""
    note_drawing(report, source, _read(source))


def note_drawing(report: v1.GeometryReport, source: Source, drawn: Drawn) -> None:
    """Measure what was read into `report`, and leave a picture of it. Errors: `Unmeasurable`, with the report filled as far as it goes."""
    facts = report.drawing
    facts.version, facts.insunits, facts.annotations = drawn.version, drawn.insunits, drawn.annotations
    facts.unread_entities.extend(sorted(drawn.unread)[:100])
    facts.layers.extend(
        v1.Layer(name=name, entities=count, purpose=drawn.purposes.get(name, CUT)) for name, count in sorted(drawn.entities.items())
    )
    report.texts.extend(drawn.texts)
    report.warnings.extend(drawn.remarks)
    if drawn.unread:
        report.warnings.append(reason("dxf.unread", ", ".join(sorted(drawn.unread)[:10])))
    strokes = _in_millimetres(drawn, drawn.factor or MILLIMETRES_PER[source.declared_unit or "mm"])
    _refuse_what_is_not_flat(report, drawn)
    cuts = [stroke for stroke in strokes if stroke.purpose == CUT and stroke.length > 0]
    if not cuts:
        _note_size(report, drawn, source, [stroke.points for stroke in strokes])
        if strokes or drawn.annotations:
            raise Unmeasurable("dxf.only_annotation", ", ".join(sorted(drawn.entities)[:10]) or "text")
        raise Unmeasurable("dxf.no_contour")
    _measure_cuts(report, source, drawn, cuts, [stroke for stroke in strokes if stroke.purpose != CUT])


def _read(source: Source) -> Drawn:
    if source.format == v1.FILE_FORMAT_SVG:
        from registry.geometry.drawings.svg import read_svg

        return read_svg(source.path, MILLIMETRES_PER[source.declared_unit] if source.declared_unit else 0.0)
    from registry.geometry.drawings.dxf import read_dxf

    return read_dxf(source.path)


def _in_millimetres(drawn: Drawn, factor: float) -> list[Stroke]:
    bad = 0
    strokes: list[Stroke] = []
    for stroke in drawn.strokes:
        points = stroke.points * factor
        if not (np.abs(points) < FARTHEST_MM).all():  # not a number is not below it either
            bad += 1
            continue
        strokes.append(replace(stroke, points=points, length=stroke.length * factor, bow=stroke.bow * factor**2))
    if bad:
        raise Unmeasurable("dxf.numbers", bad=bad)
    return strokes


def _refuse_what_is_not_flat(report: v1.GeometryReport, drawn: Drawn) -> None:
    solid = drawn.spatial + drawn.tilted
    if drawn.spatial and (not drawn.strokes or drawn.spatial > len(drawn.strokes)):
        raise Unmeasurable("dxf.three_dimensional", entities=solid)
    if drawn.tilted > MOST_TILTED * len(drawn.strokes):
        raise Unmeasurable("dxf.three_dimensional", entities=solid)
    if drawn.spatial:
        report.warnings.append(reason("dxf.three_dimensional", entities=drawn.spatial))
    if drawn.height:
        report.warnings.append(reason("dxf.laid_flat", height=Quantity(drawn.height)))


def _note_size(report: v1.GeometryReport, drawn: Drawn, source: Source, rows: list[Points]) -> None:
    if not rows:
        report.unit = drawn.unit
        return
    x, y = np.ptp(np.concatenate(rows), axis=0).tolist()
    report.size_mm.CopyFrom(v1.Size(x=x, y=y, z=0.0))
    note_unit(report, drawn.unit, source.declared_unit)
    if drawn.pixels and not source.declared_unit:
        report.warnings.append(reason("svg.pixels", per_inch=drawn.pixels))
        if report.unit_certainty == v1.UNIT_CERTAINTY_SUSPECT:
            _ask_about_pixels(report, drawn.pixels)


def _ask_about_pixels(report: v1.GeometryReport, per_inch: float) -> None:
    """Put the readings that pixels have in the place of those that units have."""
    kept = [warning for warning in report.warnings if warning.code not in QUESTIONS]
    del report.warnings[:], report.unit_readings[:]
    report.unit_readings.extend(_pixel_readings(report.size_mm, per_inch))
    report.warnings.extend([*kept, reason("units.unknown", readings_text(report.unit_readings))])


def _pixel_readings(size: v1.Size, per_inch: float) -> list[v1.UnitReading]:
    """The size if so many pixels go to the inch, as browsers, Inkscape before 0.92 and Illustrator count, and if each is a millimetre."""
    scales = {"px at 96 per inch": 25.4 / 96, "px at 90 per inch": 25.4 / 90, "px at 72 per inch": 25.4 / 72, "mm": 1.0, "inch": 25.4}
    pixel = 25.4 / per_inch
    return [v1.UnitReading(unit=name, size_mm=v1.Size(x=size.x / pixel * f, y=size.y / pixel * f)) for name, f in scales.items()]


def _measure_cuts(report: v1.GeometryReport, source: Source, drawn: Drawn, cuts: list[Stroke], aside: list[Stroke]) -> None:
    facts = report.drawing
    within = tolerance(cuts)
    once = drawn_once(cuts, within / 4)
    facts.duplicate_lines = once.duplicates
    if once.duplicates:
        report.warnings.append(reason("dxf.duplicate_lines", lines=once.duplicates))
    joined = join(once.strokes, within)
    loops, slits = loops_of(joined.closed)
    nest = nested(loops)
    _draw(source, loops, nest, joined, slits, aside)
    sheet = loops[nest.sheet] if nest.sheet >= 0 else None
    rows = [loop.points for index, loop in enumerate(loops) if index != nest.sheet] + [line.points for line in joined.opened + slits]
    _note_size(report, drawn, source, rows)
    note_open_ends(report, joined.ends, joined.end_layers)
    facts.cut_length_mm = sum(stroke.length for stroke in once.strokes) - (sheet.length if sheet else 0.0)
    if not loops:
        raise Unmeasurable("dxf.no_contour")
    _note_loops(report, loops, nest, within)
    bends = [v1.Bend(length_mm=stroke.length) for stroke in aside if stroke.purpose == BEND]
    pierces = len(loops) - (sheet is not None) + len(joined.opened) + len(slits)
    _note_sheet(report, loops, nest, within, pierces, bends)


def _draw(source: Source, loops: list[Loop], nest: Nest, joined: Joined, slits: list[Line], aside: list[Stroke]) -> None:
    rows: dict[str, list[Points]] = {
        "outer": [loop.points for index, loop in enumerate(loops) if nest.outer[index] and index != nest.sheet],
        "inner": [loop.points for index, loop in enumerate(loops) if not nest.outer[index]],
        "open": [line.points for line in joined.opened + slits],
        "aside": [stroke.points for stroke in aside] + ([loops[nest.sheet].points] if nest.sheet >= 0 else []),
    }
    if any(rows.values()):
        draw(source.scratch / PICTURE, rows, joined.ends)


def _note_loops(report: v1.GeometryReport, loops: list[Loop], nest: Nest, within: float) -> None:
    facts = report.drawing
    order = sorted(range(len(loops)), key=lambda index: (not nest.outer[index], -loops[index].area))
    facts.contours.extend(_contour(loops[index], bool(nest.outer[index]), int(nest.part[index])) for index in order[:MOST_CONTOURS])
    facts.parts = int(nest.part.max(initial=0))
    facts.crossings = crossing_loops(loops)
    if facts.crossings:
        report.warnings.append(reason("dxf.crossing", contours=facts.crossings))
    if facts.parts > 1:
        report.warnings.append(reason("dxf.several_parts", parts=facts.parts))
    if nest.sheet >= 0:
        x, y = np.ptp(loops[nest.sheet].points, axis=0).tolist()
        facts.sheet_mm.CopyFrom(v1.Size(x=x, y=y))
        report.warnings.append(reason("dxf.sheet_outline", f"{Quantity(x)} × {mm(y)}"))
    holes = [width_of(loop) for loop, outer in zip(loops, nest.outer, strict=True) if not outer]
    facts.smallest_hole_mm = min(holes, default=0.0)


def _contour(loop: Loop, outer: bool, part: int) -> v1.Contour:
    x, y = np.ptp(loop.points, axis=0).tolist()
    return v1.Contour(
        layer=loop.layer,
        outer=outer,
        length_mm=loop.length,
        area_mm2=loop.area,
        size_mm=v1.Size(x=x, y=y),
        diameter_mm=loop.diameter,
        part=part,
    )


def _note_sheet(report: v1.GeometryReport, loops: list[Loop], nest: Nest, within: float, pierces: int, bends: list[v1.Bend]) -> None:
    """What cutting the parts takes, the sheet left out."""
    chosen = [index for index in range(len(loops)) if index != nest.sheet]
    placements = turned_boxes(np.concatenate([loops[index].points for index in chosen]), 0.0)
    smallest = min(placements, key=lambda placement: placement.size_mm.x * placement.size_mm.y).size_mm
    longer, shorter = max(smallest.x, smallest.y), min(smallest.x, smallest.y)
    area = sum(loops[index].area * (1 if nest.outer[index] else -1) for index in chosen)
    radii = [least_inner_radius(loops[index], bool(nest.outer[index]), within) for index in chosen]
    few = sum(len(loop.points) for loop in loops) <= MOST_FOR_WEBS
    report.area_mm2 = area
    report.sheet.CopyFrom(
        v1.SheetFacts(
            blank_mm=v1.Size(x=longer, y=shorter),
            placements=placements,
            cut_length_mm=report.drawing.cut_length_mm,
            pierces=pierces,
            smallest_hole_mm=report.drawing.smallest_hole_mm,
            narrowest_web_mm=narrowest_web(loops, nest) if few else 0.0,
            bends=bends[:1000],
            area_mm2=area,
            least_inner_radius_mm=min((radius for radius in radii if radius is not None), default=0.0),
            sharp_inner_corners=sum(sharp_inner_corners(loops[index], bool(nest.outer[index]), within) for index in chosen),
        )
    )
    report.signature.CopyFrom(
        v1.ShapeSignature(
            kind="flat",
            fullness=area / (longer * shorter) if longer * shorter else 0.0,
            sides_mm=[longer, shorter],
            measure=area,
            boundary=report.drawing.cut_length_mm,
            holes=int((~nest.outer).sum()),
        )
    )
