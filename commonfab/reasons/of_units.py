# SPDX-License-Identifier: AGPL-3.0-or-later
"""In which unit a file is drawn, and what is doubtful about it."""

from __future__ import annotations

from commonfab.reasons.term import Term

TERMS = {
    "units.suspect": Term(
        "the file does not say its unit, and in millimetres the size would be unlikely: {subject}",
        "Say the part's unit when you publish it, or confirm that it is millimetres.",
    ),
    "units.differs": Term(
        "the maker says that the unit is {subject}, but the file itself declares another; the file's own was used",
        "Leave the unit out, or export the file in the unit that is meant.",
    ),
    "units.assumed": Term(
        "the file does not say its unit; read as millimetres its largest side is {largest}, which is likely",
        "Say the part's unit when you publish it, to be sure.",
    ),
    "units.suspect_inch": Term(
        "the unit is doubtful: {subject}?",
        "Say the part's unit with --unit, or export it in a format that declares one (STEP, 3MF).",
    ),
    "units.suspect_metre": Term(
        "the unit is doubtful: {subject}?",
        "Say the part's unit with --unit, or export it in a format that declares one (STEP, 3MF).",
    ),
    "units.suspect_declared": Term(
        "the file declares a unit that is hard to believe: {subject}?",
        "Look at the export settings of the drawing program, or say the unit with --unit.",
    ),
    "units.unknown": Term(
        "the unit is not known: {subject}?",
        "Say the part's unit with --unit.",
    ),
    "units.resolved": Term(
        "the unit was taken from {subject}, which shows the same part",
        "",
    ),
    "units.sibling_differs": Term(
        "{subject} beside it has the same name but another shape",
        "Rename one of them, or export both anew.",
    ),
}
