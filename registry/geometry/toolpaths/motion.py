# SPDX-License-Identifier: AGPL-3.0-or-later
"""From modes and words to moves: where they go, how long they are and take."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from registry.geometry.toolpaths.arcs import Arcs, centres_of_radius
from registry.geometry.toolpaths.columns import Flags, Numbers, followed, held
from registry.geometry.toolpaths.modes import CYCLES, LINEAR, ROTARY, State, Stretch
from registry.geometry.toolpaths.tally import Tally

PLANES = ((17.0, 0, 1, 2), (18.0, 2, 0, 1), (19.0, 1, 2, 0))
"""Each plane with its first, second and third axis; in G18 Z comes first, so that all are right-handed (RS274/NGC, section 3.5.3)."""
CENTRES = "IJK"
SLOWEST_FEED = 1.0
"""Where no feed was set, or none to speak of, mm a minute: the time says nothing, and is left out. Our own choice."""
MOST_TURNS = 4000.0
"""Turns a minute that a lathe at constant surface speed (G96) does not exceed near its axis. Our own choice."""


@dataclass(frozen=True)
class Moves:
    """The moves of a stretch. `before` and `after`: shape (3, n), mm; `low` and `high` likewise; `pushed`: filament, mm."""

    before: Numbers
    after: Numbers
    low: Numbers
    high: Numbers
    lengths: Numbers
    turned: Numbers
    pushed: Numbers
    moving: Flags
    feeding: Flags


def moves(lines: Stretch, state: State, tally: Tally) -> Moves:
    """The moves of a stretch; `state` is brought to its end. A line that does not move has the length 0."""
    count = lines.words.line_count
    motion = lines.modes["motion"]
    drilling = np.isin(motion, CYCLES)
    steps = {axis: _axis(axis, lines, state, tally, drilling) for axis in (*LINEAR[:3], *ROTARY)}
    named = np.zeros(count, dtype=bool)
    for _, _, words in steps.values():
        named |= ~np.isnan(words)
    before = np.stack([steps[axis][0] for axis in "XYZ"])
    after = np.stack([steps[axis][1] for axis in "XYZ"])
    low, high = np.fmin(before, after), np.fmax(before, after)
    change = np.nan_to_num(after - before)
    lengths = np.sqrt((change**2).sum(axis=0))
    turned = np.max([np.abs(np.nan_to_num(steps[axis][1] - steps[axis][0])) for axis in ROTARY], axis=0)
    named |= _arcs(lines, before, after, low, high, lengths)
    _drill(lines, state, drilling & named, after, low, high, lengths)
    pushed = _extruded(lines, state, tally)
    return Moves(before, after, low, high, lengths, turned, pushed, named, named & (motion != 0.0) & (motion != 800.0))


def _axis(axis: str, lines: Stretch, state: State, tally: Tally, drilling: Flags) -> tuple[Numbers, Numbers, Numbers]:
    """Where an axis is before and after each line, and the words that say so."""
    words = lines.own(axis)
    said = ~np.isnan(words)
    if said.any():
        tally.axes.add(axis)
        tally.y_words += int(np.count_nonzero(said)) if axis == "Y" else 0
    sent = np.where(drilling, np.nan, words) if axis == "Z" else words
    if not np.any(~np.isnan(sent)):
        still = np.full(len(words), state.at[axis])
        return still, still, words
    factor = lines.modes["unit"] if axis in LINEAR else np.ones(len(words))
    lengths = sent * (factor * 0.5 if axis == "X" and state.diameter else factor)
    relative = lines.modes["relative"] == 1.0
    sets = np.where(relative, np.nan, lengths + state.offsets[axis])
    after = followed(sets, np.where(relative, np.nan_to_num(lengths), 0.0), state.at[axis])
    start = state.at[axis]
    first = int(np.flatnonzero(~np.isnan(sent))[0])
    before = np.concatenate([[start], after[:-1]])
    if np.isnan(start) and relative[first]:
        before[: first + 1] = 0.0
    state.at[axis] = float(after[-1])
    return before, after, words


def _arcs(lines: Stretch, before: Numbers, after: Numbers, low: Numbers, high: Numbers, lengths: Numbers) -> Flags:
    """Put the reach and the length of G2 and G3 in place of those of their chords. Returns which lines are arcs."""
    motion = lines.modes["motion"]
    round_lines: Flags = (motion == 20.0) | (motion == 30.0)
    if not round_lines.any():
        return round_lines
    offsets, radii, turns = [lines.own(letter) for letter in CENTRES], lines.own("R"), lines.own("P")
    is_arc: Flags = round_lines & ~(np.isnan(np.stack([*offsets, radii])).all(axis=0))
    for plane, first, second, third in PLANES:
        chosen = np.flatnonzero(is_arc & (lines.modes["plane"] == plane))
        if len(chosen):
            pair = [first, second]
            start, end = np.nan_to_num(before[pair][:, chosen]).T, np.nan_to_num(after[pair][:, chosen]).T
            factor = lines.modes["unit"][chosen]
            clockwise = motion[chosen] == 20.0
            moved = np.stack([offsets[axis][chosen] * factor for axis in pair], axis=1)
            absolute = (lines.modes["arc_absolute"][chosen] == 1.0)[:, None]
            centre = np.where(absolute, np.where(np.isnan(moved), start, moved), start + np.nan_to_num(moved))
            by_radius = np.isnan(moved).all(axis=1) & ~np.isnan(radii[chosen])
            if by_radius.any():
                centre[by_radius] = centres_of_radius(start, end, radii[chosen] * factor, clockwise)[by_radius]
            arcs = Arcs(start, end, centre, clockwise, np.nan_to_num(turns[chosen], nan=1.0))
            for bound, reach in zip((low, high), arcs.bounds(), strict=True):
                bound[first, chosen], bound[second, chosen] = reach.T
            lengths[chosen] = arcs.lengths(np.nan_to_num(after[third, chosen] - before[third, chosen]))
    return is_arc


def _drill(lines: Stretch, state: State, holes: Flags, after: Numbers, low: Numbers, high: Numbers, lengths: Numbers) -> None:
    """A canned cycle goes from the level R to the bottom Z; both hold until they are said anew (RS274/NGC, section 3.5.16)."""
    if not holes.any():
        return
    words = {"cycle_z": np.where(holes, lines.own("Z"), np.nan), "cycle_r": np.where(holes, lines.own("R"), np.nan)}
    unit, relative = lines.modes["unit"], lines.modes["relative"] == 1.0
    level = np.where(relative, np.nan_to_num(after[2]), state.offsets["Z"]) + words["cycle_r"] * unit
    level = held(level, state.modes["cycle_r"])
    bottom = held(np.where(relative, np.nan_to_num(level), state.offsets["Z"]) + words["cycle_z"] * unit, state.modes["cycle_z"])
    state.modes["cycle_r"], state.modes["cycle_z"] = float(level[-1]), float(bottom[-1])
    low[2, holes] = np.fmin(low[2, holes], bottom[holes])
    high[2, holes] = np.fmax(high[2, holes], level[holes])
    lengths[holes] = np.nan_to_num(np.abs(level - bottom)[holes])


def _extruded(lines: Stretch, state: State, tally: Tally) -> Numbers:
    """Filament that each line pushes out, mm; negative where it is drawn back.

    G91 makes it relative too, and G90 does not end M83, as in Marlin before 2.0 and in every file in which slicers state it anew.
    """
    words = lines.own("E")
    count = len(words)
    resets = _resets(lines)
    if not np.any(~np.isnan(words)) and not np.any(~np.isnan(resets)):
        return np.zeros(count)
    relative = (lines.modes["relative_e"] == 1.0) | (lines.modes["relative"] == 1.0)
    amounts = words * lines.modes["unit"]
    sets = np.where(np.isnan(resets), np.where(relative, np.nan, amounts), resets)
    adds = np.where(relative, np.nan_to_num(amounts), 0.0)
    after = followed(sets, adds, state.at["E"])
    pushed = np.diff(after, prepend=state.at["E"])
    pushed[~np.isnan(resets)] = 0.0
    state.at["E"] = float(after[-1])
    if pushed.any():
        tally.axes.add("E")
        total = tally.extruded + np.cumsum(pushed)
        tally.extruded, tally.extruded_most = float(total[-1]), max(tally.extruded_most, float(total.max()))
    return pushed


def _resets(lines: Stretch) -> Numbers:
    """Lines of G92 E…: the count starts anew and nothing comes out."""
    words = lines.words
    column = np.full(words.line_count, np.nan)
    is_reset = words.of("G") & (np.abs(words.numbers - 92) < 1e-6)
    if is_reset.any():
        lines_of = words.lines[is_reset]
        chosen = words.of("E")
        values = np.full(words.line_count, np.nan)
        values[words.lines[chosen]] = words.numbers[chosen]
        column[lines_of] = values[lines_of] * lines.modes["unit"][lines_of]
    return column


def add(lines: Stretch, made: Moves, tally: Tally) -> None:
    """Add the moves of a stretch to the tally."""
    on = lines.modes["tool_on"] == 1.0
    power = lines.modes["S"] > 0
    # The first move goes from nobody knows where: it has no length, but an end.
    arriving = (np.isnan(made.before) & ~np.isnan(made.after)).any(axis=0)
    going = made.moving & (arriving | (made.lengths > 0) | (made.turned > 0))
    feeding = made.feeding & going
    pushing = made.moving & (made.pushed > 1e-9) & (made.lengths > 0)
    bounds = (made.low, made.high, made.lengths)
    tally.motion.add(*bounds, going)
    tally.extruding.add(*bounds, pushing)
    tally.feed.add(*bounds, feeding)
    if not tally.extruding.moves:  # of a printer none of the others is asked for
        tally.feed_on.add(*bounds, feeding & on)
        tally.powered.add(*bounds, feeding & on & power)
        _add_below(made, feeding, on, tally)
    tally.z_feeds += int(np.count_nonzero(feeding & (np.nan_to_num(made.high[2] - made.low[2]) > 0)))
    _add_time(lines, made, feeding, tally)


def _add_below(made: Moves, feeding: Flags, on: Flags, tally: Tally) -> None:
    """The part at or below Z 0; a move that dips under it counts from where it passes, if it is straight."""
    low_z, high_z = made.low[2], made.high[2]
    under = feeding & ((low_z < -1e-9) | (high_z <= 1e-9))
    if not under.any():
        return
    low, high = made.low.copy(), made.high.copy()
    passing = np.flatnonzero(under & (high_z > 1e-9))
    if len(passing):
        start, end = made.before[:, passing], made.after[:, passing]
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.nan_to_num(start[2] / (start[2] - end[2]))
        place = start + (end - start) * np.clip(share, 0, 1)
        inner = np.where(start[2] <= 0, start, end)
        straight = np.abs(np.hypot(*(end - start)[:2]) - np.hypot(*(made.high - made.low)[:2, passing])) < 1e-6
        for bound, pick in ((low, np.fmin), (high, np.fmax)):
            bound[:2, passing] = np.where(straight, pick(place, inner)[:2], bound[:2, passing])
        high[2, passing] = 0.0
    tally.below.add(low, high, made.lengths, under)
    tally.below_on.add(low, high, made.lengths, under & on)


def _add_time(lines: Stretch, made: Moves, feeding: Flags, tally: Tally) -> None:
    modes = lines.modes
    ways = np.where(made.lengths > 0, made.lengths, np.maximum(made.turned, np.abs(made.pushed)))
    speed = modes["F"]
    if np.any(modes["feed_mode"] == 95.0):
        speed = np.where(modes["feed_mode"] == 95.0, speed * _turns(modes, made), speed)
    known = speed >= SLOWEST_FEED
    with np.errstate(divide="ignore", invalid="ignore"):
        minutes = np.where(modes["feed_mode"] == 93.0, np.where(speed > 0, 1 / speed, 0.0) * (ways > 0), np.where(known, ways / speed, 0.0))
    rapid = made.moving & ~feeding
    said = feeding | (~made.moving & (made.pushed != 0))
    tally.seconds += 60 * float(minutes[said].sum())
    tally.rapid_seconds += 60 * float(minutes[rapid].sum())
    tally.rapid_mm += float(made.lengths[rapid].sum())


def _turns(modes: dict[str, Numbers], made: Moves) -> Numbers:
    """Turns a minute: the S word, or at constant surface speed (S in m a minute) what the diameter asks for."""
    mean = np.abs(np.nan_to_num(made.before[0] + made.after[0]))  # of two radii, so the diameter
    steady = np.minimum(1000 * np.nan_to_num(modes["S"]) / (np.pi * np.maximum(mean, 1e-3)), MOST_TURNS)
    return np.where(modes["spindle_mode"] == 96.0, steady, np.nan_to_num(modes["S"]))
