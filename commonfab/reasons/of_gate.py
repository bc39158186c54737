# SPDX-License-Identifier: AGPL-3.0-or-later
"""Why a toolpath does not pass the gate (`shop_agent/gcode/`): one code a rule, and the line where it is broken."""

from __future__ import annotations

from commonfab.reasons.term import Term

_PROFILE = "Correct the profile or the post-processor that made the toolpath, then make it again."

TERMS: dict[str, Term] = {
    "toolpath.outside": Term(
        "line {line}: the toolpath goes to {needs} along {subject}, the machine reaches {has}",
        "Correct the slicer profile, or use a machine with more room.",
    ),
    "toolpath.too_large": Term(
        "line {line}: the moves extend over {needs} along {subject}, the machine travels {has}",
        "It does not fit wherever its zero is set; make it smaller, or use a machine with more travel.",
    ),
    "toolpath.too_hot": Term(
        "line {line}: {subject} is set to {needs}, the machine allows {has}",
        "Correct the temperatures of the slicer profile, or the limits of the machine in shop.toml.",
    ),
    "toolpath.macro_figure": Term(
        "line {line}: {subject} is {needs}, which may be a temperature, and the hottest that the machine allows is {has}",
        "Correct it if it is a temperature. If it is none, name the parameter behind its macro in allow_commands of the machine in "
        'shop.toml, as in "START_PRINT PURGE".',
    ),
    "toolpath.too_fast": Term(
        "line {line}: a feed of {needs} is asked for, the machine allows {has}",
        "Correct the feeds, or max_feed_mm_min of the machine in shop.toml.",
    ),
    "toolpath.too_strong": Term(
        "line {line}: {subject} is set to S{needs}, the machine allows S{has}",
        "Correct the S words, or max_s of the machine in shop.toml.",
    ),
    "toolpath.bad_value": Term("line {line}: {subject} is no value that makes sense", _PROFILE),
    "toolpath.forbidden_command": Term(
        "line {line}: {subject} changes the machine itself or cannot be followed, and is not run",
        "Take it out of the profile or the post-processor; nothing in shop.toml allows it.",
    ),
    "toolpath.unknown_command": Term(
        "line {line}: {subject} is not on the machine's list of commands",
        "Take it out of the profile, or name it in allow_commands of the machine in shop.toml if it is harmless there.",
    ),
    "toolpath.realtime": Term(
        "line {line}: a character that Grbl acts on the moment it arrives (? ! ~ or above ASCII), even in a comment",
        "Write comments in plain ASCII without these characters.",
    ),
    "toolpath.ambiguous": Term("line {line}: firmwares differ on how to read {subject}", _PROFILE),
    "toolpath.unreadable": Term(
        "line {line}: {subject} cannot be understood",
        "Make the toolpath again; the file may be damaged, or for another controller.",
    ),
    "toolpath.mode_unsaid": Term(
        "line {line}: a move or a switch before the toolpath has said {subject}",
        "Begin the toolpath with it: what the last job left behind is not certain.",
    ),
    "toolpath.not_homed": Term("line {line}: a move along {subject} before homing it", "Begin the toolpath with G28."),
    "toolpath.position_unknown": Term(
        "line {line}: {subject} from a place that nobody knows",
        "Say G90 and an absolute position first.",
    ),
    "toolpath.no_feed": Term("line {line}: a cutting move before any feed was said", "Say F on it or before it."),
    "toolpath.cold": Term(
        "line {line}: material is pushed out before the nozzle was heated and waited for",
        "Heat with M109 in the profile's beginning.",
    ),
    "toolpath.bad_arc": Term(
        "line {line}: an arc without a centre, or whose two ends lie at different distances from it",
        "Export with more digits, or without arcs.",
    ),
    "toolpath.rapid_into_stock": Term(
        "line {line}: a rapid move below the top of the stock",
        "Plunge and cross with a feed (G1); raise the tool before it crosses.",
    ),
    "toolpath.tool_in_stock": Term(
        "line {line}: the tool is changed (M6) while it stands in the stock",
        "Raise it above the stock before M6.",
    ),
    "toolpath.laser_on_travel": Term(
        "line {line}: a rapid move with the laser on at constant power (M3)",
        "Use M4, or S0 or M5 before it travels.",
    ),
    "toolpath.laser_stands": Term(
        "line {line}: {subject} lets the laser burn on one spot at constant power (M3)",
        "Use M4, which is dark while nothing moves, or M5 before the pause.",
    ),
    "toolpath.end_unsafe": Term(
        "line {line}: the toolpath ends, and {subject}",
        "Switch it off at the toolpath's end: M104 S0 and M140 S0, M5, M30, G90.",
    ),
    "toolpath.empty": Term("the toolpath makes nothing: it lays no material and cuts nothing", "Look at the part and at the profile."),
    "toolpath.from_outside": Term(
        "{subject} takes no toolpaths that were made elsewhere",
        "Let the shop make its own from the part; or its owner sets outside_toolpaths = true for the machine, and a person starts it.",
    ),
    "toolpath.changed": Term(
        "{subject} is no longer the toolpath that was checked",
        "Nothing was started. Something else wrote to the agent's data folder; find out what.",
    ),
}
