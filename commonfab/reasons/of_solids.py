# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is the matter with a solid."""

from __future__ import annotations

from commonfab.reasons.term import Term

TERMS = {
    "brep.no_solid": Term(
        "the file holds no solid, only surfaces or curves",
        "Export the part as a closed solid.",
    ),
    "brep.invalid": Term(
        "the modelling kernel finds {invalid} of {solids} solids invalid",
        "Repair the solid in the program it was drawn with, or say that it shall be made as it is.",
    ),
}
