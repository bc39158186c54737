# SPDX-License-Identifier: AGPL-3.0-or-later
"""May a part be cut from board on a CNC router, or carved from above? Pure: from a report and the maker's demands alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from types import MappingProxyType

from commonfab import materials, v1
from commonfab.reasons import reason
from commonfab.units import mm
from registry.makeability.common import against_any, against_no_body, material_of, questions_of, tolerance_of, verdict
from registry.makeability.machining import (
    UNREACHED_MOST,
    UNREACHED_NOISE,
    USUAL_HOLE_DEPTH,
    against_uncut,
    cutting_data,
    depth_reason,
    directions_of,
    duration,
    grams,
    holes_in,
    is_shape,
    operations_of,
    parallel,
    per_cent,
    shaft_question,
    sides,
    tolerance_question,
    waste_question,
)
from registry.makeability.mill import deep_questions, smallest_drill, smallest_tool, too_deep
from registry.makeability.sheets import same_sheet, thickness_of
from registry.makeability.standard_parts import bought_question
from registry.makeability.stock import stock_question

PROCESS = "cnc_routing"

FAMILIES = ("wood", "thermoplastic", "composite", "foam", "aluminium", "brass")
"""What a router's fast, light spindle cuts. Steel wants a slower and stiffer machine (our own choice)."""

USUAL_REACH = 3.0
LONGEST_REACH = 6.0
"""Thickness over the diameter of the cutter: sold router cutters have a cutting length of about three diameters, extra long ones of six
(our own reading of cutter makers' tables)."""

LEAST_CUTTER_MM = 1.0
FINEST_CUTTER_MM = 0.5
"""Our own choice: below 1 mm cutters break in board and the hole is drilled by hand; below 0.5 mm nobody does it."""

EVERYDAY_CUTTER_MM = 6.0
"""The cutter that panel routers are mostly loaded with (our own choice)."""

SAME_MM = 0.01
"""Two widths that differ by less are one."""

SMALL_SIDE_MM = 30.0
"""Our own choice: below it a vacuum table and edge clamps hold nothing."""

HIGHEST_RELIEF_MM = 75.0
"""Our own choice: free height under the gantry and cutter length of common routers."""

OVERHANG_NOISE = 0.01
"""Our own choice: facets of a wall that should stand upright lean over by an error of rounding."""

CAREFUL_TOLERANCE_MM = 0.1
"""The band a careful shop routes in plastic; wood moves more than that with the weather (our own choice)."""

TURNED_OVER = 2

MINUTES_PER_SETUP = 6.0
MINUTES_PER_PIERCE = 0.1
MINUTES_PER_BLIND = 1.5
"""Our own choice: lay, clamp and zero a board; enter the cut on a ramp; clear an ordinary pocket."""

RELIEF_SLOWER = 8.0
"""Our own choice: a ball-nosed cutter of 6 mm steps aside by 0.5 mm where a flat one takes 4."""


@dataclass(frozen=True)
class Pace:
    """The feed in mm/min, and the depth of one pass over the diameter of the cutter."""

    feed: float
    step: float


PACE: Mapping[str, Pace] = MappingProxyType(
    {
        "wood": Pace(2500, 1.0),
        "foam": Pace(4000, 2.0),
        "thermoplastic": Pace(1500, 0.5),
        "composite": Pace(1000, 0.5),
        "metal": Pace(600, 0.15),
    }
)
"""Our own choice for a spindle of about 1 kW, on the careful side of cutter makers' tables. Where no material is named, as wood."""


