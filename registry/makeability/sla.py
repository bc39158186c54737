# SPDX-License-Identifier: AGPL-3.0-or-later
"""May a part be made in a vat of resin (stereolithography, masked or by laser), and what would it take? Pure."""

from __future__ import annotations

from collections.abc import Iterator

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

PROCESS = "sla"

FAMILIES = ("resin",)

LEAST_WALL_MM = 0.5
"""Walls with something to hold on to; free ones want 0.6 mm. Makers' design guides for desktop machines say 0.4 to 0.6 mm."""

LEAST_HOLE_MM = 0.5
"""Narrower holes keep their resin and cure shut; the same guides."""

BEST_TOLERANCE_MM = 0.05

LEAST_CAVITY_MM3 = 10.0
LEAST_CAVITY_SHARE = 0.001
"""A smaller cavity is a bubble that nobody misses. Our own choice."""

LAYER_MM = 0.05
SECONDS_PER_LAYER = 8.0
START_MINUTES = 10.0
SUPPORT_SHARE = 0.15
LONGEST_S = 1e9


def judge(report: v1.GeometryReport, demands: v1.Demands) -> list[v1.Makeability]:
    """The judgement of a part for resin printing.

    Infeasible with a fault, without volume, or where another process, another material than resin, or a tolerance beyond any machine is
    demanded. A question where walls are too thin, or where a closed cavity would keep liquid resin. It hangs from its supports, so overhang
    says nothing and any lie will do.
    """
    settings = [setting for setting in printing.settings_of(demands) if setting.key == "layer_height_mm"]
    against = [
        *against_any(PROCESS, report, demands),
        *against_material(demands, FAMILIES),
        *against_no_body(report),
        *against_tolerance(report, demands, BEST_TOLERANCE_MM),
    ]
    questions = [*questions_of(report), *printing.wall_questions(report, LEAST_WALL_MM), *_cavity_questions(report)]
    notes = [*printing.wall_notes(report, LEAST_WALL_MM), *printing.hole_notes(report, LEAST_HOLE_MM), *printing.body_notes(report)]
    requirement = v1.Requirement(
        process=PROCESS,
        size_mm=report.size_mm,
        material=material_of(demands),
        materials_allowed=FAMILIES,
        placements=_placements(report),
        operations=demands.operations,
        tolerance_mm=tolerance_of(report, demands),
        smallest_feature_mm=printing.finest_mm(report, LEAST_WALL_MM),
        settings=settings,
        stock="resin",
    )
    return [verdict(PROCESS, against, questions, requirement, estimate(report, requirement), notes)]


def _placements(report: v1.GeometryReport) -> Iterator[v1.Placement]:
    """The measured lies, as drawn first, then each side upright: a vat needs no face to lie on."""
    yield from printing.placements_of(printing.lies_by_preference(report))
    x, y, z = report.size_mm.x, report.size_mm.y, report.size_mm.z
    yield v1.Placement(size_mm=v1.Size(x=x, y=y, z=z))
    yield v1.Placement(turn=v1.Rotation(x_deg=90), size_mm=v1.Size(x=x, y=z, z=y))
    yield v1.Placement(turn=v1.Rotation(y_deg=90), size_mm=v1.Size(x=z, y=y, z=x))


def cavity_mm3(report: v1.GeometryReport) -> float:
    """The volume of closed cavities, mm³; 0 where they are too small to matter."""
    hollow = report.mesh.cavity_volume_mm3
    return hollow if hollow > max(LEAST_CAVITY_MM3, LEAST_CAVITY_SHARE * report.volume_mm3) else 0.0


def _cavity_questions(report: v1.GeometryReport) -> list[v1.Reason]:
    volume = cavity_mm3(report)
    return [reason("shape.trapped_volume", volume=Quantity(volume, "mm³"))] if volume else []


def estimate(report: v1.GeometryReport, requirement: v1.Requirement) -> v1.Estimate:
    """Grams and machine time of one piece, from volume and height alone.

    Minutes = 10 + layers · 8 s: a masked vat exposes a whole layer for 2 to 3 s and peels it for 5, whatever lies in it. Layers of 0.05 mm
    where no other is demanded, and the height as drawn. Grams = volume · 1.15 · density: solid, with 15 % for supports and drips. All three
    our own choice, after the default profiles of desktop machines.
    """
    layer = printing.number_of(requirement.settings, "layer_height_mm", LAYER_MM)
    seconds = START_MINUTES * 60 + report.size_mm.z / layer * SECONDS_PER_LAYER
    density = materials.density_of(requirement.material) or materials.DENSITY_G_PER_CM3["resin"]
    return v1.Estimate(
        machine_time=Duration(seconds=round(min(seconds, LONGEST_S))),
        grams=round(report.volume_mm3 / 1000 * (1 + SUPPORT_SHARE) * density, 2),
        method=f"From height and volume: layers of {layer:g} mm at {SECONDS_PER_LAYER:g} s, solid, with {SUPPORT_SHARE:.0%} for supports.",
    )
