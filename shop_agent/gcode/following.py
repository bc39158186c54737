# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where the machine is: positions, offsets, units, feed, spindle and laser, move by move. The exact reading; `fast.py` must agree with it.

Positions are kept in the frame of the last known zero: program position = position - offset. What breaks the link between the program's
coordinates
and the machine's (work offsets, G53, G28 of a cutter) begins a new frame on that axis: extents are measured within one frame, because
only those are the same whatever the offset.
"""

from __future__ import annotations

import math

from shop_agent.gcode.arcs import centre_by_radius, quarters, same_radius, turn_of
from shop_agent.gcode.dialects import Dialect, Rules
from shop_agent.gcode.findings import Reached, Toolpath

AXES = "XYZ"
INCH_MM = 25.4
PLANES = {17: (0, 1, 2), 18: (2, 0, 1), 19: (1, 2, 0)}
"""The first and second axis of the plane and the one across it, so that anticlockwise is as RS274NGC has it (2.1.2.5)."""
OFFSETS = "IJK"
TOLERANCE_MM = 0.01
LONGEST_BURN_S = 2.0
"""How long a laser may stand still with its beam on: piercing takes a fraction of that."""
NOWHERE: tuple[Reached, Reached] = ((math.inf, 0), (-math.inf, 0))


class Follower:
    """The state of one machine. Subclasses read lines and call `move` and `arc`."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.path = Toolpath()
        self.number = 0
        self.at = [0.0, 0.0, 0.0]
        self.offset = [0.0, 0.0, 0.0]
        self.known = [False] * 3
        self.low = [NOWHERE[0]] * 3
        self.high = [NOWHERE[1]] * 3
        self.absolute: bool | None = None
        self.unit: float | None = None
        self.plane = 17
        self.feed: float | None = None
        self.feed_factor = 1.0
        self.spindle = ""
        self.power: float | None = None
        self.bored = math.inf
        self.top: float | None = None
        self.e = 0.0
        self.e_absolute: bool | None = None
        self.hot = False
        self.ended = False
        self.swept: list[tuple[int, float]] = []

    def say(self, code: str, subject: str = "") -> None:
        """A fault in this line."""
        self.path.say(code, self.number, subject)

    @property
    def constant(self) -> bool:
        """Whether the beam has the same power at any speed: M3, and M4 wherever it is not Grbl's (Marlin's M3-M5.cpp; in LinuxCNC it turns
        the spindle the other way)."""
        return self.rules.laser and (self.spindle == "M3" or (self.spindle == "M4" and self.rules.dialect is not Dialect.GRBL))

    @property
    def burns(self) -> bool:
        """Whether the laser is on though nothing moves."""
        return self.constant and (self.power or 0) > 0

    @property
    def surface(self) -> float | None:
        """Where the stock's top is, in the frame of `at`: the zero of Z, or what that was (`top`) when a cutter stood in the stock and the
        place was given another name, whichever is higher. None where nobody knows."""
        if not self.known[2]:
            return self.top
        return self.offset[2] if self.top is None else max(self.offset[2], self.top)

    @property
    def in_stock(self) -> bool:
        """Whether a cutter stands below the stock's top."""
        surface = self.surface
        return self.rules.mills and surface is not None and self.at[2] - surface < -TOLERANCE_MM

    def rename_z(self) -> None:
        """The height where the machine stands is about to get another name. A cutter that is in the stock stays in it by that."""
        self.top, self.bored = self.surface if self.in_stock else None, math.inf

    # Where a word leads.

    def target(self, words: dict[str, float]) -> list[float] | None:
        """The position that X, Y and Z words lead to; None, and a fault, where nobody can know."""
        unit, to = self.unit or 1.0, self.at.copy()
        for axis, letter in enumerate(AXES):
            if letter not in words:
                continue
            told = words[letter] * unit
            if not self.absolute:
                to[axis] = self.at[axis] + told
            else:
                to[axis] = told + self.offset[axis]
        return to

    def lose(self, axis: int) -> None:
        """Where the machine stands is as before, but what the program calls that place is not known (work offsets, tool lengths)."""
        if axis == 2:
            self.rename_z()
        self.known[axis] = False

    def settle(self, words: dict[str, float], to: list[float]) -> bool:
        """Absolute words make unknown axes known, in a new frame. Answers whether the way there is known."""
        way_known = True
        for axis, letter in enumerate(AXES):
            if letter in words and not self.known[axis] and self.absolute:
                way_known = False
                self.new_frame(axis)
                self.at[axis] = to[axis]
                self.known[axis] = True
        return way_known

    def new_frame(self, axis: int, known: bool = False) -> None:
        """What was said before on this axis and what comes now no longer have one zero."""
        self.close_frame(axis)
        self.low[axis], self.high[axis] = NOWHERE
        self.known[axis] = known
        if axis == 2:
            self.top, self.bored = None, math.inf

    def close_frame(self, axis: int) -> None:
        """Add the frame's extent to what the toolpath reaches."""
        path, low, high = self.path, self.low[axis], self.high[axis]
        if low[1] or high[1]:
            path.lowest[axis], path.highest[axis] = min(path.lowest[axis], low), max(path.highest[axis], high)
            if high[0] - low[0] > path.widest[axis][0]:
                path.widest[axis] = (high[0] - low[0], max(low[1], high[1]))

    def reach(self, axis: int, value: float) -> None:
        """The machine is there on this axis."""
        if value < self.low[axis][0]:
            self.low[axis] = (value, self.number)
        if value > self.high[axis][0]:
            self.high[axis] = (value, self.number)

    # Moves.

    def straight(self, words: dict[str, float], rapid: bool) -> None:
        """A straight line; G0 where it is `rapid`."""
        to = self.target(words)
        if to is None:
            return
        self.swept = []
        if rapid and not self.known[2] and ("X" in words or "Y" in words) and self.in_stock:
            self.say("toolpath.rapid_into_stock")
        begin = self.at.copy()
        way_known = self.settle(words, to)
        self._watch_tool(words, begin, to, rapid, way_known)
        moved = [axis for axis, letter in enumerate(AXES) if letter in words]
        for axis in moved:
            self.reach(axis, self.at[axis])
            self.reach(axis, to[axis])
        length = math.hypot(to[0] - self.at[0], to[1] - self.at[1], to[2] - self.at[2])
        self.finish(words, to, length, rapid)

    def _watch_tool(self, words: dict[str, float], begin: list[float], to: list[float], rapid: bool, way_known: bool) -> None:
        """A laser that burns on its way, a cutter that is rushed through stock."""
        if rapid and self.burns:
            self.say("toolpath.laser_on_travel")
        if not self.rules.mills:
            return
        sideways = "X" in words or "Y" in words
        surface = self.surface
        if rapid and surface is not None:
            self._watch_rapid(begin, to, way_known, surface)
        if sideways:
            self.bored = math.inf
        if not rapid and self.known[2]:
            self.bored = min(self.bored, to[2] - self.offset[2])

    def _watch_rapid(self, begin: list[float], to: list[float], way_known: bool, surface: float) -> None:
        sideways = not way_known or begin[0] != to[0] or begin[1] != to[1]
        before, after = self.at[2] - surface, to[2] - surface
        deep = min(before, after) < -TOLERANCE_MM
        drilled = to[2] - self.offset[2] >= self.bored - TOLERANCE_MM
        plunges = after < -TOLERANCE_MM and not drilled and (after < before or not way_known)
        if (deep and sideways) or plunges:
            self.say("toolpath.rapid_into_stock")

    def watch_way_home(self, sideways: bool) -> None:
        """A rapid move to a place of the machine's own."""
        if sideways and self.in_stock:
            self.say("toolpath.rapid_into_stock")
        if self.burns:
            self.say("toolpath.laser_on_travel")

    def finish(self, words: dict[str, float], to: list[float], length: float, rapid: bool) -> None:
        """Arrive; a subclass adds what is pushed out on the way."""
        if self.feed:
            self.path.seconds += 60 * length / self.feed
        if not rapid:
            self.path.fed_moves += 1
        self.at = to

    def arc(self, words: dict[str, float], clockwise: bool) -> None:
        """An arc or a helix, in the plane that is set."""
        if any(letter in words for letter in "P") and words["P"] != 1:
            self.say("toolpath.unreadable", "an arc of several turns (P)")
            return
        to = self.target(words)
        if to is None:
            return
        first, second, across = PLANES[self.plane]
        if self.absolute and not (self.known[first] and self.known[second]):
            self.say("toolpath.position_unknown", "an arc")
            return
        self.settle(words, to)
        begin, end = (self.at[first], self.at[second]), (to[first], to[second])
        centre = self._centre(words, begin, end, clockwise)
        if centre is None:
            self.say("toolpath.bad_arc")
            return
        dx, dy, ex, ey = begin[0] - centre[0], begin[1] - centre[1], end[0] - centre[0], end[1] - centre[1]
        from_centre, to_centre = math.hypot(dx, dy), math.hypot(ex, ey)
        if not same_radius(from_centre, to_centre):
            self.say("toolpath.bad_arc")
            return
        turn = turn_of(dx, dy, ex, ey, clockwise)
        radius = max(from_centre, to_centre)
        for axis in (first, second, across):
            self.reach(axis, self.at[axis])
            self.reach(axis, to[axis])
        self.swept = [
            (first if along else second, centre[0 if along else 1] + (along or up) * radius)
            for along, up in quarters(math.atan2(dy, dx), turn, clockwise)
        ]
        for axis, value in self.swept:
            self.reach(axis, value)
        self._watch_tool(words | {"X": 0.0}, self.at, to, rapid=False, way_known=True)
        self.finish(words, to, math.hypot(from_centre * turn, to[across] - self.at[across]), rapid=False)

    def _centre(
        self, words: dict[str, float], begin: tuple[float, float], end: tuple[float, float], clockwise: bool
    ) -> tuple[float, float] | None:
        first, second, across = PLANES[self.plane]
        unit = self.unit or 1.0
        along, up = OFFSETS[first], OFFSETS[second]
        if "R" in words:
            if any(letter in words for letter in OFFSETS):
                return None
            return centre_by_radius(begin, end, words["R"] * unit, clockwise)
        stray = words.get(OFFSETS[across], 0.0) if self.rules.dialect is Dialect.GRBL else OFFSETS[across] in words  # Grbl passes over it
        if stray or (along not in words and up not in words):
            return None
        return begin[0] + words.get(along, 0.0) * unit, begin[1] + words.get(up, 0.0) * unit

    # Words that set something.

    def set_feed(self, told: float) -> None:
        """F, in units a minute."""
        if told <= 0:
            self.say("toolpath.bad_value", f"F{told:g}")
            return
        self.feed = told * (self.unit or 1.0)
        self.note_feed()

    def note_feed(self) -> None:
        """Remember the fastest feed, with the factor that M220 set."""
        if self.feed is not None and self.feed * self.feed_factor > self.path.fastest[0]:
            self.path.fastest = (self.feed * self.feed_factor, self.number)

    def set_power(self, told: float) -> None:
        """S of a spindle or a laser."""
        if told < 0:
            self.say("toolpath.bad_value", f"S{told:g}")
            return
        self.power = told
        self.note_power(told)

    def note_power(self, told: float) -> None:
        """Remember the most power, or the highest speed."""
        if told > self.path.strongest[0]:
            self.path.strongest = (told, self.number)

    def renumber(self, words: dict[str, float]) -> None:
        """G92: the machine stays where it is, and the program calls that place otherwise."""
        unit = self.unit or 1.0
        for axis, letter in enumerate(AXES):
            if letter not in words:
                continue
            if axis == 2:
                self.rename_z()
            self.known[axis] = True
            self.offset[axis] = self.at[axis] - words[letter] * unit
        if "E" in words:
            self.e = words["E"] * unit

    def tool_name(self) -> str:
        """What M3 switches on."""
        return "the laser" if self.rules.laser else "the spindle"

    def close(self, lines: int) -> Toolpath:
        """The end of the file: what is left on. Subclasses say the rest."""
        for axis in range(3):
            self.close_frame(axis)
        self.path.lines = lines
        self.number = lines
        return self.path
