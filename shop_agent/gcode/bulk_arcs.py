# SPDX-License-Identifier: AGPL-3.0-or-later
"""The arcs among many moves: where they are, whether each is one, how long it is and how far it bulges."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import add, mul, sub
from typing import TypeVar

from shop_agent.gcode.arcs import SAME_RADIUS_MM, centre_by_radius, centres_by_radius, quarters, same_radius, turns_of
from shop_agent.gcode.bulk_run import Run
from shop_agent.gcode.dialects import Dialect
from shop_agent.gcode.following import Follower
from shop_agent.gcode.plain_lines import Columns, Texts

Ends = tuple[list[float], list[float]]
Word = TypeVar("Word")


@dataclass
class Arcs:
    """`at`: which lines are arcs. `swept`: line, axis and value of what their bulges reach beyond what was reached before."""

    at: list[int] = field(default_factory=list)
    swept: list[tuple[int, int, float]] = field(default_factory=list)

    def sweep(self, bulk: Run) -> bool:
        """Measure them all. Answers False where one of them is none."""
        if not self.at:
            return True
        here, there = _ends(bulk, self.at, 0), _ends(bulk, self.at, 1)
        clockwise = [motion == "2" for motion in self._of(bulk.motions)]
        centres = self._centres(bulk, here, there, clockwise)
        if centres is None:
            return False
        (dx, ex), (dy, ey) = ([list(map(sub, one, centre)) for one in ends] for ends, centre in zip((here, there), centres, strict=True))
        begins, ends = list(map(math.hypot, dx, dy)), list(map(math.hypot, ex, ey))
        if max(map(abs, map(sub, begins, ends))) > SAME_RADIUS_MM and not all(map(same_radius, begins, ends)):
            return False
        turns = turns_of(dx, dy, ex, ey, clockwise)
        self._measure(bulk, list(map(mul, begins, turns)))
        self._bulge(bulk, centres, list(map(max, begins, ends)), [*zip(dx, dy, turns, clockwise, strict=True)])
        return True

    def _centres(self, bulk: Run, here: Ends, there: Ends, clockwise: list[bool]) -> tuple[list[float], list[float]] | None:
        columns, unit = bulk.columns, bulk.unit
        some = columns.some.get("R")
        if "R" in columns.full or (some and all(self._of(some))):
            radii = self._of(_numbers(columns, "R", unit))
            return centres_by_radius((here[0], there[0]), (here[1], there[1]), radii, clockwise)
        centres = (
            list(map(add, here[0], self._of(_numbers(columns, "I", unit)))),
            list(map(add, there[0], self._of(_numbers(columns, "J", unit)))),
        )
        for place, radius in enumerate(self._of(some) if some else ()):
            if radius:
                begin, end = (here[0][place], there[0][place]), (here[1][place], there[1][place])
                found = centre_by_radius(begin, end, float(radius) * unit, clockwise[place])
                if found is None:
                    return None
                centres[0][place], centres[1][place] = found
        return centres

    def _of(self, column: Sequence[Word]) -> Sequence[Word]:
        """What a column says of the arcs alone."""
        return column if len(self.at) == len(column) else [column[at] for at in self.at]

    def _measure(self, bulk: Run, flat: list[float]) -> None:
        if bulk.paths[2] is not None:
            flat = list(map(math.hypot, flat, map(sub, *reversed(_ends(bulk, self.at, 2)))))
        for at, length in zip(self.at, flat, strict=True):
            bulk.lengths[at] = length

    def _bulge(
        self, bulk: Run, centres: tuple[list[float], list[float]], radii: list[float], arcs: list[tuple[float, float, float, bool]]
    ) -> None:
        (left, right), (down, up), widest = _bounds(bulk, 0), _bounds(bulk, 1), max(radii)
        (xs, ys) = centres
        if min(xs) - widest >= left and max(xs) + widest <= right and min(ys) - widest >= down and max(ys) + widest <= up:
            return
        for place, (x, y, radius) in enumerate(zip(*centres, radii, strict=True)):
            if x - radius < left or x + radius > right or y - radius < down or y + radius > up:
                dx, dy, turn, clockwise = arcs[place]
                for along, higher in quarters(math.atan2(dy, dx), turn, clockwise):
                    self.swept.append((self.at[place], 0 if along else 1, (x if along else y) + (along or higher) * radius))


def _ends(bulk: Run, arcs: list[int], axis: int) -> Ends:
    """Where each arc begins and where it ends on an axis."""
    begin, path = bulk.state.at[axis], bulk.paths[axis]
    if path is None:
        return [begin] * len(arcs), [begin] * len(arcs)
    if len(arcs) == len(path):
        return [begin, *path[:-1]], path
    return [path[at - 1] if at else begin for at in arcs], [path[at] for at in arcs]


def arcs_in(columns: Columns, told: Sequence[str | None], state: Follower) -> Arcs | None:
    """The arcs among lines with these motions; none where a line with an arc's words is no arc, or the other way round."""
    centres = [columns.some[letter] for letter in "IJR" if letter in columns.some]
    full = not columns.full.keys().isdisjoint("IJR")
    if not full and not centres and "2" not in told and "3" not in told:
        return Arcs()
    if state.plane != 17 or (state.absolute and not (state.known[0] and state.known[1])):
        return None
    if full:
        curved = list(range(columns.count))
        if any(one not in ("2", "3") for one in told) or not told:
            return None
    else:
        if not told:
            return None
        curved = [at for at, one in enumerate(any_of(centres)) if one]
        if not _fits(columns, told, curved):
            return None
    return Arcs(curved) if _has_an_end(columns, curved, state) and _by_offsets(columns, state) else None


