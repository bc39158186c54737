# SPDX-License-Identifier: AGPL-3.0-or-later
"""The gate: what a toolpath would make the machine do, and whether the machine may do it. `docs/gate.md` says what is checked.

`judge` is the door. `dialects.py` says which commands pass, `lines.py` how a line is read. `following.py` follows the machine, with
`printing.py`, `printer_commands.py` and `macros.py` for Marlin and Klipper and `machining.py` for Grbl and LinuxCNC. `fast.py` does
the same in bulk for plain lines (`plain_lines.py`, `bulk.py`, `bulk_arcs.py`). `judging.py` holds the result against the machine's limits.
"""

from __future__ import annotations

from shop_agent.gcode.dialects import Dialect, Rules, rules_for
from shop_agent.gcode.findings import Finding, Origin, Toolpath, ToolpathRefused, Verdict
from shop_agent.gcode.judging import check, follow, judge, read_toolpath_file

__all__ = [
    "Dialect",
    "Finding",
    "Origin",
    "Rules",
    "Toolpath",
    "ToolpathRefused",
    "Verdict",
    "check",
    "follow",
    "judge",
    "read_toolpath_file",
    "rules_for",
]
