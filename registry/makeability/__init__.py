# SPDX-License-Identifier: AGPL-3.0-or-later
"""What it takes to MAKE a part: one file per process, each with a pure `judge(report, demands)`."""

from __future__ import annotations

from commonfab import v1
from registry.makeability import assembly, fdm, laser, mill, plasma, router, sheet_bend, sla, stock, toolpath, turn, waterjet

JUDGES = (fdm, sla, laser, plasma, waterjet, router, mill, turn, sheet_bend, stock, assembly, toolpath)
"""In the order in which their judgements are shown."""


def judge(report: v1.GeometryReport, demands: v1.Demands) -> list[v1.Makeability]:
    """The judgements of a part, each process with its reasons."""
    # For the process that a toolpath is made for, only its own judgement stands: the others look for a part and find none.
    own = {judged.process for judged in toolpath.judge(report, demands)}
    judges = [(process, judged) for process in JUDGES for judged in process.judge(report, demands)]
    return [judged for process, judged in judges if process is toolpath or judged.process not in own]