def _fits(columns: Columns, told: Sequence[str | None], curved: list[int]) -> bool:
    """Whether those lines with a centre, and only those of all that move, are arcs."""
    if not {told[at] for at in curved} <= {"2", "3"}:
        return False
    if len(curved) == told.count("2") + told.count("3"):
        return True
    if columns.full.keys() - {"S"}:
        return False  # all of them move
    words = any_of([columns.some[letter] for letter in "GXYZE" if letter in columns.some])
    arcs = set(curved)
    return not words or not any(motion in ("2", "3") and words[at] and at not in arcs for at, motion in enumerate(told))


def _has_an_end(columns: Columns, curved: list[int], state: Follower) -> bool:
    """Grbl stops at an arc without X and Y."""
    if state.rules.dialect is not Dialect.GRBL or "X" in columns.full or "Y" in columns.full:
        return True
    words = any_of([columns.some[letter] for letter in "XY" if letter in columns.some])
    return bool(words) and (all(words) or all(words[at] for at in curved))


def _by_offsets(columns: Columns, state: Follower) -> bool:
    """Klipper knows no R, and no arcs while it is relative."""
    return state.rules.dialect is not Dialect.KLIPPER or (state.absolute is True and "R" not in columns.some and "R" not in columns.full)


def any_of(texts: list[Texts]) -> Texts:
    """For each line one of its words, None where it has none of them."""
    found = texts[0] if texts else []
    for column in texts[1:]:
        found = [one or other for one, other in zip(found, column, strict=True)]
    return found


def _numbers(columns: Columns, letter: str, unit: float) -> list[float]:
    full = columns.full.get(letter)
    if full is not None:
        return full if unit == 1.0 else [one * unit for one in full]
    some = columns.some.get(letter)
    return [float(one) * unit if one else 0.0 for one in some] if some else [0.0] * columns.count


def _bounds(bulk: Run, axis: int) -> tuple[float, float]:
    """Between these a circle adds nothing: to what was reached, or to what was laid."""
    state, path = bulk.state, bulk.state.path
    low, high = state.low[axis][0], state.high[axis][0]
    if bulk.pushes is not None:
        return max(low, path.laid_lowest[axis]), min(high, path.laid_highest[axis])
    return low, high
