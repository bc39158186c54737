# SPDX-License-Identifier: AGPL-3.0-or-later
"""G-code as Marlin and Klipper read it: one command a line, then its parameters.

Printers have one zero, which homing finds: their positions are those of the machine. Whoever has just homed and has not said G90 or G91
counts as
absolute and in millimetres, as after switching on: no toolpath passes the gate that leaves a machine relative or in inches. How E is
counted must be said, because slicers leave it either way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from shop_agent.gcode.dialects import FREE_TEXT, KLIPPER_HARMLESS, MARLIN_HARMLESS, Dialect, Rules
from shop_agent.gcode.findings import Finding, Toolpath
from shop_agent.gcode.following import AXES, INCH_MM, Follower
from shop_agent.gcode.lines import Odd, named, shown, words_of

HEAD = re.compile(r"([A-Za-z])([0-9]+(?:\.[0-9]+)?)(?=[^0-9.]|$)(.*)", re.DOTALL)
HOMING = re.compile(r"G28((?: ?[A-Z]-?[\d.]*)*)")
EXTENDED = re.compile(r"[A-Za-z_]{2,}[A-Za-z0-9_]*")
ASSIGNED = re.compile(r"([A-Z_][A-Z0-9_]*)=\"?([^ \"]*)")
PART_OF = MappingProxyType({"M104": "the nozzle", "M109": "the nozzle", "M140": "the bed", "M190": "the bed"}) | {
    "M141": "the chamber",
    "M191": "the chamber",
}
WAITS = frozenset(("M109", "M190", "M191"))


class PrinterFollower(Follower):
    """Follows Marlin or Klipper."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self.at = list(rules.home_mm)
        self.homed = [not rules.prints] * 3
        self.targets: dict[str, tuple[float, int]] = {}
        self.harmless = KLIPPER_HARMLESS if rules.dialect is Dialect.KLIPPER else MARLIN_HARMLESS
        self.moved = False
        self.closed_by_macro = False

    def code(self, code: str) -> None:
        """One line without its comment. Errors: `Odd`."""
        if len(code) > self.rules.longest_code and not code.startswith("M117"):
            raise Odd("toolpath.ambiguous", "a line longer than the controller holds")
        head = HEAD.fullmatch(code)
        if head is None:
            self._extended(code)
            return
        if head[1] in "Nn":
            raise Odd("toolpath.ambiguous", "a line number, which the sender gives")
        command = named(head[1].upper(), float(head[2]))
        if self.rules.dialect is Dialect.KLIPPER and command != head[1].upper() + head[2]:
            raise Odd("toolpath.ambiguous", f"{head[1]}{head[2]}, which Klipper does not take for {command}")
        self.path.count(command)
        if command in self.rules.never or (command == "M211" and re.search(r"S *0*(?![.\d])", code)):
            self.say("toolpath.forbidden_command", command)
        elif command in FREE_TEXT and command in self.harmless:
            return
        elif command == "G28":
            self._home(code)
        elif command in ("M84", "M18"):
            self._motors_off(code)
        else:
            self._plain(code, command)

    def _plain(self, code: str, command: str) -> None:
        handler = HANDLERS.get(command) or (CUTTING.get(command) if not self.rules.prints else None)
        if handler is not None:
            handler(self, self._parameters(words_of(code, self.rules), command))
        elif command in self.harmless or command == "T0":
            self._parameters(words_of(code, self.rules), command)
        elif self.rules.allows(code):
            self._trusted(code)
        else:
            self.say("toolpath.unknown_command", command)

    def _parameters(self, words: list[tuple[str, float]], command: str) -> dict[str, float]:
        told: dict[str, float] = {}
        for letter, number in words[1:]:
            if letter in told or letter in "GMN":
                raise Odd("toolpath.ambiguous", f"{letter} twice on a line" if letter in told else f"{letter} after {command}")
            told[letter] = number
        return told

    # Commands with names of their own.

    def _extended(self, code: str) -> None:
        name = re.split(r"[ =]", code, maxsplit=1)[0].upper()
        if not EXTENDED.fullmatch(name) or self.rules.dialect is Dialect.MARLIN:
            if not EXTENDED.fullmatch(name):
                words_of(code, self.rules)  # says what is odd about it, where something is
            self.say("toolpath.unknown_command" if EXTENDED.fullmatch(name) else "toolpath.unreadable", shown(code))
            return
        self.path.count(name)
        if name in self.rules.never:
            self.say("toolpath.forbidden_command", name)
        elif name == "TURN_OFF_HEATERS":
            self.targets.clear()
            self.hot = False
        elif name == "TEMPERATURE_WAIT":
            self._wait(code.upper())
        elif name in self.harmless:
            return
        elif not self.rules.allows(code):
            self.say("toolpath.unknown_command", name)
        elif name == "SET_HEATER_TEMPERATURE":
            self._set_heater(code.upper())
        else:
            self._trusted(code)

    def _trusted(self, code: str) -> None:
        """A command that the owner allowed: before the first move it may home and heat, after the last one it may switch off."""
        for name, value in ASSIGNED.findall(code.upper()):
            self._macro_temperature(name, value)
        if not self.moved:
            self.homed, self.known, self.hot = [True] * 3, [True] * 3, True
        self.closed_by_macro = True

    def _macro_temperature(self, name: str, value: str) -> None:
        part = next((part for key, part in MACRO_PARTS.items() if key in name), "")
        if part and re.fullmatch(r"-?\d+(\.\d+)?", value):
            self._hottest(part, name, float(value))

    def _set_heater(self, code: str) -> None:
        told = dict(ASSIGNED.findall(code))
        heater, target = told.get("HEATER", ""), told.get("TARGET", "0")
        part = "the nozzle" if heater.startswith("EXTRUDER") else "the bed" if heater == "HEATER_BED" else "the chamber"
        if not re.fullmatch(r"-?\d+(\.\d+)?", target):
            raise Odd("toolpath.unreadable", shown(code))
        self._heat(part, "SET_HEATER_TEMPERATURE", float(target), waits=False)

    def _wait(self, code: str) -> None:
        told = dict(ASSIGNED.findall(code))
        if told.get("SENSOR", "").startswith("EXTRUDER") and "MINIMUM" in told and self.targets.get("the nozzle"):
            self.hot = True

    # Heat.

    def temperature(self, command: str, words: dict[str, float]) -> None:
        """M104, M109, M140, M190, M141, M191: S is the target, R the target that is also waited for while cooling."""
        if "S" in words and "R" in words:
            raise Odd("toolpath.ambiguous", f"{command} with S and R")
        if "S" not in words and "R" not in words:
            if command in WAITS and words.keys() <= {"T"}:
                self.hot = self.hot or (command == "M109" and "the nozzle" in self.targets)
                return
            raise Odd("toolpath.unreadable", f"{command} without S")
        if not words.keys() <= {"S", "R", "T", "P"} or words.get("T", 0.0) or words.get("P", 0.0):
            raise Odd("toolpath.unreadable", f"{command} with other words than S, R and T0")
        self._heat(PART_OF[command], command, words.get("S", words.get("R", 0.0)), command in WAITS)

    def _heat(self, part: str, command: str, degrees: float, waits: bool) -> None:
        self.closed_by_macro = False
        if degrees < 0:
            self.say("toolpath.bad_value", f"{command} S{degrees:g}")
            return
        self._hottest(part, command, degrees)
        if degrees:
            self.targets[part] = (degrees, self.number)
        else:
            self.targets.pop(part, None)
        if part == "the nozzle":
            self.hot = degrees > 0 and (waits or self.hot)

    def _hottest(self, part: str, command: str, degrees: float) -> None:
        hottest = self.path.hottest
        if part not in hottest or degrees > hottest[part].value:
            hottest[part] = Finding("toolpath.too_hot", self.number, command, degrees)

    # Homing and motors.

    def _home(self, code: str) -> None:
        if not HOMING.fullmatch(code if not self.rules.lower_case else code.upper()):
            raise Odd("toolpath.unreadable", shown(code))
        letters = re.findall(r"[A-Z]", code.upper()[3:])
        axes = [axis for axis, letter in enumerate(AXES) if letter in letters] or [0, 1, 2]
        for axis in axes:
            if not self.rules.prints:
                self.new_frame(axis, known=True)
            self.homed[axis], self.known[axis] = True, True
            self.at[axis], self.offset[axis] = self.rules.home_mm[axis], 0.0
        self.closed_by_macro = False

    def _motors_off(self, code: str) -> None:
        letters = [letter for letter in code.upper()[1:] if letter.isalpha()]
        if letters == ["S"]:
            return
        if not set(letters) <= set("XYZE"):
            raise Odd("toolpath.unreadable", shown(code))
        for axis, letter in enumerate(AXES):
            if self.rules.prints and (letter in letters or not letters):
                self.homed[axis] = False

    # Moves.

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
            self.say("toolpath.mode_unsaid", "G90 or G91" if self.absolute is None else "G20 or G21")
            return False
        if "E" in words and self.e_absolute is None:
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
            told = words["E"] * (self.unit or 1.0)
            pushed = told - self.e if self.e_absolute else told
            self.e = told if self.e_absolute else self.e + told
        if pushed > 0 and not self.hot and self.rules.prints:
            self.say("toolpath.cold")
        path = self.path
        if pushed > 0 and length > 0:
            path.extruded_mm += pushed
            for axis, value in (*enumerate(self.at), *enumerate(to), *self.swept):
                path.laid_lowest[axis] = min(path.laid_lowest[axis], value)
                path.laid_highest[axis] = max(path.laid_highest[axis], value)
        super().finish(words, to, length or abs(pushed), rapid)

    def reach_arc(self, words: dict[str, float], clockwise: bool) -> None:
        """G2 or G3."""
        if not (words.keys() <= set("XYZEFIJRS")):
            raise Odd("toolpath.unreadable", "an arc with other words than X, Y, Z, I, J, R, E and F")
        self.arc(words, clockwise)

    def close(self, lines: int) -> Toolpath:
        """The end: nothing hot, nothing turning, absolute and in millimetres."""
        path = super().close(lines)
        if self.closed_by_macro:
            return path
        for part in self.targets:
            self.say("toolpath.end_unsafe", f"{part} is still heated")
        if self.spindle:
            self.say("toolpath.end_unsafe", f"{self.tool_name()} is still on")
        if self.absolute is False:
            self.say("toolpath.end_unsafe", "the machine is still relative (G91)")
        if self.unit == INCH_MM:
            self.say("toolpath.end_unsafe", "the machine is still in inches (G20)")
        return path


