# SPDX-License-Identifier: AGPL-3.0-or-later
"""What it takes to MAKE a part: one file per process, each with a pure `judge(report, demands)`."""

from __future__ import annotations

from commonfab import v1
from registry.makeability import fdm

JUDGES = (fdm.judge,)


def judge(report: v1.GeometryReport, demands: v1.Demands) -> list[v1.Makeability]:
    """One judgement for each process that this version knows."""
    return [judge_one(report, demands) for judge_one in JUDGES]
