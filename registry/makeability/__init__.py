# SPDX-License-Identifier: AGPL-3.0-or-later
"""What it takes to MAKE a part: one file per process, each with a pure `judge(report, demands)`."""

from __future__ import annotations

from commonfab import v1
from registry.makeability import assembly, fdm, laser, mill, plasma, router, sheet_bend, sla, stock, turn, waterjet

JUDGES = (fdm, sla, laser, plasma, waterjet, router, mill, turn, sheet_bend, stock, assembly)
"""In the order in which their judgements are shown."""


def judge(report: v1.GeometryReport, demands: v1.Demands) -> list[v1.Makeability]:
    """The judgements of a part, each process with its reasons."""
    return [judged for process in JUDGES for judged in process.judge(report, demands)]