FIRST_FEED = 1500.0
"""Millimetres a minute before any is said: Marlin's DEFAULT feedrate."""

MACRO_PARTS: Mapping[str, str] = MappingProxyType(
    {
        "BED": "the bed",
        "EXTRUDER": "the nozzle",
        "NOZZLE": "the nozzle",
        "HOTEND": "the nozzle",
        "TOOL_TEMP": "the nozzle",
        "CHAMBER": "the chamber",
    }
)
"""What a macro's parameter is about, by what its name contains: START_PRINT BED_TEMP=60 EXTRUDER_TEMP=210."""


def _move(follower: PrinterFollower, words: dict[str, float], rapid: bool) -> None:
    if not words.keys() <= set("XYZEFS"):
        raise Odd("toolpath.unreadable", "a move with other words than X, Y, Z, E and F")
    if "S" in words:
        if follower.rules.prints:
            raise Odd("toolpath.unreadable", "a move with S")
        follower.set_power(words["S"])
    follower.straight(words, rapid)


def _spindle(follower: PrinterFollower, words: dict[str, float], command: str) -> None:
    if "S" in words:
        follower.set_power(words["S"])
    if command != "M5" and follower.rules.laser and follower.power is None:
        follower.say("toolpath.mode_unsaid", "the laser's power (S)")
    follower.spindle = "" if command == "M5" else command
    follower.closed_by_macro = False


