# SPDX-License-Identifier: AGPL-3.0-or-later
"""A machine that reads Marlin's or Klipper's G-code, as far as the gate follows it.

Printers have one zero, which homing finds: their positions are those of the machine. Whoever has just homed and has not said G90 or G91
counts as absolute, as after switching on: no toolpath passes the gate that leaves a machine relative. How E is counted must be said,
because slicers leave it either way.
"""

from __future__ import annotations

from shop_agent.gcode.dialects import KLIPPER_HARMLESS, MARLIN_HARMLESS, Dialect, Rules
from shop_agent.gcode.findings import Finding, Toolpath
from shop_agent.gcode.following import AXES, Follower

FIRST_FEED = 1500.0
"""Millimetres a minute before any is said: Marlin's first feed, 25 mm/s (motion.cpp) is as much."""


class Printer(Follower):
    """What is known of a machine that reads Marlin's or Klipper's G-code, and what its moves and heaters do."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self.at = list(rules.home_mm)
        self.homed = [not rules.prints] * 3
        self.flow = 1.0
        self.targets: dict[str, tuple[float, int]] = {}
        self.klipper = rules.dialect is Dialect.KLIPPER
        self.harmless = KLIPPER_HARMLESS if self.klipper else MARLIN_HARMLESS
        self.blown: set[float] = set()
        self.lift = 0.0
        self.moved = False
        self.closed_by_macro = False

    # Heat.

    def heat(self, part: str, command: str, degrees: float, waits: bool) -> None:
        """A heater is set to so many °C; 0 is off."""
        self.closed_by_macro = False
        if degrees < 0:
            self.say("toolpath.bad_value", f"{command} S{degrees:g}")
            return
        self.note_heat(part, command, degrees)
        if degrees:
            self.targets[part] = (degrees, self.number)
        else:
            self.targets.pop(part, None)
        if part == "the nozzle":
            self.hot = degrees > 0 and (waits or self.hot)

    def note_heat(self, part: str, command: str, degrees: float) -> None:
        """Remember the highest temperature that is asked for."""
        hottest = self.path.hottest
        if part not in hottest or degrees > hottest[part].value:
            hottest[part] = Finding("toolpath.too_hot", self.number, command, degrees)

    def note_parameter(self, name: str, macro: str, figure: float) -> None:
        """Remember the highest figure that a macro is given and that may be a temperature."""
        known = self.path.unexplained
        if known is None or figure > known.value:
            self.path.unexplained = Finding("toolpath.macro_figure", self.number, f"{name} of {macro}", figure)

    # Moves.

    @property
    def burns(self) -> bool:
        """By the spindle's output, or by a fan's (`blown`): M5 does not switch off this one, nor M107 that one."""
        return super().burns or bool(self.blown)

    @property
    def pushes_absolute(self) -> bool | None:
        """Whether E counts from a zero; None where nobody said. In Klipper G91 makes E relative too, whatever M82 said (gcode_move.py)."""
        return False if self.klipper and self.absolute is False else self.e_absolute

    def may_move(self, words: dict[str, float]) -> bool:
        """Whether all that a move needs to know has been said; a fault where not."""
        for axis, letter in enumerate(AXES):
            if letter in words and not self.homed[axis]:
                self.say("toolpath.not_homed", letter.lower())
                return False
            if letter in words and self.absolute is False and self.rules.prints and not self.known[axis]:
                self.say("toolpath.position_unknown", "a relative move")
                return False
        if not self.rules.prints and (self.absolute is None or self.unit is None):
            self.say("toolpath.mode_unsaid", "G90 or G91" if self.absolute is None else "G21")
            return False
        if "E" in words and self.pushes_absolute is None:
            self.say("toolpath.mode_unsaid", "M82 or M83")
            return False
        return True

    def renumber(self, words: dict[str, float]) -> None:
        """G92, where the machine's own position is known."""
        if self.rules.prints and any(letter in words and not (self.homed[axis] and self.known[axis]) for axis, letter in enumerate(AXES)):
            self.say("toolpath.position_unknown", "G92")
            return
        super().renumber(words)

    def target(self, words: dict[str, float]) -> list[float] | None:
        """As of every machine, once the move may be made."""
        if "F" in words:
            self.set_feed(words["F"])
        self.closed_by_macro = False
        if not self.may_move(words):
            return None
        self.moved = True
        if self.absolute is None:
            self.absolute = True
        return super().target(words)

    def finish(self, words: dict[str, float], to: list[float], length: float, rapid: bool) -> None:
        """Arrive, and count what is pushed out."""
        if self.feed is None and length:
            self.feed = FIRST_FEED
        pushed = 0.0
        if "E" in words:
            told = words["E"]
            pushed = told - self.e if self.pushes_absolute else told
            self.e = told if self.pushes_absolute else self.e + told
        if pushed > 0 and not self.hot and self.rules.prints:
            self.say("toolpath.cold")
        path = self.path
        if pushed > 0 and length > 0:
            path.extruded_mm += pushed
            for axis, value in (*enumerate(self.at), *enumerate(to), *self.swept):
                path.laid_lowest[axis] = min(path.laid_lowest[axis], value)
                path.laid_highest[axis] = max(path.laid_highest[axis], value)
        super().finish(words, to, length or abs(pushed), rapid)

    def close(self, lines: int) -> Toolpath:
        """The end: nothing hot, nothing turning, absolute, at the usual speed."""
        path = super().close(lines)
        if self.feed_factor != 1.0:
            self.say("toolpath.end_unsafe", f"the feeds are still those of M220 S{100 * self.feed_factor:g}")
        if self.flow != 1.0:
            self.say("toolpath.end_unsafe", f"the flow is still that of M221 S{100 * self.flow:g}")
        if self.closed_by_macro:
            return path
        for part in self.targets:
            self.say("toolpath.end_unsafe", f"{part} is still heated")
        if self.spindle or self.blown:
            self.say("toolpath.end_unsafe", f"{self.tool_name()} is still on")
        if self.absolute is False:
            self.say("toolpath.end_unsafe", "the machine is still relative (G91)")
        return path
