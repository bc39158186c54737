# SPDX-License-Identifier: AGPL-3.0-or-later
"""May a part be made by fused deposition modelling (FDM), and what would it take? Pure: from a report and the maker's demands alone."""

from __future__ import annotations

from collections.abc import Sequence

from google.protobuf.duration_pb2 import Duration

from commonfab import materials, v1
from commonfab.reasons import reason
from commonfab.units import Quantity
from registry.makeability import printing
from registry.makeability.common import (
    against_any,
    against_material,
    against_no_body,
    against_tolerance,
    material_of,
    questions_of,
    tolerance_of,
    verdict,
)

PROCESS = "fdm"

FAMILIES = materials.FILAMENTS
"""A sibling of them that is not sold as filament, such as acrylic, will not do; a family that holds some, such as thermoplastic, will."""

NOZZLE_MM = 0.4
"""The nozzle of nearly every printer. Of walls thinner than it, slicers leave parts out."""

LEAST_HOLE_MM = 1.0
"""Holes narrower than this close, or stay too narrow for anything; they are drilled. Our own choice."""

BEST_TOLERANCE_MM = 0.1
"""Twice ±0.05 mm: what a well calibrated printer keeps over a few centimetres. Our own choice."""

LEAST_OVERHANG_MM2 = 25.0
OVERHANG_SHARE = 0.01
"""Overhang below both this area and this share of the surface is bridged without supports. Our own choice."""

LEAST_BASE_SHARE = 0.001
"""A lie, other than the one drawn, must touch the bed with this part of the rectangle it takes up. Our own choice."""

ALWAYS_ENCLOSED = ("abs", "hips")
ENCLOSED_WHERE_LARGE = ("asa", "nylon", "polycarbonate", "pp")
LARGE_MM = 100.0
"""ABS and HIPS warp and give off styrene (Azimi et al., Environ. Sci. Technol. 2016, 50, 1260), so they are printed in a closed chamber;
the others warp where a side is longer than this. Our own choice, after what makers of filament advise."""

SHELL_MM = 1.1
INFILL_PERCENT = 20.0
LAYER_MM = 0.3
DENSITY_WHERE_OPEN = materials.DENSITY_G_PER_CM3["pla"]
DEPOSITION_MM3_PER_S = 5.0
START_MINUTES = 5.0
SUPPORT_SHARE = 0.15
LONGEST_S = 1e9


def judge(report: v1.GeometryReport, demands: v1.Demands) -> list[v1.Makeability]:
    """The judgement of a part for FDM.

    Infeasible with a fault, without volume, or where another process, a material that is no filament, or a tolerance beyond any printer is
    demanded. A question where only a person can say: thin walls, or overhang in every lie though no supports are wanted. Otherwise feasible
    on a machine that meets the requirement; size is the router's affair, which knows machines.
    """
    settings = printing.settings_of(demands)
    nozzle = printing.number_of(settings, "nozzle_mm", NOZZLE_MM)
    against = [
        *against_any(PROCESS, report, demands),
        *against_material(demands, FAMILIES),
        *against_no_body(report),
        *against_tolerance(report, demands, BEST_TOLERANCE_MM),
    ]
    questions = [*questions_of(report), *printing.wall_questions(report, nozzle), *_support_questions(report, settings)]
    notes = [
        *_overhang_notes(report, settings),
        *printing.wall_notes(report, nozzle),
        *printing.hole_notes(report, LEAST_HOLE_MM),
        *printing.body_notes(report),
    ]
    requirement = _requirement(report, demands, settings, nozzle)
    return [verdict(PROCESS, against, questions, requirement, estimate(report, requirement.material, settings), notes)]


def _requirement(report: v1.GeometryReport, demands: v1.Demands, settings: Sequence[v1.Setting], nozzle: float) -> v1.Requirement:
    lies, material = _usable_lies(report, settings), material_of(demands)
    return v1.Requirement(
        process=PROCESS,
        size_mm=report.size_mm,
        material=material,
        materials_allowed=() if material else ("thermoplastic",),
        placements=printing.placements_of(lies),
        operations=demands.operations,
        enclosed=_enclosed(report, material),
        tolerance_mm=tolerance_of(report, demands),
        smallest_feature_mm=printing.finest_mm(report, nozzle),
        settings=settings,
        stock="filament",
    )


def _enclosed(report: v1.GeometryReport, material: str) -> bool:
    large = max(report.size_mm.x, report.size_mm.y) > LARGE_MM
    families = (*ALWAYS_ENCLOSED, *ENCLOSED_WHERE_LARGE) if large else ALWAYS_ENCLOSED
    return any(materials.satisfies(material, family) for family in families)


