# SPDX-License-Identifier: AGPL-3.0-or-later
"""Cutting flat parts from sheet with a beam or a jet: what laser, plasma and water have in common. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from google.protobuf.duration_pb2 import Duration

from commonfab import materials, v1
from commonfab.reasons import reason
from commonfab.units import mm
from registry.makeability import common
from registry.makeability.cutting_rules import NOISE_MM, Rule, RuledMaterial, rule_over
from registry.makeability.sheet_bend import bend_questions, brake
from registry.makeability.sheets import same_sheet, thickness_of

FINE_MM = 2.0
"""Holes and strips wider than this are cut by any beam or jet; below, the machine's kerf must be narrower. Our own choice."""

HANDLING_MINUTES = 3.0
"""To lay the sheet and to set the zero; our own choice."""

TRAVEL_MM_PER_S = 150.0
TRAVEL_MM = 100.0
"""From one cut to the next, on average; our own choice for small machines."""

LONGEST_S = 1e9
"""A Duration ends at 10,000 years; a drawing in absurd numbers must not break the judge."""


@dataclass(frozen=True)
class Cutter:
    """A way to cut sheet.

    Attributes: `rules`, what it does to each material; `least_hole` and `least_web`, the width in mm of the smallest hole that comes out
    round enough and of the narrowest strip that stays, for a thickness in mm; `best_tolerance_mm`, the width of the narrowest band that
    such machines keep; `speed`, mm/s for a ruled material and a thickness in mm; `pierce_s`, to get through at the start of a cut;
    `method`, how `speed` came about.
    """

    process: str
    rules: Mapping[str, Rule]
    least_hole: Callable[[float], float]
    least_web: Callable[[float], float]
    best_tolerance_mm: float
    speed: Callable[[RuledMaterial, float], float]
    pierce_s: Callable[[float], float]
    method: str


def judge_cut(cutter: Cutter, report: v1.GeometryReport, demands: v1.Demands) -> v1.Makeability:
    """The judgement of a part for one way to cut sheet.

    Infeasible where the part is no sheet, has features that do not go through, is of a material that this way cannot cut or must not, is
    thicker than any such machine cuts, or has holes that are too small. A question where the material or the thickness is not known, or
    where only a person can say. Bends become a second step.
    """
    found = rule_over(cutter.rules, common.material_of(demands))
    against = [
        *common.against_any(cutter.process, report, demands),
        *_against_shape(cutter, report, demands),
        *common.against_tolerance(report, demands, cutter.best_tolerance_mm),
        *found.against,
        *_against_thickness(found, report, demands),
        *_against_bends(found, report),
    ]
    questions = [*common.questions_of(report), *found.questions, *_questions(cutter, report, demands), *_bending(found, report, demands)]
    return common.verdict(
        cutter.process,
        against,
        questions,
        _requirement(cutter, found, report, demands),
        _estimate(cutter, found, report, demands),
        list(_notes(report)),
    )


def _against_shape(cutter: Cutter, report: v1.GeometryReport, demands: v1.Demands) -> Iterator[v1.Reason]:
    if not report.HasField("sheet"):
        if not report.faults and report.format and not report.HasField("toolpath"):
            yield reason("shape.not_flat")
        return
    sheet = report.sheet
    if sheet.blind_features:
        yield reason("route.blind_features", features=sheet.blind_features)
    thickness = thickness_of(report, demands)
    least = cutter.least_hole(thickness)
    if thickness and 0 < sheet.smallest_hole_mm < least - NOISE_MM:
        yield reason("tool.min_hole", needs=mm(sheet.smallest_hole_mm), has=mm(least))


def _against_thickness(found: RuledMaterial, report: v1.GeometryReport, demands: v1.Demands) -> list[v1.Reason]:
    thickness = thickness_of(report, demands)
    if found.thickest_mm and thickness > found.thickest_mm + NOISE_MM:
        return [reason("material.too_thick", found.name, needs=mm(thickness), has=mm(found.thickest_mm))]
    return []


def _against_bends(found: RuledMaterial, report: v1.GeometryReport) -> list[v1.Reason]:
    """Metal is bent on a brake and a thermoplastic over a hot wire; wood and cardboard break or need another drawing."""
    if not report.sheet.bends or found.bending:
        return []
    return [reason("route.bend_material", found.name)]


