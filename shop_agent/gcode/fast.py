# SPDX-License-Identifier: AGPL-3.0-or-later
"""Plain lines by the thousand: the same result as the exact reading, line by line, at a fifth of its price.

Whatever could be refused is left to the exact reader: this file says yes or "look yourself", never no. It may be trusted because it only
takes lines
in a fixed form (`plain_lines.py`), in states where no rule but the limits at the end can be broken, and because a test holds both together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import accumulate, compress
from operator import sub

from shop_agent.gcode.arcs import quarters, same_radius, turn_of
from shop_agent.gcode.following import AXES, TOLERANCE_MM, Follower
from shop_agent.gcode.machining import CutterFollower
from shop_agent.gcode.plain_lines import CUTTER, PRINTER, PRINTER_FEED_LAST, RESET, Columns

FEW_BYTES = 80
Exactly = Callable[[str, int], int]


class Fast:
    """Follows whole chunks for a follower, as far as they are plain."""

    def __init__(self, follower: Follower) -> None:
        self.follower = follower
        self.cuts = isinstance(follower, CutterFollower)

    def follow(self, content: bytes, lines: int, exactly: Exactly) -> int:
        """Follow whole lines after so many `lines`. Answers how many there are then."""
        if not self.cuts and not self.follower.rules.prints:
            return exactly(content.decode("latin-1"), lines)
        pattern = CUTTER if self.cuts else PRINTER if content.count(b"G1 F") * 3 > content.count(b" F") * 2 else PRINTER_FEED_LAST
        for text, shape, odd in pattern.split(content):
            if odd or len(text) < FEW_BYTES:
                lines = exactly(text.decode("latin-1"), lines)
                continue
            try:
                columns = shape.columns(text) if shape else pattern.columns(text)
            except ValueError:
                columns = None
            count = text.count(b"\n")
            if columns is not None and columns.count == count and Bulk(self.follower, columns, lines, self.cuts).follow():
                lines += count
            else:
                lines = exactly(text.decode("latin-1"), lines)
        return lines


class Bulk:
    """Many moves at once. Nothing of the follower is changed before it is certain that none of them is refused."""

    def __init__(self, follower: Follower, columns: Columns, lines: int, cuts: bool) -> None:
        self.state = follower
        self.columns = columns
        self.first = lines + 1
        self.cuts = cuts
        self.unit = follower.unit or 1.0
        self.motions: Sequence[str] | str = ""
        self.paths: list[list[float] | None] = [None, None, None]
        self.pushes: list[float] | None = None
        self.e = follower.e
        self.feeds: list[float] | None = None
        self.lengths: list[float] = []
        self.arcs: list[int] = []
        self.swept: list[tuple[int, int, float]] = []

    def follow(self) -> bool:
        """Follow them all, or change nothing and answer False."""
        columns, state = self.columns, self.state
        used = [axis for axis, letter in enumerate(AXES) if letter in columns.full or letter in columns.some]
        if not self._may(used) or not self._find_motions():
            return False
        for axis in used:
            self.paths[axis] = self._positions(axis)
        self._find_pushes()
        if not self._find_feeds() or (self.pushes is not None and not state.hot and max(self.pushes) > 0):
            return False
        self._measure()
        if not self._sweep() or not self._tool_is_safe():
            return False
        self._commit(used)
        return True

    # What must hold before.

    def _may(self, used: list[int]) -> bool:
        state, columns = self.state, self.columns
        if isinstance(state, CutterFollower):
            if state.ended or state.percents > 1 or state.unit is None or state.absolute is None:
                return False
            return all(state.known[axis] or not state.absolute for axis in used)
        if ("E" in columns.full or "E" in columns.some) and state.e_absolute is None:
            return False
        homed: list[bool] = state.homed  # type: ignore[attr-defined]
        return state.absolute is not None and all(homed[axis] and state.known[axis] for axis in used)

    def _find_motions(self) -> bool:
        """What kind of move each line is: one for all, or one for each. False where none was said, or an arc has no centre."""
        columns, state = self.columns, self.state
        has_offsets = "I" in columns.some or "J" in columns.some
        if "G" not in columns.some:
            motion = columns.motion or (state.motion.removeprefix("G") if isinstance(state, CutterFollower) else "1")
            self.motions = motion
            return motion in ("0", "1") and not has_offsets if self.cuts else not has_offsets
        told = columns.some["G"]
        if isinstance(state, CutterFollower):
            motion = state.motion.removeprefix("G")
            told = [motion := one or motion for one in told]
            if told[0] not in ("0", "1", "2", "3"):
                return False
        self.motions = told
        if has_offsets or columns.motion == "arc" or "2" in told or "3" in told:
            return self._find_arcs(told)
        return True

    def _find_arcs(self, told: Sequence[str]) -> bool:
        """The arcs among them. A line with an arc's words is an arc, and the other way round."""
        columns, count = self.columns, self.columns.count
        if self.state.plane != 17:
            return False
        if columns.motion == "arc":
            self.arcs = list(range(count))
        else:
            blank = [""] * count
            along, up = columns.some.get("I", blank), columns.some.get("J", blank)
            others = [columns.some[letter] for letter in "XYZE" if letter in columns.some]
            for at, motion in enumerate(told):
                curved = bool(along[at] or up[at])
                if curved:
                    self.arcs.append(at)
                if curved != (motion in "23" and motion != "") and (curved or not self.cuts or any(other[at] for other in others)):
                    return False
        known, absolute = self.state.known, self.state.absolute
        return not self.arcs or not absolute or (known[0] and known[1])

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
        state, unit, last = self.state, self.unit, self.state.e
        full, some = self.columns.full.get("E"), self.columns.some.get("E")
        resets = self.columns.some.get(RESET)
        if full is None and some is None:
            self.e = 0.0 if resets else last
            return
        if full is not None:
            told = full if unit == 1.0 else [one * unit for one in full]
        elif not state.e_absolute:
            told = [float(one) * unit if one else 0.0 for one in some or ()]
        elif resets is None:
            told = [last := float(one) * unit if one else last for one in some or ()]
        else:
            told = [last := float(one) * unit if one else 0.0 if reset else last for one, reset in zip(some or (), resets, strict=True)]
        if not state.e_absolute:
            begin = 0 if resets is None else next(at for at in range(len(told) - 1, -1, -1) if resets[at])
            self.pushes, self.e = told, sum(told[begin:], last if resets is None else 0.0)
            return
        self.pushes, self.e = list(map(sub, told, [state.e, *told[:-1]])), told[-1]
        if resets is not None:
            for at, reset in enumerate(resets):
                if reset:
                    self.pushes[at] = 0.0

    def _find_feeds(self) -> bool:
        state = self.state
        some = self.columns.some.get("F")
        if some is None:
            return state.feed is not None
        feed = state.feed
        if feed is None:
            if not some[0]:
                return False
            feed = 1.0
        cache = {one: float(one) * self.unit for one in set(some) if one}
        if cache and min(cache.values()) <= 0:
            return False
        self.feeds = [feed := cache[one] if one else feed for one in some]
        return True

    def _measure(self) -> None:
        ways = []
        for axis, path in enumerate(self.paths):
            if path is not None:
                ways.append(list(map(sub, path, [self.state.at[axis], *path[:-1]])))
        self.lengths = list(map(math.hypot, *ways)) if ways else [0.0] * self.columns.count

    # Arcs.

    def _sweep(self) -> bool:
        if not self.arcs:
            return True
        count = self.columns.count
        xs, ys, zs = (path if path is not None else [self.state.at[axis]] * count for axis, path in enumerate(self.paths))
        along, up = self._offsets("I"), self._offsets("J")
        lowest, highest = self._bounds(xs, 0), self._bounds(ys, 1)
        for at in self.arcs:
            x, y, z = (xs[at - 1], ys[at - 1], zs[at - 1]) if at else self.state.at
            i, j = along[at], up[at]
            across, upward = x + i, y + j
            dx, dy, ex, ey = x - across, y - upward, xs[at] - across, ys[at] - upward
            begin, end = math.hypot(dx, dy), math.hypot(ex, ey)
            if not same_radius(begin, end):
                return False
            clockwise = self.motions[at] == "2"
            turn = turn_of(dx, dy, ex, ey, clockwise)
            self.lengths[at] = math.hypot(begin * turn, zs[at] - z)
            radius = begin if begin > end else end
            if across - radius < lowest[0] or across + radius > lowest[1] or upward - radius < highest[0] or upward + radius > highest[1]:
                for right, higher in quarters(math.atan2(dy, dx), turn, clockwise):
                    axis = 0 if right else 1
                    self.swept.append((at, axis, (across, upward)[axis] + (right or higher) * radius))
        return True

    def _offsets(self, letter: str) -> list[float]:
        full = self.columns.full.get(letter)
        if full is not None:
            return full if self.unit == 1.0 else [one * self.unit for one in full]
        some = self.columns.some.get(letter)
        return [float(one) * self.unit if one else 0.0 for one in some] if some else [0.0] * self.columns.count

    def _bounds(self, path: list[float], axis: int) -> tuple[float, float]:
        """Between these a circle adds nothing: to what was reached, or to what was laid."""
        state, toolpath = self.state, self.state.path
        if self.pushes is not None:
            return max(state.low[axis][0], toolpath.laid_lowest[axis]), min(state.high[axis][0], toolpath.laid_highest[axis])
        return state.low[axis][0], state.high[axis][0]

    # Tools.

    def _tool_is_safe(self) -> bool:
        """Whether no rapid move could burn or plunge."""
        state = self.state
        if not self.cuts:
            return True
        rapid = "0" in self.motions
        if rapid and state.rules.laser and state.spindle == "M3":
            return False
        if not state.rules.mills or not rapid or not state.known[2]:
            return True
        deepest = min(self.paths[2] or state.at) if self.paths[2] else state.at[2]
        return min(deepest, state.at[2]) - state.offset[2] >= -TOLERANCE_MM

    # It holds: change the state.

    def _commit(self, used: list[int]) -> None:
        state, path, columns = self.state, self.state.path, self.columns
        for axis in range(3):
            self._reach(axis)
        for at, axis, value in self.swept:
            state.number = self.first + at
            state.reach(axis, value)
        if self.pushes is not None:
            self._lay()
        state.e = self.e
        self._pass_time()
        self._note_feeds_and_powers()
        self._count()
        if isinstance(state, CutterFollower):
            self._remember_bore()
            state.begun = True
            state.motion = "G" + (self.motions[-1] if self.motions else "")
        elif "G" in columns.some or columns.motion or columns.counts:
            state.moved = True  # type: ignore[attr-defined]
            state.closed_by_macro = state.closed_by_macro and not state.moved  # type: ignore[attr-defined]
        for axis in used:
            state.at = state.at.copy()
            state.at[axis] = self.paths[axis][-1]  # type: ignore[index]
        path.fed_moves += self._fed()

    def _reach(self, axis: int) -> None:
        """The first line that names the axis reaches where it is; then come the extremes."""
        state, path, letter = self.state, self.paths[axis], AXES[axis]
        first = self.arcs[0] if self.arcs else self.columns.count
        if path is not None:
            some = self.columns.some.get(letter)
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
        for at, axis, value in self.swept:
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
        told = self.columns.some.get("G")
        if resets := self.columns.some.get(RESET):
            self.state.path.count("G92", len(resets) - resets.count(""))
        for command, times in (self.columns.counts or {}).items():
            self.state.path.count(command, times)
        if told is None:
            if self.columns.motion:
                self.state.path.count("G" + self.columns.motion, self.columns.count)
            return
        for motion in "0123":
            if times := told.count(motion):
                self.state.path.count("G" + motion, times)

    def _fed(self) -> int:
        """How many moves are no rapid ones."""
        columns, count = self.columns, self.columns.count
        if not self.cuts:
            told = columns.some.get("G")
            if columns.counts is not None:
                return columns.counts.get("G1", 0)
            return count if told is None and columns.motion else sum(told.count(one) for one in "123") if told else 0
        if columns.full:
            moves = [True] * count
        else:
            words = [columns.some[letter] for letter in "XYZIJ" if letter in columns.some]
            moves = [any(row) for row in zip(*words, strict=True)] if words else [False] * count
        if isinstance(self.motions, str):
            return 0 if self.motions == "0" else sum(moves)
        return sum(1 for motion, moves_it in zip(self.motions, moves, strict=True) if moves_it and motion != "0")

    def _remember_bore(self) -> None:
        """How deep a cutter has gone since it last moved sideways."""
        state, columns, count = self.state, self.columns, self.columns.count
        if not state.rules.mills:
            return
        sideways = -1
        if "X" in columns.full or "Y" in columns.full:
            sideways = count - 1
        else:
            blank = [""] * count
            for at, (x, y) in enumerate(zip(columns.some.get("X", blank), columns.some.get("Y", blank), strict=True)):
                if x or y:
                    sideways = at
            sideways = max([sideways, *self.arcs])
        if sideways >= 0:
            state.bored = math.inf
        if state.known[2]:
            self._bore_from(max(sideways, 0))

    def _bore_from(self, begin: int) -> None:
        state, columns, depths = self.state, self.columns, self.paths[2]
        words = [columns.some[letter] for letter in "XYZIJ" if letter in columns.some]
        for at in range(begin, columns.count):
            moves = bool(columns.full) or any(word[at] for word in words)
            if moves and self.motions[at if len(self.motions) > 1 else 0] != "0":
                state.bored = min(state.bored, (depths[at] if depths else state.at[2]) - state.offset[2])
