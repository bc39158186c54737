# SPDX-License-Identifier: AGPL-3.0-or-later
"""A geometry report as a table that a person likes to read: what the file is, what it measures, how it can be made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cli import describe
from commonfab import v1
from commonfab.units import Quantity, grams, mm

Row = tuple[str, str]

CERTAINTY = {
    v1.UNIT_CERTAINTY_DECLARED: "as the file or its maker declares",
    v1.UNIT_CERTAINTY_PLAUSIBLE: "not declared; the size is likely",
    v1.UNIT_CERTAINTY_RESOLVED: "settled by another file of the part",
    v1.UNIT_CERTAINTY_SUSPECT: "doubtful",
}


def rows(report: v1.GeometryReport) -> Iterator[Row]:
    """Every figure that was measured: what it is, and how much. Nothing that was not measured."""
    if report.format:
        yield "file", format_name(report.format)
    if report.unit:
        yield "unit", f"{report.unit}, {CERTAINTY.get(report.unit_certainty, 'not known')}"
    yield from _readings(report)
    yield from _body(report)
    for has, told in (
        ("mesh", _mesh),
        ("solid", _solid),
        ("sheet", _sheet),
        ("drawing", _drawing),
        ("toolpath", _toolpath),
    ):
        if report.HasField(has):  # type: ignore[arg-type]
            yield from told(getattr(report, has))
    yield from _lies(report)
    for setting in report.settings:
        yield f"declared {setting.key}", f"{setting.value} ({setting.source})"
    for text in report.texts:
        yield "text", text


def format_name(of: v1.FileFormat.ValueType) -> str:
    """A format as people write it: "STL, binary"."""
    name = v1.FileFormat.Name(of).removeprefix("FILE_FORMAT_")
    first, _, rest = name.partition("_")
    return f"{first}, {rest.lower()}" if rest else first


def _readings(report: v1.GeometryReport) -> Iterator[Row]:
    for reading in report.unit_readings:
        yield f"size if in {reading.unit}", describe.size(reading.size_mm)


def _body(report: v1.GeometryReport) -> Iterator[Row]:
    if not report.HasField("size_mm"):
        return
    yield "size", describe.size(report.size_mm)
    if report.volume_mm3:
        yield "volume", f"{report.volume_mm3 / 1000:.4g} cm³"
    if report.area_mm2:
        yield "surface", f"{report.area_mm2 / 100:.4g} cm²"
    if report.triangles:
        shape = "closed" if report.watertight else f"{report.open_edges} open edges, {report.non_manifold_edges} crowded edges"
        yield "triangles", f"{report.triangles}, {shape}"
    if report.bodies > 1:
        yield "bodies", str(report.bodies)


def _mesh(of: v1.MeshFacts) -> Iterator[Row]:
    if of.manifold_verdict:
        yield "manifold", of.manifold_verdict
    if of.walls.rays:
        walls = of.walls
        yield "walls", f"half over {mm(walls.median_mm)}, a twentieth under {mm(walls.p05_mm)}, thinnest {mm(walls.least_mm)}"
    if of.HasField("smallest_upright_box"):
        box = of.smallest_upright_box
        yield "smallest upright box", f"{describe.size(box.size_mm)}, turned by {box.turn.z_deg:.1f}°"
    if of.flat_base_areas_mm2:
        yield "largest flat base", f"{of.flat_base_areas_mm2[0] / 100:.4g} cm²"
    if of.plates > 1:
        yield "build plates", str(of.plates)


def _solid(of: v1.SolidFacts) -> Iterator[Row]:
    yield "solids", f"{of.solids} ({of.schema})" + (f", {of.invalid} invalid" if of.invalid else "")
    if of.faces:
        yield "faces", ", ".join(f"{face.count} {face.kind}" for face in of.faces)
    for hole in of.holes:
        yield "hole", _hole(hole)
    for pocket in of.pockets:
        kind = "cut-out" if pocket.through else "pocket"
        yield kind, f"{mm(pocket.depth_mm)} deep, {mm(pocket.least_width_mm)} wide, corners of radius {mm(pocket.least_corner_radius_mm)}"
    for bend in of.bends:
        yield "bend", _bend(bend)
    if of.HasField("turned"):
        yield "turned", f"{of.turned.share:.0%} of the surface, Ø {mm(of.turned.diameter_mm)} × {mm(of.turned.length_mm)}"
    if of.tool_directions:
        yield "set-ups", str(len(of.tool_directions))
    if of.HasField("product"):
        yield from _product(of.product, "")
    for tolerance in of.tolerances:
        yield "tolerance", f"{tolerance.kind}: {mm(tolerance.value_mm)}"
    for name in of.external_references:
        yield "refers to", name


def _hole(of: v1.Hole) -> str:
    told = f"{of.count or 1} × Ø {mm(of.diameter_mm)}, " + ("through" if of.through else f"{mm(of.depth_mm)} deep")
    if of.counterbore_diameter_mm:
        told += f", counterbore Ø {mm(of.counterbore_diameter_mm)} × {mm(of.counterbore_depth_mm)}"
    return told + (f", countersink Ø {mm(of.countersink_diameter_mm)}" if of.countersink_diameter_mm else "")


def _bend(of: v1.Bend) -> str:
    return f"{of.angle_deg:.4g}°, inner radius {mm(of.inner_radius_mm)}, {mm(of.length_mm)} long"


def _product(of: v1.ProductNode, indent: str) -> Iterator[Row]:
    bought = f" (bought: {of.bought_as})" if of.bought_as else ""
    yield "product", f"{indent}{of.quantity or 1} × {of.name}{bought}"
    for child in of.children:
        yield from _product(child, indent + "  ")


def _sheet(of: v1.SheetFacts) -> Iterator[Row]:
    thick = f"{mm(of.thickness_mm)} thick" if of.thickness_mm else "thickness not said"
    yield "sheet", f"{mm(of.blank_mm.x)} × {mm(of.blank_mm.y)}, {thick}"
    yield (
        "cuts",
        f"{mm(of.cut_length_mm)} in {of.pierces} contours" + (f", smallest hole {mm(of.smallest_hole_mm)}" * bool(of.smallest_hole_mm)),
    )
    if of.blind_features or of.countersinks:
        yield "not through", f"{of.blind_features} blind features, {of.countersinks} countersinks"
    if of.bends:
        yield "bends", "; ".join(map(_bend, of.bends))


def _drawing(of: v1.DrawingFacts) -> Iterator[Row]:
    yield "drawing", f"{of.version}, {of.parts} parts, {len(of.contours)} contours, {of.annotations} annotations"
    for layer in of.layers:
        yield "layer", f"{layer.name}: {layer.entities} lines ({layer.purpose})"
    for end in of.open_ends[:10]:
        yield "open end", f"at {end.x:.4g}, {end.y:.4g}, gap {mm(end.gap_mm)}"
    if of.duplicate_lines:
        yield "drawn twice", f"{of.duplicate_lines} lines"


def _toolpath(of: v1.ToolpathFacts) -> Iterator[Row]:
    kind = v1.ToolpathKind.Name(of.machine_kind).removeprefix("TOOLPATH_KIND_").lower()
    yield "toolpath", f"for {kind}{f', {of.dialect}' if of.dialect else ''}; {of.lines} lines; axes {' '.join(of.axes)}"
    low, high = of.work_low_mm, of.work_high_mm
    yield "works within", f"x {low.x:.4g} to {high.x:.4g}, y {low.y:.4g} to {high.y:.4g}, z {low.z:.4g} to {high.z:.4g} mm"
    yield (
        "time",
        f"{Quantity(of.estimated_seconds / 60, 'min')}"
        + (f"; its slicer says {Quantity(of.claimed_seconds / 60, 'min')}" if of.claimed_seconds else ""),
    )
    if of.nozzle_c or of.bed_c:
        yield "heat", f"nozzle {of.nozzle_c:.0f} °C, bed {of.bed_c:.0f} °C"
    if of.generator:
        yield "written by", of.generator


def _lies(report: v1.GeometryReport) -> Iterator[Row]:
    for lie in report.lies[:3]:
        if lie.placements:
            name = "as drawn" if lie.as_drawn else "laid on another face"
            base, over = lie.base_area_mm2 / 100, lie.overhang_area_mm2 / 100
            yield name, f"{describe.size(lie.placements[0].size_mm)}, base {base:.3g} cm², overhang {over:.3g} cm²"


def judgements(ways: Iterable[v1.Makeability]) -> Iterator[tuple[str, str, str, str]]:
    """For each process: its name, the verdict, what one piece takes, and why."""
    for way in ways:
        expected = ""
        if way.HasField("estimate"):
            expected = f"{describe.duration(way.estimate.machine_time)}, {grams(way.estimate.grams)}"
        why = "; ".join(f"{reason.message} ({reason.code})" for reason in way.reasons)
        yield way.process, describe.word(v1.Verdict.Name(way.verdict), "VERDICT_"), expected, why
