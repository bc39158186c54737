# SPDX-License-Identifier: AGPL-3.0-or-later
"""Why a part can or cannot be made by a process, and what a person must say first."""

from __future__ import annotations

from commonfab.reasons.term import Term

TERMS = {
    "material.not_for_process": Term(
        "{subject} is not a material for this process",
        "Ask for a material that the process works with, or for another process.",
    ),
    "material.unsafe": Term(
        "{subject}",
        "Choose another material or another process; no shop is asked for this.",
    ),
    "shape.not_flat": Term(
        "the part is no flat sheet of one thickness",
        "Have it milled or printed, or draw it as flat parts.",
    ),
    "route.two_steps": Term(
        "it takes two steps: {subject}",
        "A shop with both machines is looked for.",
    ),
}