def _questions(cutter: Cutter, report: v1.GeometryReport, demands: v1.Demands) -> Iterator[v1.Reason]:
    sheet, drawing = report.sheet, report.drawing
    thickness = thickness_of(report, demands)
    if not thickness:
        yield reason("material.thickness_unknown")
    elif demands.thickness_mm and sheet.thickness_mm and not same_sheet(sheet.thickness_mm, demands.thickness_mm):
        yield reason("material.thickness_differs", drawn=mm(sheet.thickness_mm), demanded=mm(demands.thickness_mm))
    # The cavity of a solid is a body of its mesh, but no part.
    parts = max(drawing.parts, report.solids or report.bodies)
    if parts > 1:
        yield reason("shape.several_parts", parts=parts)
    if drawing.crossings:
        yield reason("shape.crossing_lines", crossings=drawing.crossings)
    if thickness and 0 < sheet.narrowest_web_mm < cutter.least_web(thickness) - NOISE_MM:
        yield reason("tool.min_web", needs=mm(sheet.narrowest_web_mm), has=mm(cutter.least_web(thickness)))


def _bending(found: RuledMaterial, report: v1.GeometryReport, demands: v1.Demands) -> Iterator[v1.Reason]:
    """What the press brake asks: a part is not half made."""
    if report.sheet.bends and found.bending == "press_brake":
        yield from bend_questions(report, demands)


def _notes(report: v1.GeometryReport) -> Iterator[v1.Reason]:
    if report.sheet.bends:
        yield reason("route.two_steps", "cutting the flat blank, then bending it")
    if report.sheet.countersinks:
        yield reason("route.countersink", holes=report.sheet.countersinks)


def _requirement(cutter: Cutter, found: RuledMaterial, report: v1.GeometryReport, demands: v1.Demands) -> v1.Requirement:
    sheet, thickness = report.sheet, thickness_of(report, demands)
    material = common.material_of(demands)
    fine = [width for width in (sheet.smallest_hole_mm, sheet.narrowest_web_mm) if 0 < width < FINE_MM]
    need = v1.Requirement(
        process=cutter.process,
        size_mm=_flat(sheet.blank_mm, thickness),
        material=material,
        materials_allowed=found.allowed,
        placements=[v1.Placement(turn=way.turn, size_mm=_flat(way.size_mm, thickness)) for way in sheet.placements],
        thickness_mm=thickness,
        least_power_w=found.least_power_w(thickness),
        smallest_feature_mm=min(fine, default=0.0),
        tolerance_mm=common.tolerance_of(report, demands),
        stock="sheet",
        operations=_operations(found, report, demands),
    )
    if sheet.bends and found.bending == "press_brake":
        need.then.append(brake(report, demands))
    return need


def _operations(found: RuledMaterial, report: v1.GeometryReport, demands: v1.Demands) -> list[str]:
    """What is done at the bench afterwards, each term once."""
    wanted = list(demands.operations)
    if report.sheet.countersinks:
        wanted += [operation for operation in ("countersink", "counterbore") if _has_holes(report, operation)] or ["countersink"]
    if report.sheet.bends and found.bending == "by_hand":
        wanted.append("bend")
    return list(dict.fromkeys(wanted))


def _has_holes(report: v1.GeometryReport, operation: str) -> bool:
    return any(getattr(hole, f"{operation}_diameter_mm") for hole in report.solid.holes)


def _flat(size: v1.Size, thickness: float) -> v1.Size:
    return v1.Size(x=size.x, y=size.y, z=thickness or size.z)


def _estimate(cutter: Cutter, found: RuledMaterial, report: v1.GeometryReport, demands: v1.Demands) -> v1.Estimate | None:
    """Machine time and grams of one piece: grams = area · thickness · density; none where material or thickness is not known.

    Time = handling + cuts / speed + pierces · (piercing + travel).
    """
    sheet, thickness = report.sheet, thickness_of(report, demands)
    if not thickness or not found.name:
        return None
    speed = cutter.speed(found, thickness)
    if not speed:
        return None
    starts = max(1, sheet.pierces)
    seconds = HANDLING_MINUTES * 60 + sheet.cut_length_mm / speed
    seconds += starts * (cutter.pierce_s(thickness) + TRAVEL_MM / TRAVEL_MM_PER_S)
    area = sheet.area_mm2 or sheet.blank_mm.x * sheet.blank_mm.y
    grams = area * thickness / 1000 * materials.density_of(found.name)
    method = f"{sheet.cut_length_mm:.0f} mm of cuts at {speed * 60 / 1000:.2g} m/min and {starts} starts; {cutter.method}."
    return v1.Estimate(machine_time=Duration(seconds=round(min(seconds, LONGEST_S))), grams=round(grams, 2), method=method)
