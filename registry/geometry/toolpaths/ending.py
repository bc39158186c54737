# SPDX-License-Identifier: AGPL-3.0-or-later
"""In which state a toolpath leaves its machine, in words."""

from __future__ import annotations

from types import MappingProxyType

from commonfab import v1
from registry.geometry.toolpaths.modes import State
from registry.geometry.toolpaths.tally import Tally

TOOLS = MappingProxyType(
    {
        v1.TOOLPATH_KIND_LASER: "laser",
        v1.TOOLPATH_KIND_PLASMA: "torch",
        v1.TOOLPATH_KIND_PLOTTER: "tool",
    }
)
STOPPED = (20, 300)


def end_state(tally: Tally, state: State, kind: v1.ToolpathKind.ValueType, ended_by_macro: bool) -> list[str]:
    """What a person should know before another program follows: what still turns, burns or is hot, and modes that are not the usual.

    M2 and M30 stop the spindle and bring back G90 (RS274/NGC version 3, section 3.6.1). A printer's file needs no end command.
    """
    ended = any(tally.m[code] for code in STOPPED)
    found = []
    if state.modes["tool_on"] and not ended:
        found.append(f"{TOOLS.get(kind, 'spindle')} still on")
    if tally.nozzle_left > 0 and not ended_by_macro:
        found.append("nozzle heater left on")
    if tally.bed_left > 0 and not ended_by_macro:
        found.append("bed heater left on")
    if state.modes["relative"] and not ended:
        found.append("relative mode (G91) left on")
    if not ended and kind != v1.TOOLPATH_KIND_FDM:
        found.append("no end command (M2 or M30)")
    return found