def _feed_factor(follower: PrinterFollower, words: dict[str, float]) -> None:
    if words.keys() != {"S"} or words["S"] <= 0:
        raise Odd("toolpath.bad_value", "M220")
    follower.feed_factor = words["S"] / 100
    follower.note_feed()


def _relative(follower: PrinterFollower, absolute: bool) -> None:
    follower.absolute = absolute
    if follower.rules.dialect is Dialect.MARLIN:
        follower.e_absolute = absolute  # in Marlin G90 and G91 concern E too, until M82 or M83; in Klipper they do not


def _e_mode(follower: PrinterFollower, absolute: bool) -> None:
    follower.e_absolute = absolute


def _unit(follower: PrinterFollower, millimetres: float) -> None:
    follower.unit = millimetres


def _dwell(follower: PrinterFollower, words: dict[str, float]) -> None:
    follower.path.seconds += words.get("S", words.get("P", 0.0) / 1000)


def _levelled(follower: PrinterFollower) -> None:
    """Probing leaves the head somewhere over the bed."""
    if not all(follower.homed):
        follower.say("toolpath.not_homed", "levelling")
    follower.known = [False] * 3


Handler = Callable[[PrinterFollower, dict[str, float]], None]


def _heats(command: str) -> Handler:
    return lambda follower, words: follower.temperature(command, words)


def _turns(command: str) -> Handler:
    return lambda follower, words: _spindle(follower, words, command)


HANDLERS: Mapping[str, Handler] = MappingProxyType(
    {
        "G0": lambda follower, words: _move(follower, words, rapid=True),
        "G1": lambda follower, words: _move(follower, words, rapid=False),
        "G2": lambda follower, words: follower.reach_arc(words, clockwise=True),
        "G3": lambda follower, words: follower.reach_arc(words, clockwise=False),
        "G4": _dwell,
        "G20": lambda follower, words: _unit(follower, INCH_MM),
        "G21": lambda follower, words: _unit(follower, 1.0),
        "G29": lambda follower, words: _levelled(follower),
        "G80": lambda follower, words: _levelled(follower),
        "G90": lambda follower, words: _relative(follower, absolute=True),
        "G91": lambda follower, words: _relative(follower, absolute=False),
        "G92": lambda follower, words: follower.renumber(words),
        "M82": lambda follower, words: _e_mode(follower, absolute=True),
        "M83": lambda follower, words: _e_mode(follower, absolute=False),
        "M220": _feed_factor,
        **{command: _heats(command) for command in PART_OF},
    }
)
CUTTING: Mapping[str, Handler] = MappingProxyType(
    {
        **{command: _turns(command) for command in ("M3", "M4", "M5")},
        **dict.fromkeys(("M0", "M1", "M7", "M8", "M9"), lambda follower, words: None),
    }
)
"""What only machines with a spindle or a laser understand, beside a person who is there."""
