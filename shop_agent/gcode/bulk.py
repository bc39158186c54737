# SPDX-License-Identifier: AGPL-3.0-or-later
"""Many moves at once, column by column: first everything is reckoned, and only where nothing can be refused the follower is changed.

What must hold here is what `Follower`, `PrinterFollower` and `CutterFollower` say line by line; read those first.
"""

from __future__ import annotations

import math
from itertools import accumulate, compress
from operator import sub

from shop_agent.gcode.bulk_arcs import Arcs, any_of, arcs_in
from shop_agent.gcode.bulk_run import Run
from shop_agent.gcode.following import AXES, TOLERANCE_MM, Follower
from shop_agent.gcode.machining import CutterFollower
from shop_agent.gcode.plain_lines import RESET, Columns, Texts
from shop_agent.gcode.printing import PrinterFollower


def follow_all(state: Follower, columns: Columns, lines: int) -> bool:
    """Follow all these lines, the first of which comes after so many `lines`; or change nothing and answer False."""
    return Bulk(state, columns, lines + 1).follow()


class Bulk(Run):
    """A run with its arcs, which is followed as a whole or not at all."""

    def __init__(self, state: Follower, columns: Columns, first: int) -> None:
        super().__init__(state, columns, first)
        self.arcs = Arcs()

    def follow(self) -> bool:
        """Reckon, then commit. Answers False, and has changed nothing, where a line might be refused."""
        if not self._may() or not self._find_motions():
            return False
        for axis in self.used:
            self.paths[axis] = self._positions(axis)
        self._find_pushes()
        if not self._find_feeds() or (self.pushes is not None and not self.state.hot and max(self.pushes) > 0):
            return False
        self._measure()
        if not self.arcs.sweep(self) or not self._tool_is_safe():
            return False
        self._commit()
        return True

    # What must hold before.

    def _may(self) -> bool:
        state, columns = self.state, self.columns
        if isinstance(state, PrinterFollower) and state.rules.prints:
            if ("E" in columns.full or "E" in columns.some) and state.pushes_absolute is None:
                return False
            return state.absolute is not None and all(state.homed[axis] and state.known[axis] for axis in self.used)
        if isinstance(state, CutterFollower) and (state.ended or state.percents > 1):
            return False
        if state.unit is None or state.absolute is None:
            return False
        return all(state.known[axis] or not state.absolute for axis in self.used)

    def _find_motions(self) -> bool:
        """What kind of move each line is: one for all, or one for each. False where none was said, or an arc has no centre."""
        columns, modal = self.columns, isinstance(self.state, CutterFollower)
        told = columns.some.get("G")
        going_on: str | None = self.state.motion.removeprefix("G") if isinstance(self.state, CutterFollower) else ""
        if told is None or (modal and set(told) <= {going_on, None}):
            self.motions = columns.motion or going_on or ""
            told = [self.motions] * columns.count if self.motions in ("2", "3") else None
            if modal and self.motions not in ("0", "1", "2", "3"):
                return False
        elif modal:
            told = [going_on := one or going_on for one in told]
            if told[0] not in ("0", "1", "2", "3"):
                return False
        self.motions = told if told is not None else self.motions
        found = arcs_in(columns, told or "", self.state)
        if found is None:
            return False
        self.arcs = found
        return True

    # From words to positions.

    def _positions(self, axis: int) -> list[float]:
        letter, state, unit = AXES[axis], self.state, self.unit
        at, offset = state.at[axis], state.offset[axis]
        full = self.columns.full.get(letter)
        if full is not None:
            if not state.absolute:
                return list(accumulate([one * unit for one in full], initial=at))[1:]
            return full if unit == 1.0 and offset == 0.0 else [one * unit + offset for one in full]
        some = self.columns.some[letter]
        if not state.absolute:
            return [at := at + float(one) * unit if one else at for one in some]
        if unit == 1.0 and offset == 0.0:
            return [at := float(one) if one else at for one in some]
        return [at := float(one) * unit + offset if one else at for one in some]

    def _find_pushes(self) -> None:
        """What each line pushes out, in mm of filament, and where E stands at the end."""
        full, some, resets = self.columns.full.get("E"), self.columns.some.get("E"), self.columns.some.get(RESET)
        if full is None and some is None:
            self.e = 0.0 if resets else self.state.e
        elif self.state.pushes_absolute:  # type: ignore[attr-defined]
            self._push_to(full, some, resets)
        else:
            self.pushes = full or [float(one) if one else 0.0 for one in some or ()]
            begin = 0 if resets is None else next(at for at in range(len(resets) - 1, -1, -1) if resets[at])
            self.e = sum(self.pushes[begin:], self.state.e if resets is None else 0.0)

    def _push_to(self, full: list[float] | None, some: Texts | None, resets: Texts | None) -> None:
        last = self.state.e
        if full is not None:
            told = full
        elif resets is None:
            told = [last := float(one) if one else last for one in some or ()]
        else:
            told = [last := float(one) if one else 0.0 if reset else last for one, reset in zip(some or (), resets, strict=True)]
        self.pushes, self.e = list(map(sub, told, [self.state.e, *told[:-1]])), told[-1]
        for at, reset in enumerate(resets or ()):
            if reset:
                self.pushes[at] = 0.0

    def _find_feeds(self) -> bool:
        some, feed = self.columns.some.get("F"), self.state.feed
        if some is None:
            return feed is not None
        if feed is None:
            if not some[0]:
                return False
            feed = 1.0
        values = {one: float(one) * self.unit for one in set(some) if one}
        if values and min(values.values()) <= 0:
            return False
        self.feeds = [feed := values[one] if one else feed for one in some]
        return True

    def _measure(self) -> None:
        ways = []
        for axis, path in enumerate(self.paths):
            if path is not None:
                ways.append(list(map(sub, path, [self.state.at[axis], *path[:-1]])))
        self.lengths = list(map(math.hypot, *ways)) if ways else [0.0] * self.columns.count

    def _tool_is_safe(self) -> bool:
        """Whether no rapid move could burn or plunge."""
        state = self.state
        if state.rules.prints or "0" not in self.motions:
            return True
        if state.constant or state.burns:
            return False
        surface = state.surface
        if not state.rules.mills or surface is None:
            return True
        deepest = min(self.paths[2]) if self.paths[2] else state.at[2]
        return min(deepest, state.at[2]) - surface >= -TOLERANCE_MM

    # It holds: change the state.

    def _commit(self) -> None:
        state, columns = self.state, self.columns
        for axis in range(3):
            self._reach(axis)
        for at, axis, value in self.arcs.swept:
            # (value, line): of equal values the first line counts, and an end in a later line may have been noted before
            state.low[axis] = min(state.low[axis], (value, self.first + at))
            state.high[axis] = max(state.high[axis], (value, self.first + at), key=lambda reached: (reached[0], -reached[1]))
        if self.pushes is not None:
            self._lay()
        state.e = self.e
        self._pass_time()
        self._note_feeds_and_powers()
        self._count()
        moves = self._moves()
        if state.rules.mills:
            self._remember_bore(moves)
        if isinstance(state, CutterFollower):
            state.begun = True
            state.motion = f"G{self.motions[-1]}" if self.motions else "G"
        elif isinstance(state, PrinterFollower) and ("G" in columns.some or columns.motion):
            state.moved, state.closed_by_macro = True, False
        state.at = [path[-1] if path is not None else state.at[axis] for axis, path in enumerate(self.paths)]
        motions = self.motions
        still = (sum(moves) if motions == "0" else 0) if isinstance(motions, str) else sum(compress([one == "0" for one in motions], moves))
        state.path.fed_moves += sum(moves) - still

    def _reach(self, axis: int) -> None:
        """The first line that names the axis reaches where it is; then come the extremes."""
        state, path = self.state, self.paths[axis]
        first = self.arcs.at[0] if self.arcs.at else self.columns.count
        if path is not None:
            some = self.columns.some.get(AXES[axis])
            first = min(first, 0 if some is None else next(at for at, one in enumerate(some) if one))
        if first == self.columns.count:
            return
        state.number = self.first + first
        state.reach(axis, state.at[axis])
        if path is None:
            return
        low, high = min(path), max(path)
        if low < state.low[axis][0]:
            state.low[axis] = (low, self.first + path.index(low))
        if high > state.high[axis][0]:
            state.high[axis] = (high, self.first + path.index(high))

    def _lay(self) -> None:
        state, path, pushes = self.state, self.state.path, self.pushes or []
        lays = [push > 0 and length > 0 for push, length in zip(pushes, self.lengths, strict=True)]
        if True not in lays:
            return
        path.extruded_mm += sum(compress(pushes, lays))
        for axis, points in enumerate(self.paths):
            if points is None:
                self._laid(axis, [state.at[axis]])
            elif min(*points, state.at[axis]) < path.laid_lowest[axis] or max(*points, state.at[axis]) > path.laid_highest[axis]:
                self._laid(axis, [*compress(points, lays), *compress([state.at[axis], *points[:-1]], lays)])
        for at, axis, value in self.arcs.swept:
            if lays[at]:
                self._laid(axis, [value])

    def _laid(self, axis: int, points: list[float]) -> None:
        path = self.state.path
        path.laid_lowest[axis] = min(path.laid_lowest[axis], min(points))
        path.laid_highest[axis] = max(path.laid_highest[axis], max(points))

    def _pass_time(self) -> None:
        lengths = self.lengths
        if self.pushes is not None and 0.0 in lengths:
            lengths = [length or abs(push) for length, push in zip(lengths, self.pushes, strict=True)]
        if self.feeds is None:
            self.state.path.seconds += 60 * sum(lengths) / (self.state.feed or 1.0)
        else:
            self.state.path.seconds += 60 * sum([length / feed for length, feed in zip(lengths, self.feeds, strict=True)])

    def _note_feeds_and_powers(self) -> None:
        state = self.state
        if self.feeds is not None:
            said = self.columns.some["F"]
            highest = max(compress(self.feeds, said))
            if highest * state.feed_factor > state.path.fastest[0]:
                state.number = self.first + next(at for at, feed in enumerate(self.feeds) if feed == highest and said[at])
                state.feed = highest
                state.note_feed()
            state.feed = self.feeds[-1]
        powers = self.columns.full.get("S") or [float(one) if one else -1.0 for one in self.columns.some.get("S", ())]
        if powers:
            strongest = max(powers)
            if strongest > state.path.strongest[0]:
                state.path.strongest = (strongest, self.first + powers.index(strongest))
            state.power = next(one for one in reversed(powers) if one >= 0)

    def _count(self) -> None:
        columns, path = self.columns, self.state.path
        told = columns.some.get("G")
        if resets := columns.some.get(RESET):
            path.count("G92", sum(map(bool, resets)))
        for command, times in columns.counts.items():
            path.count(command, times)
        if told is None and columns.motion:
            path.count("G" + columns.motion, columns.count)
        for motion in "0123":
            if told is not None and (times := told.count(motion)):
                path.count("G" + motion, times)

    def _moves(self) -> list[bool]:
        """Which lines are moves: for Marlin those with a G word, else those with a word of a move."""
        columns, count = self.columns, self.columns.count
        if columns.full.keys() - {"S"}:
            return [True] * count
        if isinstance(self.state, PrinterFollower):
            if columns.full:
                return [True] * count
            return list(map(bool, columns.some["G"])) if "G" in columns.some else [False] * count
        words = [columns.some[letter] for letter in "XYZIJR" if letter in columns.some]
        if any(all(column) for column in words):
            return [True] * count
        return list(map(bool, any_of(words))) if words else [False] * count

    def _remember_bore(self, moves: list[bool]) -> None:
        """How deep a cutter has gone since it last moved sideways."""
        state, columns, depths = self.state, self.columns, self.paths[2]
        sideways = -1
        if "X" in columns.full or "Y" in columns.full:
            sideways = columns.count - 1
        else:
            for letter in "XY":
                words = columns.some.get(letter, ())
                sideways = max(sideways, next((at for at in range(len(words) - 1, -1, -1) if words[at]), -1))
            sideways = max([sideways, *self.arcs.at[-1:]])
        if sideways >= 0:
            state.bored = math.inf
        if not state.known[2]:
            return
        for at in range(max(sideways, 0), columns.count):
            if moves[at] and self.motions[at if len(self.motions) > 1 else 0] != "0":
                state.bored = min(state.bored, (depths[at] if depths else state.at[2]) - state.offset[2])
