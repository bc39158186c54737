# SPDX-License-Identifier: AGPL-3.0-or-later
"""May a part be milled on 3, 3+1 or 3+2 axes, and what would it take? Pure: from a report and the maker's demands alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from commonfab import materials, v1
from commonfab.reasons import reason
from commonfab.units import mm
from registry.makeability.common import against_any, against_no_body, material_of, questions_of, tolerance_of, verdict
from registry.makeability.machining import (
    FAMILIES,
    MINUTES_PER_HOLE,
    UNREACHED_MOST,
    UNREACHED_NOISE,
    against_holes,
    against_uncut,
    cutting_data,
    depth_reason,
    directions_of,
    duration,
    grams,
    hole_questions,
    holes_in,
    operations_of,
    per_cent,
    several_pieces,
    shaft_question,
    sides,
    thread_hints,
    tolerance_question,
    waste_question,
)
from registry.makeability.setups import SetUps, room, set_ups
from registry.makeability.standard_parts import bought_question
from registry.makeability.stock import stock_question

PROCESS = "milling"

USUAL_REACH = 4.0
LONGEST_REACH = 10.0
"""Depth over diameter of an end mill: 4 with a common one, up to 10 with a long one that chatters. Protolabs Network's CNC design guide
recommends a cavity depth of 4 widths and calls 10 tool diameters feasible."""

LEAST_WALL_METAL_MM = 0.8
LEAST_WALL_OTHER_MM = 1.5
"""The thinnest wall that stands against the cutter; recommended by the same guide for metals and for plastics."""

CAREFUL_TOLERANCE_MM = 0.02
"""The band a careful shop mills: ISO 286 IT7 at 18 to 30 mm is 0.021 mm. Finer is reamed, bored or ground."""

MANY_SETUPS = 4
"""Our own choice: a part that is clamped on more than four sides is worth a word."""

ALLOWANCE_MM = 2.0
"""Material on each side of the block that is milled away: sawn stock is that uneven (our own choice)."""

MINUTES_PER_SETUP = 8.0
"""Our own choice: clean, clamp, probe."""

FREEFORM_SLOWER = 6.0
"""Our own choice: a ball-nosed cutter steps aside by 0.3 to 0.5 mm where a flat one takes 5, at a higher feed."""

FREEFORM = ("bspline", "sphere", "torus", "revolution", "other")


def judge(report: v1.GeometryReport, demands: v1.Demands) -> list[v1.Makeability]:
    """The judgement of a part for milling.

    Infeasible with a fault, without a body, in a material that is not cut into chips, with a hole or pocket too deep for any tool, or
    with more than `UNREACHED_MOST` of the surface out of reach. A question where only a person can say: a mesh, sharp inner corners, deep
    pockets, thin walls, tight tolerances, turned or bent work. Otherwise feasible on a machine that meets the requirement.
    """
    against = [*against_any(PROCESS, report, demands), *against_uncut(demands), *against_no_body(report), *_out_of_reach(report)]
    questions = [*questions_of(report), *_questions(report, demands)]
    plan = set_ups(directions_of(report.solid))
    need = requirement(report, demands, plan)
    notes = list(_notes(report, need))
    return [verdict(PROCESS, against, questions, need, estimate(report, demands, plan), notes)]


def requirement(report: v1.GeometryReport, demands: v1.Demands, plan: SetUps) -> v1.Requirement:
    """What a machine must have to mill the part in the set-ups of `plan`."""
    diameter, reach = smallest_tool(report.solid)
    drill, drill_reach = smallest_drill(report.solid.holes)
    return v1.Requirement(
        process=PROCESS,
        size_mm=report.size_mm,
        placements=room(report.size_mm, directions_of(report.solid)),
        material=material_of(demands),
        materials_allowed=() if demands.material else FAMILIES,
        axes=plan.axes,
        setups=plan.times,
        smallest_tool_mm=diameter,
        tool_reach_mm=reach,
        smallest_drill_mm=drill,
        drill_reach_mm=drill_reach,
        operations=operations_of(report, demands),
        tolerance_mm=tolerance_of(report, demands),
        stock="block",
    )


def smallest_tool(solid: v1.SolidFacts) -> tuple[float, float]:
    """The diameter of the smallest end mill that is needed, mm, and how deep it must reach, mm; zeros where any will do."""
    tools = [(pocket_tool(pocket), pocket.depth_mm) for pocket in solid.pockets]
    return _smallest([*tools, (2 * solid.least_inner_radius_mm, 0.0)])


def smallest_drill(holes: Iterable[v1.Hole]) -> tuple[float, float]:
    """The diameter of the smallest hole, mm, and how deep its drill must reach, mm; zeros without holes."""
    return _smallest([(hole.diameter_mm, hole.depth_mm) for hole in holes])


def _smallest(tools: Iterable[tuple[float, float]]) -> tuple[float, float]:
    """The least width that is known, and the deepest place of that width."""
    known = [tool for tool in tools if tool[0] > 0]
    least = min((width for width, _ in known), default=0.0)
    return least, max((reach for width, reach in known if width == least), default=0.0)


def pocket_tool(pocket: v1.Pocket) -> float:
    """The largest cutter that goes into all of a pocket, mm: twice its corner radius, and no wider than its narrowest place.

    Of a sharp corner, which no cutter makes, only the width counts.
    """
    return min((limit for limit in (2 * pocket.least_corner_radius_mm, pocket.least_width_mm) if limit > 0), default=0.0)


def estimate(report: v1.GeometryReport, demands: v1.Demands, plan: SetUps) -> v1.Estimate:
    """Minutes and grams of one piece; see the method it states.

    Roughing: (block − part) / chips per minute. Finishing: surface / surface per minute, free-form faces six times as long. The rates are
    those of `machining.CUTTING`. Grams are those of the block, which is what is bought.
    """
    data = cutting_data(material_of(demands))
    block = block_mm3(report)
    roughing = max(0.0, block - report.volume_mm3) / 1000 / data.roughing
    freeform = sum(face.area_mm2 for face in report.solid.faces if face.kind in FREEFORM)
    finishing = (report.area_mm2 + (FREEFORM_SLOWER - 1) * freeform) / 100 / data.finishing
    total = plan.times * MINUTES_PER_SETUP + roughing + finishing + holes_in(report.solid.holes) * MINUTES_PER_HOLE
    return v1.Estimate(
        machine_time=duration(total),
        grams=grams(block, material_of(demands)),
        method=(
            f"block with {ALLOWANCE_MM:g} mm on each side; {data.roughing:g} cm³/min roughing, {data.finishing:g} cm²/min finishing, "
            f"{MINUTES_PER_SETUP:g} min a clamping, {MINUTES_PER_HOLE:g} min a hole; programming is not counted"
        ),
    )


def block_mm3(report: v1.GeometryReport) -> float:
    """The block the part is cut from: its box and the allowance on each side, mm³."""
    x, y, z = (side + 2 * ALLOWANCE_MM for side in sides(report.size_mm))
    return x * y * z


def _out_of_reach(report: v1.GeometryReport) -> Iterator[v1.Reason]:
    solid = report.solid
    if solid.unreachable_share > UNREACHED_MOST:
        yield reason("tool.unreachable", share=per_cent(solid.unreachable_share))
    yield from too_deep(solid)


def too_deep(solid: v1.SolidFacts) -> Iterator[v1.Reason]:
    """The hole and the pocket that no drill and no cutter reaches the end of."""
    yield from against_holes(solid.holes)
    yield from _worst_pocket(solid, LONGEST_REACH, float("inf"))


def deep_questions(solid: v1.SolidFacts) -> Iterator[v1.Reason]:
    """What is asked about deep pockets and about holes."""
    yield from _worst_pocket(solid, USUAL_REACH, LONGEST_REACH)
    yield from hole_questions(solid.holes)


def _worst_pocket(solid: v1.SolidFacts, above: float, upto: float) -> list[v1.Reason]:
    deep = {pocket.depth_mm / pocket_tool(pocket): pocket for pocket in solid.pockets if pocket_tool(pocket) > 0}
    worst = max((ratio for ratio in deep if above < ratio <= upto), default=0.0)
    return [depth_reason("pocket", deep[worst].depth_mm, pocket_tool(deep[worst]), above)] if worst else []


def _questions(report: v1.GeometryReport, demands: v1.Demands) -> Iterator[v1.Reason]:
    solid = report.solid
    if not report.HasField("solid"):
        yield reason("shape.mesh_only")
    elif not solid.tool_directions:
        yield reason("shape.sides_unknown")
    yield from several_pieces(report)
    yield from bought_question(report)
    yield from _wrong_shape(report)
    if solid.sharp_inner_edges:
        yield reason("tool.corner")
    if UNREACHED_NOISE < solid.unreachable_share <= UNREACHED_MOST:
        yield reason("tool.unreachable", share=per_cent(solid.unreachable_share))
    yield from deep_questions(solid)
    yield from _thin_walls(report, demands)
    yield from tolerance_question(report, demands, CAREFUL_TOLERANCE_MM)


def _wrong_shape(report: v1.GeometryReport) -> list[v1.Reason]:
    """What can be milled and hardly anybody would: sheet work, shafts, a shell out of a block."""
    if report.solid.bends or report.sheet.bends:
        return [reason("shape.bent")]
    return [*waste_question(report, block_mm3(report)), *shaft_question(report), *stock_question(report)]


def _thin_walls(report: v1.GeometryReport, demands: v1.Demands) -> list[v1.Reason]:
    """One hundredth of the surface over walls thinner than what stands against the cutter. Where no material is named, as in metal."""
    needs = report.mesh.walls.p01_mm
    wanted = material_of(demands)
    has = LEAST_WALL_METAL_MM if not wanted or materials.satisfies(wanted, "metal") else LEAST_WALL_OTHER_MM
    return [reason("shape.thin_wall", needs=mm(needs), has=mm(has))] if 0 < needs < has else []


def _notes(report: v1.GeometryReport, need: v1.Requirement) -> Iterator[v1.Reason]:
    if need.setups > MANY_SETUPS:
        yield reason("tool.many_setups", setups=need.setups)
    yield from thread_hints(report, need.operations)
