# SPDX-License-Identifier: AGPL-3.0-or-later
"""The state a controller is in, line by line (RS274/NGC version 3, tables 4 and 5; RepRap and Marlin for M82, M83 and the heaters)."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from registry.geometry.toolpaths.columns import Flags, Numbers, among, codes, given, held, lines_with
from registry.geometry.toolpaths.tally import Tally
from registry.geometry.toolpaths.words import Words

LINEAR = "XYZUVW"
ROTARY = "ABC"
CYCLES = (730, 760, 810, 820, 830, 840, 850, 860, 870, 880, 890)
"""Drilling and threading; the Z word is the bottom and the R word the level that it comes back to."""
MOTIONS = (0, 10, 20, 30, 50, 51, 330, 382, 383, 384, 385, 800, *CYCLES)
"""Rapid, line, arcs, splines (followed along their chord), threads, probing, none."""
MACHINE_M = (*(10 * code for code in (*range(10), 19, 30, 48, 49, 50, 51, 52, 53, 60, 98, 99)),)
"""Commands of machine tools: other words of their line keep their meaning. With every other M they are that command's own."""
SHARING_G = (
    *MOTIONS, 70, 80, 170, 180, 190, 200, 210, 400, 410, 420, 430, 490, 540, 550, 560, 570, 580, 590, 591, 592, 593, 610, 611, 640,
    900, 901, 910, 911, 930, 940, 950, 960, 970, 980, 990,
)  # fmt: skip
"""Commands that may stand in a line with motion. With every other G (dwells, offsets, homing, levelling, G53, G92) the other words are no
motion but that command's own."""
INCH = 25.4
GROUPS = MappingProxyType(
    {
        "motion": MappingProxyType({code: float(code) for code in MOTIONS}),
        "plane": MappingProxyType({170: 17.0, 180: 18.0, 190: 19.0}),
        "unit": MappingProxyType({200: INCH, 210: 1.0}),
        "relative": MappingProxyType({900: 0.0, 910: 1.0}),
        "arc_absolute": MappingProxyType({901: 1.0, 911: 0.0}),
        "feed_mode": MappingProxyType({930: 93.0, 940: 94.0, 950: 95.0}),
        "spindle_mode": MappingProxyType({960: 96.0, 970: 97.0}),
    }
)
M_GROUPS = MappingProxyType(
    {
        "relative_e": MappingProxyType({820: 0.0, 830: 1.0}),
        "tool_on": MappingProxyType({30: 1.0, 40: 1.0, 50: 0.0}),
    }
)


def _start() -> dict[str, float]:
    """A controller's usual state: G1 G17 G90 G94 G97, millimetres, tool off."""
    return {
        "motion": 10.0, "plane": 17.0, "unit": 1.0, "relative": 0.0, "arc_absolute": 0.0, "feed_mode": 94.0, "spindle_mode": 97.0,
        "relative_e": 0.0, "tool_on": 0.0, "S": np.nan, "F": 0.0, "cycle_z": np.nan, "cycle_r": np.nan,
    }  # fmt: skip


@dataclass
class State:
    """What holds after the last line read: modes, and where each axis is, mm or degrees; `offsets` are those of G92.

    `diameter`: X words are diameters, as on a lathe; everything else counts radii.
    """

    modes: dict[str, float] = field(default_factory=_start)
    at: dict[str, float] = field(default_factory=lambda: dict.fromkeys((*LINEAR, *ROTARY), np.nan) | {"E": 0.0})
    offsets: dict[str, float] = field(default_factory=lambda: dict.fromkeys((*LINEAR, *ROTARY), 0.0))
    diameter: bool = False


@dataclass(frozen=True)
class Stretch:
    """Some lines: their words, which lines give their words to a command of its own, and the modes that hold in each."""

    words: Words
    owned: Flags
    modes: dict[str, Numbers]

    def own(self, letter: str) -> Numbers:
        """What each line says of `letter` where it is a word of motion; not-a-number where it says nothing."""
        chosen = self.words.of(letter)
        column = given(self.words, chosen) if chosen.any() else np.full(self.words.line_count, np.nan)
        column[self.owned] = np.nan
        return column


def stretch(words: Words, state: State, tally: Tally) -> Stretch:
    """The modes of each line; `state` is brought to the end of the stretch, and what needs no motion is added to `tally`."""
    is_g, tenths = codes(words, "G")
    is_m = words.of("M")
    _count(tally, tenths, is_g, is_m)
    owned = lines_with(words, (is_m & ~among(tenths, MACHINE_M)) | (is_g & ~np.isin(tenths, SHARING_G)))
    modes: dict[str, Numbers] = {}
    for groups, of_letter in ((GROUPS, is_g), (M_GROUPS, is_m)):
        for name, meaning in groups.items():
            chosen = of_letter & among(tenths, tuple(meaning))
            column = np.full(words.line_count, np.nan)
            if chosen.any():
                column[words.lines[chosen]] = [meaning[int(code)] for code in tenths[chosen]]
            modes[name] = held(column, state.modes[name])
            state.modes[name] = float(modes[name][-1])
    found = Stretch(words, owned, modes)
    _speeds(found, state, tally)
    return found


def _speeds(lines: Stretch, state: State, tally: Tally) -> None:
    """Spindle speed or power, and feed in mm a minute."""
    speeds, feeds = lines.own("S"), lines.own("F")
    said = ~np.isnan(speeds)
    if said.any():
        tally.highest_s = max(tally.highest_s, float(np.nanmax(speeds)))
        moving = lines_with(lines.words, lines.words.of("X") | lines.words.of("Y"))
        tally.inline_powers += int(np.count_nonzero(said & moving & ~lines.owned))
    lines.modes["S"] = held(speeds, state.modes["S"])
    lines.modes["F"] = held(feeds * np.where(lines.modes["feed_mode"] == 93.0, 1.0, lines.modes["unit"]), state.modes["F"])
    per_minute = lines.modes["F"][~np.isnan(feeds) & (lines.modes["feed_mode"] == 94.0)]
    tally.highest_feed = max(tally.highest_feed, float(per_minute.max(initial=0.0)))
    for name in ("S", "F"):
        state.modes[name] = float(lines.modes[name][-1])


def _count(tally: Tally, tenths: np.typing.NDArray[np.int64], is_g: Flags, is_m: Flags) -> None:
    for counter, chosen in ((tally.g, is_g), (tally.m, is_m)):
        some = tenths[chosen]
        if len(some):
            kept = some[(some >= 0) & (some < 100_000)]
            counts = np.bincount(kept)
            for code in np.flatnonzero(counts):
                counter[int(code)] += int(counts[code])
