# SPDX-License-Identifier: AGPL-3.0-or-later
"""What every process asks of a report before it asks its own questions. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from commonfab import materials, processes, v1
from commonfab.reasons import reason
from commonfab.units import mm
from registry.geometry.unit_reading import unit_questions

QUESTIONS = (
    "mesh.open_edges",
    "mesh.winding",
    "brep.invalid",
    "brep.missing_reference",
    "dxf.open_contour",
    "file.sibling_differs",
    "units.sibling_scale",
)
"""Warnings of a report that only a person can decide about; all others do not stand in the way."""

OF_THE_SIZE = frozenset(
    (
        "bend.force",
        "bend.too_thick",
        "material.thickness_differs",
        "material.too_thick",
        "op.tap_hint",
        "shape.small",
        "shape.thin_wall",
        "shape.trapped_volume",
        "support.forbidden",
        "tool.min_hole",
        "tool.min_web",
    )
)
"""Reasons that another unit of the file may do away with."""

TOOLPATH_MACHINES = MappingProxyType(
    {
        v1.TOOLPATH_KIND_FDM: "a filament printer",
        v1.TOOLPATH_KIND_MILL: "a milling machine or router",
        v1.TOOLPATH_KIND_LASER: "a laser",
        v1.TOOLPATH_KIND_PLASMA: "a plasma torch",
        v1.TOOLPATH_KIND_LATHE: "a lathe",
        v1.TOOLPATH_KIND_PLOTTER: "a plotter or knife",
    }
)


def verdict(
    process: str,
    against: Sequence[v1.Reason],
    questions: Sequence[v1.Reason],
    requirement: v1.Requirement,
    estimate: v1.Estimate | None,
    notes: Sequence[v1.Reason] = (),
) -> v1.Makeability:
    """The judgement: infeasible where something is `against` it, a question where there are `questions`, else feasible.

    `notes` are what a person should know though nothing hangs on it; they are the reasons of a feasible judgement and left out of others,
    so that every reason of a question is one. Where the unit is a question, what hangs on the size is neither asked nor held against it:
    a hole of 0.4 mm may be one of 0.4 inches.
    """
    if any(question.code.startswith("units.") for question in questions):
        against, questions = ([one for one in told if one.code not in OF_THE_SIZE] for told in (against, questions))
    if against:
        return v1.Makeability(process=process, verdict=v1.VERDICT_INFEASIBLE, reasons=against)
    asked = v1.VERDICT_ASK if questions else v1.VERDICT_FEASIBLE
    return v1.Makeability(process=process, verdict=asked, reasons=questions or notes, requirement=requirement, estimate=estimate)


def against_any(process: str, report: v1.GeometryReport, demands: v1.Demands) -> list[v1.Reason]:
    """What rules a process out whatever it is: faults of the file, no part in it, another process demanded."""
    against = list(report.faults)
    if not against and report.HasField("toolpath"):
        against.append(reason("toolpath.machine_specific", toolpath_machine(report.toolpath)))
    elif not against and report.format == v1.FILE_FORMAT_UNSPECIFIED:
        against.append(reason("file.not_a_part"))
    return against + against_other_process(process, demands)


def against_other_process(process: str, demands: v1.Demands) -> list[v1.Reason]:
    """Whether the maker demands other processes only."""
    if demands.processes and not any(processes.satisfies(process, asked) for asked in demands.processes):
        return [reason("process.other", ", ".join(demands.processes))]
    return []


def toolpath_machine(facts: v1.ToolpathFacts) -> str:
    """What people call the kind of machine that a toolpath is for."""
    return TOOLPATH_MACHINES.get(facts.machine_kind, "a machine of an unknown kind")


def against_material(demands: v1.Demands, families: Sequence[str]) -> list[v1.Reason]:
    """Whether the demanded material is neither of `families` nor a broader term that one of them meets.

    A term that the vocabulary does not know is left to the shop.
    """
    wanted = material_of(demands)
    met = any(materials.satisfies(wanted, family) or materials.satisfies(family, wanted) for family in families)
    return [reason("material.not_for_process", wanted)] if wanted in materials.BROADER and not met else []


def against_no_body(report: v1.GeometryReport) -> list[v1.Reason]:
    """Whether there is no body to build up or to cut from: lines of a drawing, or a surface that encloses nothing."""
    if report.faults or not report.format or report.HasField("toolpath") or report.volume_mm3:
        return []
    if report.HasField("drawing"):
        return [reason("shape.no_body")]
    # Where neighbours disagree about the outside, the volume adds up to anything, also to nothing: that is a question of its own.
    return [] if any(warning.code == "mesh.winding" for warning in report.warnings) else [reason("mesh.no_volume")]


def against_tolerance(report: v1.GeometryReport, demands: v1.Demands, best_mm: float) -> list[v1.Reason]:
    """Whether a tighter tolerance is demanded than `best_mm`, the width of the band in mm that the process keeps at best."""
    needs = tolerance_of(report, demands)
    return [reason("tolerance.beyond_process", needs=mm(needs), has=mm(best_mm))] if 0 < needs < best_mm else []


def tolerance_of(report: v1.GeometryReport, demands: v1.Demands) -> float:
    """The tightest tolerance that the maker or the file demands, the width of its band in mm; 0 where there is none."""
    demanded = [demands.tolerance_mm, *(tolerance.value_mm for tolerance in report.solid.tolerances)]
    return min((width for width in demanded if width > 0), default=0.0)


def material_of(demands: v1.Demands) -> str:
    """The demanded material as a term of the vocabulary; empty for any."""
    return materials.canonical(demands.material)


def questions_of(report: v1.GeometryReport) -> list[v1.Reason]:
    """What a person must answer before the file can be made at all: a doubtful unit, an open surface, an invalid solid."""
    return [*(warning for warning in report.warnings if warning.code in QUESTIONS), *unit_questions(report)]
