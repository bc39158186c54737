# SPDX-License-Identifier: AGPL-3.0-or-later
"""A toolpath followed from its first line to its last, without being run."""

from __future__ import annotations

import math

import numpy as np

from registry.geometry.toolpaths import motion
from registry.geometry.toolpaths.columns import among, codes, given, lines_with
from registry.geometry.toolpaths.modes import LINEAR, ROTARY, State, stretch
from registry.geometry.toolpaths.tally import Tally
from registry.geometry.toolpaths.words import Words

HOMES = (280, 281, 300, 301)
SETS_PLACE = (920, 921, 922, 923)
MOST_TOOL = 250
"""Higher tool numbers are signals of Bambu's printers (T255, T1000) and no tools."""


def follow(words: Words, state: State, tally: Tally) -> None:
    """Add what the words of a piece do to `tally`, and bring `state` to their end.

    A line that says anew where the machine is (G92 X…, G28) parts the piece; all between goes at once.
    """
    if not words.line_count:
        return
    tally.lines += words.line_count
    _note_commands(words, tally)
    done = 0
    for line in _partings(words):
        _follow_stretch(words.between(done, line + 1), state, tally)
        _place_anew(words.between(line, line + 1), state)
        done = line + 1
    _follow_stretch(words.between(done, words.line_count), state, tally)


def _follow_stretch(words: Words, state: State, tally: Tally) -> None:
    if len(words.letters):
        lines = stretch(words, state, tally)
        motion.add(lines, motion.moves(lines, state, tally), tally)


def _partings(words: Words) -> list[int]:
    is_g, tenths = codes(words, "G")
    homes = lines_with(words, is_g & among(tenths, HOMES))
    places = lines_with(words, is_g & among(tenths, SETS_PLACE))
    if not homes.any() and not places.any():
        return []
    only_filament = lines_with(words, words.of("E")) & ~lines_with(words, np.isin(words.letters, [ord(axis) for axis in "XYZABC"]))
    return [int(line) for line in np.flatnonzero(homes | (places & ~only_filament))]


def _place_anew(words: Words, state: State) -> None:
    """G28 and G30: nobody knows where the named axes are, or all of them. G92: from here on, this place has another name."""
    is_g, tenths = codes(words, "G")
    named = [axis for axis in (*LINEAR, *ROTARY) if words.of(axis).any()]
    if (is_g & among(tenths, HOMES)).any():
        for axis in named or LINEAR:
            state.at[axis], state.offsets[axis] = math.nan, 0.0
        return
    if not (is_g & (tenths == 920)).any():  # G92.1 to G92.3
        state.offsets = dict.fromkeys(state.offsets, 0.0)
        return
    for axis in named or LINEAR[:3]:
        value = float(given(words, words.of(axis))[-1]) if named else 0.0
        length = value * (state.modes["unit"] if axis in LINEAR else 1.0) * (0.5 if axis == "X" and state.diameter else 1.0)
        if math.isnan(state.at[axis]):
            state.at[axis] = length + state.offsets[axis]
        state.offsets[axis] = state.at[axis] - length


def _note_commands(words: Words, tally: Tally) -> None:
    """Tools, units, heaters and dwells: what no motion is needed for."""
    is_g, tenths = codes(words, "G")
    is_m = words.of("M")
    for number in np.unique(words.numbers[words.of("T") & ~lines_with(words, is_m & ~among(tenths, (60,)))[words.lines]]):
        if 0 <= number < MOST_TOOL and number == int(number):
            tally.tools.add(int(number))
    units = tenths[is_g & among(tenths, (200, 210))]
    if len(units):
        tally.unit = "inch" if units[-1] == 200 else "mm"
    _note_heat(words, is_m, tenths, tally)
    dwelling = lines_with(words, is_g & (tenths == 40))
    if dwelling.any():
        tally.dwells += int(dwelling.sum())
        tally.dwell_seconds += _dwells(words, dwelling, tally)


def _note_heat(words: Words, is_m: np.typing.NDArray[np.bool_], tenths: np.typing.NDArray[np.int64], tally: Tally) -> None:
    wanted = is_m & among(tenths, (1040, 1090, 1400, 1900))
    if not wanted.any():
        return
    hot = given(words, words.of("S"))
    waited = given(words, words.of("R"))
    for line, code in zip(words.lines[wanted], tenths[wanted], strict=True):
        degrees = float(hot[line]) if not math.isnan(hot[line]) else float(waited[line])
        if math.isnan(degrees):
            continue
        if code in (1040, 1090):
            tally.nozzle_c, tally.nozzle_left = max(tally.nozzle_c, degrees), degrees
        else:
            tally.bed_c, tally.bed_left = max(tally.bed_c, degrees), degrees


def _dwells(words: Words, dwelling: np.typing.NDArray[np.bool_], tally: Tally) -> float:
    """Seconds of G4. RepRap: S in seconds, P in milliseconds. Machine tools: P or X in seconds (RS274/NGC, section 3.5.4).

    P without a fraction and from 20 on counts as milliseconds, as Fanuc's controls and RepRap have it: nobody waits so long for a spindle.
    """
    seconds = np.nan_to_num(given(words, words.of("S")))[dwelling]
    pauses = np.nan_to_num(given(words, words.of("P")))[dwelling]
    waits = np.nan_to_num(given(words, words.of("X")))[dwelling]
    thousandths = (pauses >= 20) & (pauses == np.floor(pauses))
    return float((seconds + waits + np.where(thousandths, pauses / 1000, pauses)).sum())
