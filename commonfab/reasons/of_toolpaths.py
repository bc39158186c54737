# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is the matter with a toolpath."""

from __future__ import annotations

from commonfab.reasons.term import Term

TERMS = {
    "toolpath.machine_specific": Term(
        "the file is a toolpath for {subject} and describes no part",
        "Publish the shape beside it; a toolpath runs only on the machine that it was made for.",
    ),
    "gcode.no_motion": Term(
        "nothing moves in the toolpath",
        "Export the toolpath again; only its settings or its macros were saved.",
    ),
    "gcode.unreadable": Term(
        "line {line} of the toolpath cannot be read: {subject}",
        "Export it again; the file is damaged or is no G-code.",
    ),
    "gcode.skipped": Term(
        "{lines} of the toolpath's lines were not understood and left out; the first is line {first}",
        "Look at that line; if it moves the machine, the size and the time are wrong.",
    ),
    "gcode.no_unit": Term(
        "the toolpath sets no unit (G20 or G21); millimetres were assumed",
        "Say the unit with --unit, or let the toolpath begin with G21.",
    ),
    "gcode.macro": Term(
        "the toolpath has {lines} lines of variables, expressions or subprograms, which are not evaluated here",
        "Size and time are those of the plain lines only; export it without macros to have all of it measured.",
    ),
    "gcode.offsets": Term(
        "the toolpath calls for offsets that are set at the machine ({subject}); they were taken as zero",
        "Set them at the machine; the size holds if all of the work uses one of them.",
    ),
    "gcode.end_state": Term(
        "the toolpath leaves its machine in a state that the next user should know: {subject}",
        "Add what switches it off, or stay beside the machine until it is done by hand.",
    ),
}
