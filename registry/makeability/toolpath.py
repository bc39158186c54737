# SPDX-License-Identifier: AGPL-3.0-or-later
"""Toolpaths: made on the machine that they were written for, and a person must say which that was.

A toolpath describes no part. It holds the feeds, the tools and the zero point of one machine, so it is never offered to another kind of
machine, and to none silently.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from google.protobuf.duration_pb2 import Duration

from commonfab import v1
from commonfab.reasons import reason
from registry.makeability import common

PROCESSES: Mapping[v1.ToolpathKind.ValueType, str] = MappingProxyType(
    {
        v1.TOOLPATH_KIND_FDM: "fdm",
        v1.TOOLPATH_KIND_MILL: "milling",
        v1.TOOLPATH_KIND_LASER: "laser_cutting",
        v1.TOOLPATH_KIND_PLASMA: "plasma_cutting",
        v1.TOOLPATH_KIND_LATHE: "turning",
        v1.TOOLPATH_KIND_PLOTTER: "knife_cutting",
    }
)
"""The process of each kind of machine. Which kind of laser does not show in a toolpath."""

LONGEST_SECONDS = 1e9
"""Thirty years: a file with absurd feeds says more, and a duration has an end."""


def judge(report: v1.GeometryReport, demands: v1.Demands) -> list[v1.Makeability]:
    """The judgement for the process of the machine that the toolpath is for; none for other files, nor where that is not known."""
    if not report.HasField("toolpath") or report.faults:
        return []
    facts = report.toolpath
    process = PROCESSES.get(facts.machine_kind, "")
    if not process:
        return []
    settings = [setting for setting in report.settings if setting.key in ("layer_height_mm", "infill_percent", "nozzle_mm", "supports")]
    requirement = v1.Requirement(
        process=process,
        size_mm=report.size_mm,
        material=common.material_of(demands),
        axes=_axes(facts),
        keep_direction=True,
        settings=settings,
    )
    seconds = min(facts.claimed_seconds or facts.estimated_seconds, LONGEST_SECONDS)
    estimate = v1.Estimate(
        machine_time=Duration(seconds=round(seconds)),
        grams=facts.claimed_grams,
        method="what its program says" if facts.claimed_seconds else "lengths of the moves by their feeds, and dwells",
    )
    against = common.against_other_process(process, demands)
    return [common.verdict(process, against, [reason("toolpath.machine_specific", common.toolpath_machine(facts))], requirement, estimate)]


def _axes(facts: v1.ToolpathFacts) -> int:
    """Axes that must move at a mill; 0 elsewhere, where it does not matter."""
    return 3 + len(set(facts.axes) & set("ABC")) if facts.machine_kind == v1.TOOLPATH_KIND_MILL else 0
