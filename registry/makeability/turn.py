# SPDX-License-Identifier: AGPL-3.0-or-later
"""May a part be turned, alone or before it is milled, and what would it take? Pure: from a report and the maker's demands alone."""

from __future__ import annotations

from collections.abc import Iterator
from math import atan2, degrees, hypot, pi

from commonfab import v1
from commonfab.reasons import reason
from commonfab.units import mm
from registry.makeability.common import against_any, against_no_body, material_of, questions_of, tolerance_of, verdict
from registry.makeability.machining import (
    FAMILIES,
    MINUTES_PER_HOLE,
    UNREACHED_MOST,
    WHOLLY_TURNED,
    against_holes,
    against_uncut,
    cutting_data,
    duration,
    grams,
    hole_questions,
    hole_wall_mm2,
    holes_in,
    operations_of,
    parallel,
    per_cent,
    several_pieces,
    sides,
    thread_hints,
    tolerance_question,
    waste_question,
)
from registry.makeability.standard_parts import bought_question

PROCESS = "turning"

PARTLY_TURNED = 0.50
"""Share of the surface about one axis. Our own choice: where less than half is turned the lathe does the smaller part of the work, and a
mill does it all in the same clamping."""

TAILSTOCK_RATIO = 3.0
STEADY_RATIO = 10.0
"""Length over diameter: up to 3 held in the chuck alone, up to 10 with a tailstock, above it with a steady or follow rest. The usual rule
of turners; the deflection of a beam held at one end grows with the third power of its length."""

THIN_DISC_RATIO = 0.05
THIN_DISC_MM = 30.0
"""Our own choice: a disc of this diameter and more that is thinner than a twentieth of it has nothing that jaws can grip."""

CAREFUL_TOLERANCE_MM = 0.01
"""The band a careful shop turns: ISO 286 IT6 at 10 to 18 mm is 0.011 mm. Finer is ground."""

HOLES_MAKE_UP = 0.8
"""Our own choice: where the walls of holes make up this share of what is not turned, they are drilled at the bench; else the part is
milled."""

DIAMETER_ALLOWANCE_MM = 2.0
LENGTH_ALLOWANCE_MM = 5.0
"""Our own choice: bar is bought in steps of about 2 mm, and 5 mm of length go for facing both ends and parting off."""

CLAMPINGS = 2
MINUTES_PER_CLAMPING = 5.0
"""Our own choice: both ends are faced, so the part is turned round once."""

AS_ROUND = 0.01
"""Our own choice: sides of a tessellated round part differ by less than this, and its hull is no fuller than the cylinder round it."""


def judge(report: v1.GeometryReport, demands: v1.Demands) -> list[v1.Makeability]:
    """The judgement of a part for turning.

    Infeasible where less than half of the surface is turned about one axis, with a fault, without a body, or in a material that is not cut
    into chips. Where the rest is holes and flats, milling or drilling follows as a second step. A question for a mesh that may be round,
    for slender shafts and thin discs, and for tight tolerances.
    """
    against = [*against_any(PROCESS, report, demands), *against_uncut(demands), *against_no_body(report), *_against_shape(report)]
    questions = [*questions_of(report), *_questions(report, demands)]
    need = requirement(report, demands)
    return [verdict(PROCESS, against, questions, need, estimate(report, demands), list(_notes(report, need)))]


def requirement(report: v1.GeometryReport, demands: v1.Demands) -> v1.Requirement:
    """What a lathe must have: length between centres along X, swing across; and what follows on another machine."""
    length, diameter = bar(report)
    operations = [*operations_of(report, demands), *(["drill"] if _only_drilled(report) else [])]
    return v1.Requirement(
        process=PROCESS,
        size_mm=report.size_mm,
        placements=[v1.Placement(turn=along_x(report.solid.turned.axis), size_mm=v1.Size(x=length, y=diameter, z=diameter))],
        keep_direction=True,
        material=material_of(demands),
        materials_allowed=() if demands.material else FAMILIES,
        setups=CLAMPINGS,
        operations=dict.fromkeys(operations),
        tolerance_mm=tolerance_of(report, demands),
        stock="bar",
        then=_second_step(report, demands),
    )


def bar(report: v1.GeometryReport) -> tuple[float, float]:
    """The length along the axis of rotation and the diameter that the lathe must swing, mm.

    Of a mesh, which says nothing of an axis, the side that differs from two equal ones is the length.
    """
    if report.solid.turned.share:
        return report.solid.turned.length_mm, report.solid.turned.diameter_mm
    low, middle, high = sorted(sides(report.size_mm))
    return (high, middle) if middle - low <= high - middle else (low, high)


def bar_mm3(report: v1.GeometryReport) -> float:
    """The bar the part is cut from, with its allowances, mm³."""
    length, diameter = bar(report)
    return pi / 4 * (diameter + DIAMETER_ALLOWANCE_MM) ** 2 * (length + LENGTH_ALLOWANCE_MM)


def along_x(axis: v1.Vector) -> v1.Rotation:
    """The turn about the fixed X axis, then about Y, that lays `axis` along X."""
    about_x = atan2(axis.y, axis.z) if axis.y or axis.z else 0.0
    about_y = atan2(hypot(axis.y, axis.z), axis.x)
    return v1.Rotation(x_deg=degrees(about_x), y_deg=degrees(about_y))


