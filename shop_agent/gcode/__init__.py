# SPDX-License-Identifier: AGPL-3.0-or-later
"""The gate: what a toolpath would make the machine do, and whether the machine may do it. `docs/gate.md` says what is checked.

`judge` is the door. `dialects.py` says which commands pass, `lines.py` how a line is read, `following.py` with `printing.py` and
`machining.py` follows
the machine, `fast.py` does that in bulk for plain lines, `judging.py` holds the result against the machine's limits.
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
