# SPDX-License-Identifier: AGPL-3.0-or-later
"""May a part be bent from sheet on a press brake, and what would it take? Pure: from a report and the maker's demands alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from commonfab import materials, v1
from commonfab.reasons import reason
from commonfab.units import Quantity, mm
from registry.makeability.common import against_any, material_of, questions_of, tolerance_of, verdict
from registry.makeability.machining import duration, grams, is_shape, operations_of, several_pieces, tolerance_question
from registry.makeability.sheets import thickness_of

PROCESS = "sheet_bending"

FAMILIES = ("metal",)
"""Thermoplastics are bent hot over a wire, which is another trade."""

LEAST_RADIUS: Mapping[str, float] = MappingProxyType(
    {
        "aluminium_7075": 5.0,
        "aluminium_6061": 3.0,
        "aluminium_6082": 3.0,
        "aluminium_5083": 1.5,
        "aluminium_5754": 1.0,
        "aluminium_1050": 0.5,
        "aluminium": 1.0,
        "titanium": 2.5,
        "magnesium": 5.0,
        "spring_steel": 3.0,
        "tool_steel": 3.0,
        "stainless_steel": 0.5,
        "copper": 0.5,
        "brass": 1.0,
        "metal": 0.5,
    }
)
"""The smallest inner radius over the thickness, by material. DIN 6935 lets mild steel of 3 mm be bent with 1 t and recommends more across
the grain; shops bend it to 0.5 t. EN 485-2 gives 1 to 1.5 t for 5754 and 5083 and 3 t and more for 6061 and 6082 in T6; titanium grade 2
wants 2.5 t (ASTM B265). 7075-T6, magnesium and hardened steel crack below the figures given: our own reading of makers' data sheets."""

RADIUS_SLACK = 0.01
"""A radius drawn as the limit itself is not below it."""

USUAL_ANGLE_DEG = 135.0
"""Our own choice: with a common acute punch and die of 30° a bend closes to 30° between its legs, springs back and is let go at 45°."""

THICKEST_MM = 12.0
"""Our own choice: a press of 100 t and 3 m bends 6 mm over its length and 12 mm over 1 m."""

STRENGTH_MPA = 400.0
"""Tensile strength of mild steel S235 as it is delivered, at most 510 MPa (EN 10025-2)."""

DIE_WIDTHS = 8.0
"""The die's opening over the thickness that is usual for air bending."""

CAREFUL_TOLERANCE_MM = 0.4
"""The band a careful shop bends: ±0.2 mm from edge to bend; DIN 6935 allows more."""

MINUTES_PER_BEND = 1.0
MINUTES_TO_SET = 5.0
CUT_MM_PER_MINUTE = 3000.0
"""Our own choice: a person bends a small part once a minute; a fibre laser cuts 2 mm steel at 3 m/min and more."""


def judge(report: v1.GeometryReport, demands: v1.Demands) -> list[v1.Makeability]:
    """The judgement of a part for cutting flat and bending, which are two steps and need two machines.

    Infeasible where nothing is bent, with a fault, or in a material that is no metal. A question where a radius is tight for the material,
    a bend is closed further than a punch reaches, or the sheet is thicker than common presses take. Flanges too short for the die are not
    looked for: the report does not say how long they are.
    """
    against = [*against_any(PROCESS, report, demands), *_against(report, demands)]
    questions = [*questions_of(report), *_questions(report, demands)]
    notes = [reason("route.two_steps", "cut flat, then bent"), *_force(report, demands)]
    return [verdict(PROCESS, against, questions, requirement(report, demands), estimate(report, demands), notes)]


def bends_of(report: v1.GeometryReport) -> Sequence[v1.Bend]:
    """The bends of the sheet, or where the blank could not be unfolded, of the solid."""
    return report.sheet.bends or report.solid.bends


def requirement(report: v1.GeometryReport, demands: v1.Demands) -> v1.Requirement:
    """The cut of the blank by any machine that cuts such sheet, then the press brake."""
    sheet = report.sheet
    return v1.Requirement(
        process="cutting",
        size_mm=sheet.blank_mm if sheet.HasField("blank_mm") else report.size_mm,
        placements=sheet.placements,
        material=material_of(demands),
        materials_allowed=() if demands.material else FAMILIES,
        thickness_mm=thickness_of(report, demands),
        stock="sheet",
        then=[brake(report, demands)],
    )


