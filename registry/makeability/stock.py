# SPDX-License-Identifier: AGPL-3.0-or-later
"""Is a part no more than a piece of bar or profile that is sawn off and drilled? Pure: from a report and the maker's demands alone."""

from __future__ import annotations

from collections.abc import Iterator
from math import pi

from commonfab import v1
from commonfab.reasons import reason
from commonfab.units import mm
from registry.makeability.common import against_any, against_no_body, material_of, questions_of, tolerance_of, verdict
from registry.makeability.machining import (
    FAMILIES,
    MINUTES_PER_HOLE,
    WHOLLY_TURNED,
    against_uncut,
    duration,
    grams,
    holes_in,
    is_shape,
    operations_of,
    several_pieces,
    sides,
    tolerance_question,
)
from registry.makeability.standard_parts import bought_question

PROCESS = "sawing"

LONG = 6.0
"""Length over the next side. Our own choice: below it a piece is handled as a block; profile is sold and sawn by its length."""

ONE_SECTION = 0.97
"""Our own choice: the share of the surface, ends and holes left out, that runs along a profile; the rest is rounding and marks."""

FULL_BAR = 0.985
"""Our own choice: the volume of a plain bar over that of its box or cylinder, with the holes added; below it something else is cut off."""

ALL_ALONG = 0.98
"""Our own choice: a hollow this deep, as a share of the length, belongs to the profile; the rest are chamfers at its ends."""

SAWN_TOLERANCE_MM = 0.5
"""The band of a good cold saw, mm (±0.25); finer ends are faced on a lathe or a mill."""

MINUTES_PER_CUT = 2.0
SAW_KERF_MM = 2.5
"""Our own choice: measure, clamp and cut; a cold saw's blade."""


def judge(report: v1.GeometryReport, demands: v1.Demands) -> list[v1.Makeability]:
    """The judgement whether a part is sawn from bought stock, and drilled where it has holes.

    Infeasible where it is not long, not of one section, or shows pockets; else feasible on a saw, with drilling as an operation.
    """
    shape = section(report)
    against = [*against_any(PROCESS, report, demands), *against_uncut(demands), *against_no_body(report)]
    if is_shape(report) and not shape:
        against.append(reason("shape.no_stock"))
    questions = [
        *questions_of(report),
        *several_pieces(report),
        *bought_question(report),
        *tolerance_question(report, demands, SAWN_TOLERANCE_MM),
    ]
    need, told = requirement(report, demands, shape), estimate(report, demands)
    return [verdict(PROCESS, against, questions, need, told, stock_question(report))]


def stock_question(report: v1.GeometryReport) -> list[v1.Reason]:
    """What a mill and a router ask where a piece off a bar or profile would do."""
    shape = section(report)
    return [reason("shape.is_stock", shape, length=mm(max(sides(report.size_mm))))] if shape else []


def section(report: v1.GeometryReport) -> str:
    """What stock a part is a length of: "round bar of 12 mm", "profile of 40 × 40 mm"; empty where it is none."""
    low, middle, high = sorted(sides(report.size_mm))
    cut_in = [pocket for pocket in report.solid.pockets if not (pocket.through and _all_along(pocket.depth_mm, report))]
    if not middle or high < LONG * middle or cut_in or report.solid.bends or report.sheet.bends:
        return ""
    return next(_sections(report, low, middle, high), "")


def _sections(report: v1.GeometryReport, low: float, middle: float, high: float) -> Iterator[str]:
    full = report.volume_mm3 + sum(_round_mm3(hole) for hole in drilled(report))
    bores = [hole for hole in report.solid.holes if hole.through and _all_along(hole.depth_mm, report)]
    round_mm3 = pi / 4 * middle**2 * high - sum(_round_mm3(bore) for bore in bores)
    if middle - low <= 0.01 * middle and FULL_BAR <= full / round_mm3 <= 2 - FULL_BAR:
        bore = max((bore.diameter_mm for bore in bores), default=0.0)
        yield f"round tube of {middle:.4g} × {mm((middle - bore) / 2)}" if bore else f"round bar of {mm(middle)}"
    elif full >= FULL_BAR * low * middle * high:
        yield f"flat bar of {middle:.4g} × {mm(low)}" if middle > 1.01 * low else f"square bar of {mm(middle)}"
    elif report.solid.profile_share >= ONE_SECTION and report.solid.turned.share < WHOLLY_TURNED:
        # A shaft with steps runs lengthwise nearly all over, too.
        yield f"profile of {middle:.4g} × {mm(low)}"


def drilled(report: v1.GeometryReport) -> list[v1.Hole]:
    """The holes that are drilled into the stock; the bore of a tube is bought with it."""
    return [hole for hole in report.solid.holes if not (hole.through and _all_along(hole.depth_mm, report))]


def _all_along(depth_mm: float, report: v1.GeometryReport) -> bool:
    return depth_mm >= ALL_ALONG * max(sides(report.size_mm))


def _round_mm3(hole: v1.Hole) -> float:
    return max(hole.count, 1) * pi / 4 * hole.diameter_mm**2 * hole.depth_mm


def requirement(report: v1.GeometryReport, demands: v1.Demands, shape: str) -> v1.Requirement:
    """What the saw must take, the length along X, and that somebody drills."""
    low, middle, high = sorted(sides(report.size_mm))
    operations = operations_of(report, demands)
    if drilled(report) and "drill" not in operations:
        operations.append("drill")
    return v1.Requirement(
        process=PROCESS,
        size_mm=report.size_mm,
        placements=[v1.Placement(size_mm=v1.Size(x=high, y=middle, z=low)), v1.Placement(size_mm=v1.Size(x=high, y=low, z=middle))],
        keep_direction=True,
        material=material_of(demands),
        materials_allowed=() if demands.material else FAMILIES,
        operations=operations,
        tolerance_mm=tolerance_of(report, demands),
        stock="profile" if shape.startswith(("profile", "round tube")) else "bar",
    )


def estimate(report: v1.GeometryReport, demands: v1.Demands) -> v1.Estimate:
    """Minutes and grams of one piece: one cut, its kerf, and the holes."""
    longest = max(sides(report.size_mm))
    with_kerf = report.volume_mm3 * (1 + SAW_KERF_MM / longest) if longest else 0.0
    holes = holes_in(drilled(report))
    return v1.Estimate(
        machine_time=duration(MINUTES_PER_CUT + holes * MINUTES_PER_HOLE),
        grams=grams(with_kerf, material_of(demands)),
        method=f"{MINUTES_PER_CUT:g} min a cut with {SAW_KERF_MM:g} mm of kerf, {MINUTES_PER_HOLE:g} min a hole; weight as drawn",
    )