def estimate(report: v1.GeometryReport, demands: v1.Demands) -> v1.Estimate:
    """Minutes and grams of one piece; see the method it states. Steps on other machines are not counted."""
    stock = bar_mm3(report)
    data = cutting_data(material_of(demands))
    roughing = max(0.0, stock - report.volume_mm3) / 1000 / data.roughing
    finishing = report.area_mm2 * max(report.solid.turned.share, PARTLY_TURNED) / 100 / data.finishing
    coaxial = [hole for hole in report.solid.holes if parallel(hole.axis, report.solid.turned.axis) and hole.count <= 1]
    total = CLAMPINGS * MINUTES_PER_CLAMPING + roughing + finishing + len(coaxial) * MINUTES_PER_HOLE
    return v1.Estimate(
        machine_time=duration(total),
        grams=grams(stock, material_of(demands)),
        method=(
            f"bar {DIAMETER_ALLOWANCE_MM:g} mm thicker and {LENGTH_ALLOWANCE_MM:g} mm longer than the part; {data.roughing:g} cm³/min "
            f"roughing, {data.finishing:g} cm²/min finishing, {MINUTES_PER_CLAMPING:g} min a clamping; later steps are not counted"
        ),
    )


def _off_axis(solid: v1.SolidFacts) -> list[v1.Hole]:
    """Holes that do not lie on the axis: across it, or several in a ring."""
    return [hole for hole in solid.holes if hole.count > 1 or not parallel(hole.axis, solid.turned.axis)]


def _only_drilled(report: v1.GeometryReport) -> bool:
    """Whether what is not turned is holes, which a lathe's shop drills at a bench, and no flats or grooves."""
    solid = report.solid
    not_turned = (1 - solid.turned.share) * report.area_mm2
    return bool(_off_axis(solid)) and not solid.pockets and hole_wall_mm2(_off_axis(solid)) >= HOLES_MAKE_UP * not_turned


def _second_step(report: v1.GeometryReport, demands: v1.Demands) -> list[v1.Requirement]:
    """What a mill adds to the turned blank, if anything."""
    turned = report.solid.turned.share >= WHOLLY_TURNED and not report.solid.pockets and not _off_axis(report.solid)
    if turned or _only_drilled(report):
        return []
    step = v1.Requirement(
        process="milling",
        size_mm=report.size_mm,
        material=material_of(demands),
        axes=3,
        smallest_drill_mm=min((hole.diameter_mm for hole in _off_axis(report.solid) if hole.diameter_mm > 0), default=0.0),
        tolerance_mm=tolerance_of(report, demands),
    )
    return [step]


def _against_shape(report: v1.GeometryReport) -> Iterator[v1.Reason]:
    solid = report.solid
    if report.HasField("solid"):
        if solid.turned.share < PARTLY_TURNED:
            yield reason("shape.not_turned", share=per_cent(solid.turned.share))
        yield from against_holes(solid.holes)
    elif report.volume_mm3 and not may_be_round(report):
        yield reason("shape.not_turned", share=per_cent(0))


def may_be_round(report: v1.GeometryReport) -> bool:
    """Whether a mesh may be turned work about an axis of the file: two equal sides, and no more in its hull than in the cylinder round it.

    A square bar fills more than that. An oval or a gear may pass, which is why the answer is a question.
    """
    length, diameter = bar(report)
    low, middle, high = sorted(sides(report.size_mm))
    equal = min(middle - low, high - middle) <= AS_ROUND * high
    filled = max(report.mesh.hull_volume_mm3, report.volume_mm3)
    return equal and filled <= (1 + AS_ROUND) * pi / 4 * diameter**2 * length


def _questions(report: v1.GeometryReport, demands: v1.Demands) -> Iterator[v1.Reason]:
    length, diameter = bar(report)
    if not report.HasField("solid"):
        yield reason("shape.mesh_only")
    yield from several_pieces(report)
    yield from bought_question(report)
    if diameter and length > STEADY_RATIO * diameter:
        yield reason("shape.too_slender", ratio=length / diameter, usual=STEADY_RATIO)
    if diameter >= THIN_DISC_MM and length < THIN_DISC_RATIO * diameter:
        yield reason("shape.thin_disc", diameter=mm(diameter), length=mm(length))
    yield from waste_question(report, bar_mm3(report))
    # A groove inside is out of sight of straight tools and turned with a hooked one; a hollow is not, and only a person tells them apart.
    if report.solid.unreachable_share > UNREACHED_MOST:
        yield reason("tool.unreachable", share=per_cent(report.solid.unreachable_share))
    yield from hole_questions(report.solid.holes)
    yield from tolerance_question(report, demands, CAREFUL_TOLERANCE_MM)


def _notes(report: v1.GeometryReport, need: v1.Requirement) -> Iterator[v1.Reason]:
    length, diameter = bar(report)
    if diameter and length > TAILSTOCK_RATIO * diameter:
        yield reason("shape.tailstock", ratio=length / diameter)
    if need.then:
        yield reason("route.two_steps", "turned, then milled")
    elif _only_drilled(report):
        yield reason("route.two_steps", f"turned, then {holes_in(_off_axis(report.solid))} holes drilled")
    yield from thread_hints(report, need.operations)
