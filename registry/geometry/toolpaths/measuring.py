# SPDX-License-Identifier: AGPL-3.0-or-later
"""The way in: measure one file of this family."""

from __future__ import annotations

from commonfab import v1
from registry.geometry.faults import Unmeasurable
from registry.geometry.source import Source


def measure(report: v1.GeometryReport, source: Source) -> None:
    """Measure a file into `report`. Errors: `Unmeasurable`."""
    raise Unmeasurable("file.unsupported", "this format")
