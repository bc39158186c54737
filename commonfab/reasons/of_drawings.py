# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is the matter with a cutting drawing (DXF or SVG)."""

from __future__ import annotations

from commonfab.reasons.term import Term

TERMS = {
    "dxf.open_contour": Term(
        "{ends} ends of lines meet no other; the first lies at {subject}",
        "Join them in the drawing program, so that each part has a closed outline.",
    ),
    "dxf.no_contour": Term(
        "the drawing holds no closed line that could be cut",
        "Draw the outline of the part as a closed line.",
    ),
}