def brake(report: v1.GeometryReport, demands: v1.Demands) -> v1.Requirement:
    """What a press brake must have: the width of the longest bend."""
    wide = max((bend.length_mm for bend in bends_of(report)), default=0.0)
    return v1.Requirement(
        process=PROCESS,
        # Of a press only the width between its frames counts: the sheet stands out before it and above it.
        size_mm=v1.Size(x=wide),
        placements=[v1.Placement(size_mm=v1.Size(x=wide))],
        keep_direction=True,
        material=material_of(demands),
        materials_allowed=() if demands.material else FAMILIES,
        thickness_mm=thickness_of(report, demands),
        operations=[operation for operation in operations_of(report, demands) if operation != "bend"],
        tolerance_mm=tolerance_of(report, demands),
        stock="sheet",
    )


def estimate(report: v1.GeometryReport, demands: v1.Demands) -> v1.Estimate:
    """Minutes and grams of one piece; see the method it states."""
    sheet = report.sheet
    blank = sheet.blank_mm.x * sheet.blank_mm.y * thickness_of(report, demands) or report.volume_mm3
    total = MINUTES_TO_SET + len(bends_of(report)) * MINUTES_PER_BEND + sheet.cut_length_mm / CUT_MM_PER_MINUTE
    return v1.Estimate(
        machine_time=duration(total),
        grams=grams(blank, material_of(demands) or "mild_steel"),
        method=(
            f"{MINUTES_TO_SET:g} min to set the press, {MINUTES_PER_BEND:g} min a bend, cut at {CUT_MM_PER_MINUTE / 1000:g} m/min; "
            "weight of the rectangle round the blank, of steel where no material is named"
        ),
    )


def _against(report: v1.GeometryReport, demands: v1.Demands) -> Iterator[v1.Reason]:
    wanted = material_of(demands)
    if wanted in materials.BROADER and not materials.satisfies(wanted, "metal"):
        yield reason("material.not_for_process", wanted)
    if is_shape(report) and not bends_of(report):
        yield reason("shape.no_bends")


def _questions(report: v1.GeometryReport, demands: v1.Demands) -> Iterator[v1.Reason]:
    yield from several_pieces(report)
    if bends_of(report) and not thickness_of(report, demands):
        yield reason("material.thickness_unknown")
    yield from bend_questions(report, demands)
    yield from tolerance_question(report, demands, CAREFUL_TOLERANCE_MM)


def bend_questions(report: v1.GeometryReport, demands: v1.Demands) -> Iterator[v1.Reason]:
    """What a press brake asks of the bends, whatever cuts the blank: radius, angle, thickness."""
    thickness, bends = thickness_of(report, demands), bends_of(report)
    if bends and thickness:
        yield from _tight_radius(min(bend.inner_radius_mm for bend in bends), thickness, material_of(demands))
    angle = max((bend.angle_deg for bend in bends), default=0.0)
    if angle > USUAL_ANGLE_DEG:
        yield reason("bend.angle", angle=Quantity(angle, "°"), usual=Quantity(USUAL_ANGLE_DEG, "°"))
    if thickness > THICKEST_MM:
        yield reason("bend.too_thick", needs=mm(thickness), has=mm(THICKEST_MM))


def _tight_radius(radius: float, thickness: float, material: str) -> Iterator[v1.Reason]:
    usual = least_radius(material) * thickness
    if radius < usual * (1 - RADIUS_SLACK):
        yield reason("bend.radius", material or "mild steel", radius=mm(radius), thickness=mm(thickness), usual=mm(usual))


def least_radius(material: str) -> float:
    """The smallest inner radius over the thickness that `material` is bent to; that of mild steel where it is empty or unknown."""
    return next((LEAST_RADIUS[term] for term in materials.broader_terms(material) if term in LEAST_RADIUS), LEAST_RADIUS["metal"])


def _force(report: v1.GeometryReport, demands: v1.Demands) -> Iterator[v1.Reason]:
    """The force of air bending, F = 1.42 · L · R_m · t² / V with a die V of 8 t: the usual formula of press makers."""
    wide = max((bend.length_mm for bend in bends_of(report)), default=0.0)
    newtons = 1.42 * wide * STRENGTH_MPA * thickness_of(report, demands) / DIE_WIDTHS
    if newtons:
        yield reason("bend.force", force=Quantity(newtons / 1000, "kN"))
