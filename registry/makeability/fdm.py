# SPDX-License-Identifier: AGPL-3.0-or-later
"""May a part be made by fused deposition modelling (FDM), and what would it take? Pure: from a report and the maker's demands alone."""

from __future__ import annotations

from google.protobuf.duration_pb2 import Duration

from commonfab import materials, processes, v1
from commonfab.reasons import reason
from registry.geometry.unit_reading import readings_text

PROCESS = "fdm"

QUESTIONS = ("mesh.open_edges", "mesh.winding", "solid.invalid")
"""Warnings of a report that only a person can decide about; all others do not stand in the way."""

SHELL_MM = 1.1
INFILL = 0.20
DENSITY_WHERE_OPEN = materials.DENSITY_G_PER_CM3["pla"]
DEPOSITION_MM3_PER_S = 5.0
START_MINUTES = 5.0


def judge(report: v1.GeometryReport, demands: v1.Demands) -> v1.Makeability:
    """The judgement of a part for FDM.

    Infeasible with a fault, without volume, or where another process or a material that is no thermoplastic is demanded. A question where
    only a person can say. Otherwise feasible on a machine that meets the requirement; size is the router's affair, which knows machines.
    """
    against = _against(report, demands)
    if against:
        return v1.Makeability(process=PROCESS, verdict=v1.VERDICT_INFEASIBLE, reasons=against)
    questions = _questions(report)
    return v1.Makeability(
        process=PROCESS,
        verdict=v1.VERDICT_ASK if questions else v1.VERDICT_FEASIBLE,
        reasons=questions,
        requirement=v1.Requirement(process=PROCESS, size_mm=report.size_mm, material=demands.material),
        estimate=estimate(report, demands.material),
    )


def _against(report: v1.GeometryReport, demands: v1.Demands) -> list[v1.Reason]:
    against = list(report.faults)
    if not against and report.format == v1.FILE_FORMAT_UNSPECIFIED:
        against.append(reason("file.not_a_part"))
    elif not against and not report.volume_mm3 and not _has(report, "mesh.winding"):
        against.append(reason("mesh.no_volume"))
    if demands.processes and not any(processes.satisfies(PROCESS, asked) for asked in demands.processes):
        against.append(reason("process.other", ", ".join(demands.processes)))
    # A term that the vocabulary does not know may well be a filament; whether a shop has it, the shop says.
    if demands.material in materials.BROADER and not materials.satisfies(demands.material, "thermoplastic"):
        against.append(reason("material.not_for_process", demands.material))
    return against


def _has(report: v1.GeometryReport, code: str) -> bool:
    return any(warning.code == code for warning in report.warnings)


def _questions(report: v1.GeometryReport) -> list[v1.Reason]:
    questions = [warning for warning in report.warnings if warning.code in QUESTIONS]
    if report.unit_certainty == v1.UNIT_CERTAINTY_SUSPECT:
        questions.append(reason("unit.suspect", readings_text(list(report.unit_readings))))
    return questions


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
