# SPDX-License-Identifier: AGPL-3.0-or-later
"""May a part be made by fused deposition modelling (FDM), and what would it take? Pure: from a report and the maker's demands alone."""

from __future__ import annotations

from google.protobuf.duration_pb2 import Duration

from commonfab import materials, v1
from commonfab.reasons import reason
from registry.makeability.common import against_any, against_material, questions_of, verdict

PROCESS = "fdm"

FAMILIES = ("thermoplastic",)

SHELL_MM = 1.1
INFILL = 0.20
DENSITY_WHERE_OPEN = materials.DENSITY_G_PER_CM3["pla"]
DEPOSITION_MM3_PER_S = 5.0
START_MINUTES = 5.0


def judge(report: v1.GeometryReport, demands: v1.Demands) -> list[v1.Makeability]:
    """The judgement of a part for FDM.

    Infeasible with a fault, without volume, or where another process or a material that is no thermoplastic is demanded. A question where
    only a person can say. Otherwise feasible on a machine that meets the requirement; size is the router's affair, which knows machines.
    """
    against = [*against_any(PROCESS, report, demands), *against_material(demands, FAMILIES)]
    if (
        not report.faults
        and report.format
        and not report.volume_mm3
        and not any(warning.code == "mesh.winding" for warning in report.warnings)
    ):
        against.append(reason("mesh.no_volume"))
    requirement = v1.Requirement(process=PROCESS, size_mm=report.size_mm, material=demands.material)
    return [verdict(PROCESS, against, questions_of(report), requirement, estimate(report, demands.material))]


def estimate(report: v1.GeometryReport, material: str) -> v1.Estimate:
    """Grams and machine time of one piece, from volume V and area A alone.

    Filament volume F = S + 0.2 · (V − S) with the shell S = min(V, A · 1.1 mm): three walls of a 0.4 mm nozzle are somewhat thicker and
    three layers of 0.3 mm somewhat thinner; 20 % is the infill. All three are what PrusaSlicer 2.5.0 does when nothing is set.
    Grams = F · density (that of PLA where no material is demanded, or one of unknown density).
    Minutes = 5 + F / (5 mm³/s): 5 minutes to heat and home, and 5 mm³/s as the average over walls, infill and travel. Against that slicer's
    own figures for a cube, a plate, a bracket, a disc, a block and a ring, the grams are within 20 % and the minutes within 26 %; a faster
    or slower printer is off by its own factor. Supports are not counted.
    """
    volume = report.volume_mm3
    shell = min(volume, report.area_mm2 * SHELL_MM)
    filament = shell + INFILL * (volume - shell)
    seconds = START_MINUTES * 60 + filament / DEPOSITION_MM3_PER_S
    grams = filament / 1000 * materials.DENSITY_G_PER_CM3.get(material, DENSITY_WHERE_OPEN)
    # A Duration ends at 10,000 years; a mesh in absurd numbers must not break the judge.
    return v1.Estimate(machine_time=Duration(seconds=round(min(seconds, 1e9))), grams=round(grams, 2))