def judge(report: v1.GeometryReport, demands: v1.Demands) -> list[v1.Makeability]:
    """The judgement of a part for CNC routing: cut from board where it is flat, carved in relief where all of it is seen from above.

    Infeasible where it is neither, in steel and what else a router does not cut, and with holes finer than any cutter. A question where
    the thickness is not known, corners are sharp, the cutter would be too thin for its length, or holes lie in the edge.
    """
    flat = is_board(report)
    against = [*against_any(PROCESS, report, demands), *against_uncut(demands, FAMILIES), *_against_shape(report, demands)]
    questions = [*questions_of(report), *(_flat_questions(report, demands) if flat else _relief_questions(report))]
    questions += tolerance_question(report, demands, CAREFUL_TOLERANCE_MM)
    need = requirement(report, demands)
    told = estimate(report, demands) if flat else estimate_relief(report, demands)
    return [verdict(PROCESS, against, questions, need, told, list(_notes(report, need)))]


def is_board(report: v1.GeometryReport) -> bool:
    """Whether the part is flat stock, not bent."""
    return report.HasField("sheet") and not report.sheet.bends


def requirement(report: v1.GeometryReport, demands: v1.Demands) -> v1.Requirement:
    """What a router must have."""
    thickness = thickness_of(report, demands) if is_board(report) else 0.0
    cutter, reach = (cuts_of(report).cutter, thickness) if is_board(report) else smallest_tool(report.solid)
    drill, drill_reach = (cuts_of(report).drilled, thickness) if is_board(report) else smallest_drill(report.solid.holes)
    ways = report.sheet.placements if is_board(report) else [way for lie in _carved_lies(report) for way in lie.placements]
    return v1.Requirement(
        process=PROCESS,
        size_mm=_of_thickness(report.sheet.blank_mm, thickness) if is_board(report) else report.size_mm,
        placements=[v1.Placement(turn=way.turn, size_mm=_of_thickness(way.size_mm, thickness)) for way in ways],
        material=material_of(demands),
        materials_allowed=() if demands.material else FAMILIES,
        axes=3,
        setups=set_ups(report),
        thickness_mm=thickness,
        smallest_tool_mm=cutter,
        tool_reach_mm=reach if cutter else 0.0,
        smallest_drill_mm=drill,
        drill_reach_mm=drill_reach if drill else 0.0,
        operations=operations_of(report, demands),
        tolerance_mm=tolerance_of(report, demands),
        stock="sheet" if is_board(report) else "block",
    )


@dataclass(frozen=True)
class Cuts:
    """Widths that limit the tools, mm, each 0 where nothing does: the smallest `drilled` hole, the narrowest `slot` that is not round, and
    twice the smallest `corner` radius."""

    drilled: float
    slot: float
    corner: float

    @property
    def cutter(self) -> float:
        """The largest cutter that goes into every slot and corner; 0 where any will do."""
        return min((width for width in (self.slot, self.corner) if width), default=0.0)

    @property
    def smallest(self) -> float:
        """The smallest tool of all, drills too; 0 where any will do."""
        return min((width for width in (self.drilled, self.cutter) if width), default=0.0)


def cuts_of(report: v1.GeometryReport) -> Cuts:
    """What limits the tools for a board. A round hole is drilled: a drill reaches deeper than a cutter of its size."""
    diameters = [hole.diameter_mm for hole in report.solid.holes] + [contour.diameter_mm for contour in report.drawing.contours]
    hole, corner = report.sheet.smallest_hole_mm, 2 * report.sheet.least_inner_radius_mm
    round_hole, round_corner = (any(abs(width - diameter) < SAME_MM for diameter in diameters if diameter) for width in (hole, corner))
    return Cuts(drilled=hole if round_hole else 0.0, slot=0.0 if round_hole else hole, corner=0.0 if round_corner else corner)


def set_ups(report: v1.GeometryReport) -> int:
    """Once for each face of the board that is worked on; through cuts need one."""
    directions = directions_of(report.solid)
    upright = [direction for direction in directions if parallel(direction, directions[0])]
    blind = report.sheet.blind_features + report.sheet.countersinks
    return TURNED_OVER if len(upright) > 1 and (blind > 1 or not is_board(report)) else 1


