# SPDX-License-Identifier: AGPL-3.0-or-later
"""For which kind of machine a toolpath is.

What the commands do counts before what the comments say, and what only one kind of machine has before what several have. The first rule
that holds decides:

1. filament is pushed out, or a nozzle or bed is heated: a printer;
2. comments name a plasma torch, or the tool goes on with a dwell to pierce and off again many times while Z moves: plasma;
3. constant surface speed (G96), X as diameter (G7), threading passes (G76, G33), or comments, and Y is never named: a lathe;
4. a servo is turned (M280), or comments name a pen, plotter or knife: a plotter;
5. comments name a laser, power is set within moves, or the tool goes on and off with Z never moved: a laser;
6. it drills (G81 to G89), changes tools (M6), cuts with a spindle on, or feeds along Z: a mill or router;
7. comments name a mill: a mill;
8. nobody can say.
"""

from __future__ import annotations

from commonfab import v1
from registry.geometry.toolpaths.modes import CYCLES
from registry.geometry.toolpaths.remarks import Remarks
from registry.geometry.toolpaths.tally import Tally

FEW = 3
"""So often must something be done to tell a kind of machine. Our own choice: once may be a test, twice a start and an end."""


def kind_of(tally: Tally, remarks: Remarks) -> v1.ToolpathKind.ValueType:
    """The kind of machine, by the rules above."""
    rules = (
        (v1.TOOLPATH_KIND_FDM, _prints),
        (v1.TOOLPATH_KIND_PLASMA, _burns),
        (v1.TOOLPATH_KIND_LATHE, _turns),
        (v1.TOOLPATH_KIND_PLOTTER, _plots),
        (v1.TOOLPATH_KIND_LASER, _beams),
        (v1.TOOLPATH_KIND_MILL, _mills),
    )
    return next((kind for kind, holds in rules if holds(tally, remarks)), v1.TOOLPATH_KIND_UNSPECIFIED)


def _prints(tally: Tally, remarks: Remarks) -> bool:
    return tally.extruding.moves > 0 or tally.nozzle_c > 0 or tally.bed_c > 0


def _burns(tally: Tally, remarks: Remarks) -> bool:
    if "plasma" in remarks.marks:
        return True
    pierced = min(tally.m[30], tally.m[50], tally.dwells)
    return pierced >= FEW and tally.z_feeds > 0 and tally.highest_s == 0 and "laser" not in remarks.marks


def _turns(tally: Tally, remarks: Remarks) -> bool:
    spindle = tally.m[30] + tally.m[40] > 0
    told = any(tally.g[code] for code in (960, 70, 760, 330)) or "lathe" in remarks.marks
    feed_per_turn = tally.g[950] > 0 and spindle
    return tally.y_words == 0 and {"X", "Z"} <= tally.axes and (told or feed_per_turn)


def _plots(tally: Tally, remarks: Remarks) -> bool:
    return tally.m[2800] >= FEW or ("plotter" in remarks.marks and "mill" not in remarks.marks)


def _beams(tally: Tally, remarks: Remarks) -> bool:
    on = tally.m[30] + tally.m[40]
    if "laser" in remarks.marks:
        return True
    cuts_along_z = tally.z_feeds > 0
    return not cuts_along_z and (tally.inline_powers >= FEW or min(on, tally.m[50]) >= 1 or (tally.m[1060] >= FEW and tally.m[1070] >= FEW))


def _mills(tally: Tally, remarks: Remarks) -> bool:
    drills = any(tally.g[code] for code in CYCLES) or tally.m[60] > 0
    return drills or tally.feed_on.moves > 0 or tally.z_feeds > 0 or "mill" in remarks.marks
