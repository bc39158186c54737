# SPDX-License-Identifier: AGPL-3.0-or-later
"""What every process asks of a report before it asks its own questions. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from commonfab import materials, processes, v1
from commonfab.reasons import reason
from registry.geometry.unit_reading import unit_questions

QUESTIONS = ("mesh.open_edges", "mesh.winding", "brep.invalid", "dxf.open_contour")
"""Warnings of a report that only a person can decide about; all others do not stand in the way."""


def verdict(
    process: str, against: Sequence[v1.Reason], questions: Sequence[v1.Reason], requirement: v1.Requirement, estimate: v1.Estimate | None
) -> v1.Makeability:
    """The judgement: infeasible where something is `against` it, a question where there are `questions`, else feasible."""
    if against:
        return v1.Makeability(process=process, verdict=v1.VERDICT_INFEASIBLE, reasons=against)
    asked = v1.VERDICT_ASK if questions else v1.VERDICT_FEASIBLE
    return v1.Makeability(process=process, verdict=asked, reasons=questions, requirement=requirement, estimate=estimate)


def against_any(process: str, report: v1.GeometryReport, demands: v1.Demands) -> list[v1.Reason]:
    """What rules a process out whatever it is: faults of the file, no part in it, another process demanded."""
    against = list(report.faults)
    if not against and report.HasField("toolpath"):
        against.append(reason("toolpath.machine_specific", v1.ToolpathKind.Name(report.toolpath.machine_kind)))
    elif not against and report.format == v1.FILE_FORMAT_UNSPECIFIED:
        against.append(reason("file.not_a_part"))
    if demands.processes and not any(processes.satisfies(process, asked) for asked in demands.processes):
        against.append(reason("process.other", ", ".join(demands.processes)))
    return against


def against_material(demands: v1.Demands, families: Sequence[str]) -> list[v1.Reason]:
    """Whether the demanded material is none of `families`. A term that the vocabulary does not know is left to the shop."""
    known = demands.material in materials.BROADER
    if known and not any(materials.satisfies(demands.material, family) for family in families):
        return [reason("material.not_for_process", demands.material)]
    return []


def questions_of(report: v1.GeometryReport) -> list[v1.Reason]:
    """What a person must answer before the file can be made at all: a doubtful unit, an open surface, an invalid solid."""
    return [*(warning for warning in report.warnings if warning.code in QUESTIONS), *unit_questions(report)]