def estimate(report: v1.GeometryReport, demands: v1.Demands) -> v1.Estimate:
    """Minutes and grams of one flat piece; see the method it states."""
    sheet, thickness = report.sheet, thickness_of(report, demands)
    cutter = min(cuts_of(report).cutter or EVERYDAY_CUTTER_MM, EVERYDAY_CUTTER_MM)
    pace = pace_of(material_of(demands))
    passes = max(1, ceil(min(thickness / (pace.step * cutter), 1e6)))
    cutting = passes * sheet.cut_length_mm / pace.feed + passes * sheet.pierces * MINUTES_PER_PIERCE
    blind = (sheet.blind_features + sheet.countersinks) * MINUTES_PER_BLIND
    board = sheet.blank_mm.x * sheet.blank_mm.y * thickness
    return v1.Estimate(
        machine_time=duration(set_ups(report) * MINUTES_PER_SETUP + cutting + blind),
        grams=grams(board, material_of(demands) or "plywood"),
        method=(
            f"{passes} passes of a {cutter:.3g} mm cutter at {pace.feed:g} mm/min, {MINUTES_PER_SETUP:g} min a clamping, "
            f"{MINUTES_PER_BLIND:g} min a pocket; weight of the rectangle round the part, of plywood where no material is named"
        ),
    )


def estimate_relief(report: v1.GeometryReport, demands: v1.Demands) -> v1.Estimate:
    """Minutes and grams of one carved piece; see the method it states."""
    material = material_of(demands) or "wood"
    x, y, z = sides(report.size_mm)
    data = cutting_data(material)
    total = (
        set_ups(report) * MINUTES_PER_SETUP
        + max(0.0, x * y * z - report.volume_mm3) / 1000 / data.roughing
        + RELIEF_SLOWER * report.area_mm2 / 100 / data.finishing
    )
    return v1.Estimate(
        machine_time=duration(total),
        grams=grams(x * y * z, material),
        method=f"box less part at {data.roughing:g} cm³/min, then all of the surface line by line at "
        f"{data.finishing / RELIEF_SLOWER:.3g} cm²/min; weight of the box, of wood where no material is named",
    )


def pace_of(material: str) -> Pace:
    """How fast a material is routed; as wood where it is empty or unknown."""
    return next((PACE[term] for term in materials.broader_terms(material) if term in PACE), PACE["wood"])


def _against_shape(report: v1.GeometryReport, demands: v1.Demands) -> Iterator[v1.Reason]:
    if not is_shape(report):
        return
    if is_board(report):
        yield from _against_cuts(cuts_of(report), thickness_of(report, demands))
        return
    yield from against_no_body(report)
    if report.solid.unreachable_share > UNREACHED_MOST:
        yield reason("tool.unreachable", share=per_cent(report.solid.unreachable_share))
    yield from too_deep(report.solid)
    hidden = report.HasField("solid") and directions_of(report.solid) and not _from_above(report)
    high = report.volume_mm3 and min(sides(report.size_mm)) > HIGHEST_RELIEF_MM
    if report.sheet.bends or hidden or high:
        yield reason("shape.not_flat")


def _against_cuts(cuts: Cuts, thickness: float) -> Iterator[v1.Reason]:
    width = cuts.drilled or cuts.slot
    if 0 < width < FINEST_CUTTER_MM:
        yield reason("tool.min_hole", needs=mm(width), has=mm(FINEST_CUTTER_MM))
    elif cuts.slot and thickness > LONGEST_REACH * cuts.slot:
        yield depth_reason("cut-out", thickness, cuts.slot, LONGEST_REACH)