def _needs_supports(lie: v1.Lie, report: v1.GeometryReport) -> bool:
    return lie.overhang_area_mm2 > max(LEAST_OVERHANG_MM2, OVERHANG_SHARE * report.area_mm2)


def _standing(lies: Sequence[v1.Lie]) -> list[v1.Lie]:
    """Without those in which the part would stand on points or edges only: nothing holds the first layer to the bed."""
    return [lie for lie in lies if lie.as_drawn or any(lie.base_area_mm2 >= LEAST_BASE_SHARE * _foot(way) for way in lie.placements)]


def _foot(way: v1.Placement) -> float:
    return way.size_mm.x * way.size_mm.y


def _usable_lies(report: v1.GeometryReport, settings: Sequence[v1.Setting]) -> list[v1.Lie]:
    """The lies by preference; without supports those that need none, unless all do: then a person is asked."""
    lies = _standing(printing.lies_by_preference(report))
    if not printing.supports_forbidden(settings):
        return lies
    return [lie for lie in lies if not _needs_supports(lie, report)] or lies


def _support_questions(report: v1.GeometryReport, settings: Sequence[v1.Setting]) -> list[v1.Reason]:
    lies = _standing(report.lies)
    if not lies or not printing.supports_forbidden(settings) or not all(_needs_supports(lie, report) for lie in lies):
        return []
    least = min(lie.overhang_area_mm2 for lie in lies)
    return [reason("support.forbidden", overhang=Quantity(least, "mm²"))]


def _overhang_notes(report: v1.GeometryReport, settings: Sequence[v1.Setting]) -> list[v1.Reason]:
    lies = _usable_lies(report, settings)
    if not lies or not _needs_supports(lies[0], report):
        return []
    return [reason("shape.overhang", overhang=Quantity(lies[0].overhang_area_mm2, "mm²"))]


def estimate(report: v1.GeometryReport, material: str, settings: Sequence[v1.Setting] = ()) -> v1.Estimate:
    """Grams and machine time of one piece, from volume V, surface A, height and overhang alone.

    Filament volume F = S + i · (V − S) + s with the shell S = min(V, A · 1.1 mm): three walls of a 0.4 mm nozzle are somewhat thicker and
    three layers of 0.3 mm somewhat thinner; the infill i is 20 % where none is demanded. All three are what PrusaSlicer 2.5.0 does when
    nothing is set. Supports s = overhang · half the height · 15 %, our own choice: a grid that mostly stands on the bed.
    Grams = F · density (that of PLA where no material is demanded, or one of unknown density).
    Minutes = 5 + F / (5 mm³/s): 5 minutes to heat and home, and 5 mm³/s as the average over walls, infill and travel with layers of 0.3 mm;
    thinner layers that are demanded slow it in proportion. Against that slicer's own figures for a cube, a plate, a bracket, a disc, a
    block and a ring, the grams are within 20 % and the minutes within 26 %; a faster or slower printer is off by its own factor.
    """
    infill = min(100.0, printing.number_of(settings, "infill_percent", INFILL_PERCENT)) / 100
    layer = printing.number_of(settings, "layer_height_mm", LAYER_MM)
    volume = report.volume_mm3
    shell = min(volume, report.area_mm2 * SHELL_MM)
    supports = _support_volume(report, settings)
    filament = shell + infill * (volume - shell) + supports
    seconds = START_MINUTES * 60 + filament / (DEPOSITION_MM3_PER_S * min(1.0, layer / LAYER_MM))
    grams = filament / 1000 * (materials.density_of(material) or DENSITY_WHERE_OPEN)
    with_supports = ", with supports" if supports else ""
    return v1.Estimate(
        # A Duration ends at 10,000 years; a mesh in absurd numbers must not break the judge.
        machine_time=Duration(seconds=round(min(seconds, LONGEST_S))),
        grams=round(grams, 2),
        method=f"From volume and surface: a shell of {SHELL_MM:g} mm, {infill:.0%} infill{with_supports}, laid down at "
        f"{DEPOSITION_MM3_PER_S:g} mm³/s in layers of {layer:g} mm.",
    )


def _support_volume(report: v1.GeometryReport, settings: Sequence[v1.Setting]) -> float:
    lies = _usable_lies(report, settings)
    if not lies or printing.supports_forbidden(settings) or not _needs_supports(lies[0], report):
        return 0.0
    height = lies[0].placements[0].size_mm.z if lies[0].placements else report.size_mm.z
    return lies[0].overhang_area_mm2 * height / 2 * SUPPORT_SHARE
