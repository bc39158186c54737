# SPDX-License-Identifier: AGPL-3.0-or-later
"""Why a file cannot be measured, as an exception that carries the reason."""

from __future__ import annotations

from commonfab import v1
from commonfab.reasons import reason
from commonfab.units import Quantity


class Unmeasurable(Exception):
    """The file has a fault that is the file's own. `reason` goes into the report's `faults`."""

    def __init__(self, code: str, subject: str = "", **figures: float | Quantity) -> None:
        self.reason: v1.Reason = reason(code, subject, **figures)
        super().__init__(self.reason.message)