def _flat_questions(report: v1.GeometryReport, demands: v1.Demands) -> Iterator[v1.Reason]:
    sheet, thickness = report.sheet, thickness_of(report, demands)
    if not thickness:
        yield reason("material.thickness_unknown")
    elif demands.thickness_mm and sheet.thickness_mm and not same_sheet(sheet.thickness_mm, demands.thickness_mm):
        yield reason("material.thickness_differs", drawn=mm(sheet.thickness_mm), demanded=mm(demands.thickness_mm))
    parts = max(report.drawing.parts, report.bodies)
    if parts > 1:
        yield reason("shape.several_parts", parts=parts)
    if report.drawing.crossings:
        yield reason("shape.crossing_lines", crossings=report.drawing.crossings)
    if sheet.sharp_inner_corners or report.solid.sharp_inner_edges:
        yield reason("tool.corner")
    yield from _cutter_questions(cuts_of(report), thickness)
    edge = holes_in(hole for hole in report.solid.holes if _in_edge(hole, report.solid))
    if edge:
        yield reason("tool.in_edge", holes=edge)


def _cutter_questions(cuts: Cuts, thickness: float) -> Iterator[v1.Reason]:
    """Whether the tools that corners and cut-outs ask for are too fine, or too thin to reach through the board."""
    if 0 < cuts.smallest < LEAST_CUTTER_MM:
        yield reason("tool.min_hole", needs=mm(cuts.smallest), has=mm(LEAST_CUTTER_MM))
    if cuts.cutter and thickness > USUAL_REACH * cuts.cutter:
        yield depth_reason("cut", thickness, cuts.cutter, USUAL_REACH)
    if cuts.drilled and thickness > USUAL_HOLE_DEPTH * cuts.drilled:
        yield depth_reason("hole", thickness, cuts.drilled, USUAL_HOLE_DEPTH)


def _in_edge(hole: v1.Hole, solid: v1.SolidFacts) -> bool:
    """Whether a hole runs along the board. The first tool direction is the one that reaches most, so it is square to the board."""
    directions = directions_of(solid)
    return bool(directions) and not parallel(hole.axis, directions[0])


def _from_above(report: v1.GeometryReport) -> bool:
    directions = directions_of(report.solid)
    return all(parallel(direction, directions[0]) for direction in directions)


def _relief_questions(report: v1.GeometryReport) -> Iterator[v1.Reason]:
    """What is asked of a part that is no board: whether all of it is seen from above."""
    if report.bodies > 1:
        yield reason("shape.several_pieces", pieces=report.bodies)
    x, y, z = sorted(sides(report.size_mm))
    if y < SMALL_SIDE_MM:
        yield reason("shape.small", side=mm(y))
    yield from bought_question(report)
    yield from shaft_question(report)
    yield from waste_question(report, x * y * z)
    yield from stock_question(report)
    if report.solid.sharp_inner_edges:
        yield reason("tool.corner")
    if UNREACHED_NOISE < report.solid.unreachable_share <= UNREACHED_MOST:
        yield reason("tool.unreachable", share=per_cent(report.solid.unreachable_share))
    yield from deep_questions(report.solid)
    if report.HasField("solid"):
        if not directions_of(report.solid):
            yield reason("shape.sides_unknown")
    elif not list(_carved_lies(report)):
        yield reason("shape.mesh_only")


def _carved_lies(report: v1.GeometryReport) -> Iterator[v1.Lie]:
    """The ways to lie in which nothing hangs over and the part is no higher than a router reaches."""
    for lie in report.lies:
        low = all(way.size_mm.z <= HIGHEST_RELIEF_MM for way in lie.placements)
        if lie.overhang_area_mm2 <= OVERHANG_NOISE * report.area_mm2 and low:
            yield lie


def _notes(report: v1.GeometryReport, need: v1.Requirement) -> Iterator[v1.Reason]:
    if not is_board(report):
        yield reason("shape.relief")
    if need.setups == TURNED_OVER:
        yield reason("tool.turn_over")
    if is_board(report):
        small = min(report.sheet.blank_mm.x, report.sheet.blank_mm.y)
        if small < SMALL_SIDE_MM:
            yield reason("shape.small", side=mm(small))


def _of_thickness(size: v1.Size, thickness: float) -> v1.Size:
    return v1.Size(x=size.x, y=size.y, z=thickness or size.z)
