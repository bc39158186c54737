# SPDX-License-Identifier: AGPL-3.0-or-later
"""In which unit a file is drawn, and what is doubtful about it."""

from __future__ import annotations

from commonfab.reasons.term import Term

TERMS = {
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
        "Look at the export settings of the drawing program and export it again in the unit that is meant.",
    ),
    "units.unknown": Term(
        "the file does not say its unit, and the size is unlikely: {subject}?",
        "Say the part's unit with --unit.",
    ),
    "units.mixed": Term(
        "the file is drawn in several units ({subject}); each part was read in its own",
        "Look whether the parts fit each other in size.",
    ),
    "units.resolved": Term(
        "the unit was taken from {subject}, which shows the same part",
        "Nothing to do; leave both files together.",
    ),
    "units.sibling_says": Term(
        "the unit is doubtful, and {subject} for the same shape",
        "Say that unit with --unit, or publish the other file alone.",
    ),
    "units.sibling_scale": Term(
        "{subject} shows the same shape {scale} as large, and both files declare their unit",
        "Export the wrong one again.",
    ),
}
