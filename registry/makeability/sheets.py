# SPDX-License-Identifier: AGPL-3.0-or-later
"""How thick the sheet is that a flat part is cut from. Pure."""

from __future__ import annotations

from commonfab import v1

THICKNESS_SLACK = 0.1
LEAST_SLACK_MM = 0.15
"""A drawn thickness and a demanded one are the same sheet where they differ by a tenth or 0.15 mm: boards and cast acrylic are sold so
(ISO 7823-1 allows ±(0.4 + 0.1 t) mm)."""


def thickness_of(report: v1.GeometryReport, demands: v1.Demands) -> float:
    """The thickness of the stock, mm: what the maker demands where it is that of the shape or the shape has none; 0 where nobody says."""
    drawn, demanded = report.sheet.thickness_mm, demands.thickness_mm
    return demanded if demanded and (not drawn or same_sheet(drawn, demanded)) else drawn


def same_sheet(drawn: float, demanded: float) -> bool:
    """Whether two thicknesses, mm, are met by one sheet."""
    return abs(drawn - demanded) <= max(LEAST_SLACK_MM, THICKNESS_SLACK * demanded)
