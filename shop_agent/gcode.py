# SPDX-License-Identifier: AGPL-3.0-or-later
"""The gate: what a toolpath would make the machine do, and whether the machine may do it.

The reader follows every move as Marlin does (https://marlinfw.org/meta/gcode/): absolute and relative positions, millimetres and inches,
G92, arcs in the plane of X and Y. Whatever it does not follow (planes other than X-Y, position memory) is refused rather than guessed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from commonfab import v1
from commonfab.reasons import reason
from commonfab.units import Quantity, mm
from shop_agent.machine_section import MachineSection

MOST_REASONS = 20
TOLERANCE_MM = 0.01  # slicers round to three digits
INCH_MM = 25.4

WORD = re.compile(r"([A-Z])\s*([-+]?(?:\d+\.?\d*|\.\d+))")
LINE_NUMBER = re.compile(r"^N\d+\s*")
COMMAND = re.compile(r"[GMT]\s*\d")
AXES = {"X": 0, "Y": 1, "Z": 2}

FORBIDDEN = frozenset(
    (
        *("M28", "M30", "M32", "M928"),  # write to the card, run what lies on it
        *("M92", "M206", "M301", "M302", "M303", "M304", "M428", "M851"),  # steps, offsets, heater control, cold extrusion
        *("M500", "M501", "M502", "M504", "M540", "M575"),  # stored settings, the serial line
        *("M42", "M81", "M997", "M999"),  # pins, power, firmware, reset
    )
)
"""Commands that change the machine itself rather than make something with it."""

NOT_FOLLOWED = frozenset(
    ("G5", "G6", "G18", "G19", "G27", "G30", "G53", "G54", "G55", "G56", "G57", "G58", "G59", "G59.1", "G59.2", "G59.3", "G60", "G61")
)
"""Moves whose end this reader does not know."""

TEMPERATURES = {"M104": "the nozzle", "M109": "the nozzle", "M140": "the bed", "M190": "the bed"}


class ToolpathRefused(Exception):
    """The gate said no, for all these reasons."""

    def __init__(self, reasons: list[v1.Reason]) -> None:
        self.reasons = reasons
        super().__init__("; ".join(reason.message for reason in reasons))


@dataclass(frozen=True)
class Finding:
    """A command that stands out: where, what, and how hot where it is a temperature."""

    line: int
    command: str
    value: float = 0.0


@dataclass
class Toolpath:
    """What a toolpath does. `lowest` and `highest` hold, for each axis, the farthest position (mm) and the line where it is reached."""

    lowest: list[tuple[float, int]] = field(default_factory=lambda: [(0.0, 0)] * 3)
    highest: list[tuple[float, int]] = field(default_factory=lambda: [(0.0, 0)] * 3)
    laid_lowest: list[float] = field(default_factory=lambda: [math.inf] * 3)
    laid_highest: list[float] = field(default_factory=lambda: [-math.inf] * 3)
    hottest: dict[str, Finding] = field(default_factory=dict)
    forbidden: list[Finding] = field(default_factory=list)
    unreadable: list[Finding] = field(default_factory=list)
    commands: dict[str, int] = field(default_factory=dict)
    extruded_mm: float = 0.0
    seconds: float = 0.0
    lines: int = 0

    @property
    def lays_material(self) -> bool:
        """Whether any move pushes material out."""
        return self.extruded_mm > 0


class _Reader:
    """Follows the machine's state line by line."""

    def __init__(self) -> None:
        self.path = Toolpath()
        self.at = [0.0, 0.0, 0.0]  # the machine's own position, mm; homing goes to 0
        self.offset = [0.0, 0.0, 0.0]  # what G92 added: own position = told position + offset
        self.e = 0.0
        self.absolute, self.e_absolute = True, True
        self.unit = 1.0
        self.feed = 1500.0  # mm/min, until the file says otherwise

    def line(self, number: int, text: str) -> None:
        command, words = _parsed(text)
        if not command:
            if text and not text.startswith(("@", "%")):
                self._odd(number, text)
            return
        self.path.commands[command] = self.path.commands.get(command, 0) + 1
        if command in ("G0", "G1"):
            self._straight(number, words)
        elif command in ("G2", "G3"):
            self._arc(number, words, clockwise=command == "G2")
        elif command in _MODES:
            _MODES[command](self, words)
        elif command in TEMPERATURES:
            self._temperature(number, command, words)
        elif command in FORBIDDEN or (command == "M211" and words.get("S") == 0):
            self.path.forbidden.append(Finding(number, command))
        elif command in NOT_FOLLOWED:
            self._odd(number, command)

    def _odd(self, number: int, text: str) -> None:
        if len(self.path.unreadable) < MOST_REASONS:
            self.path.unreadable.append(Finding(number, text[:40]))

    def _target(self, words: dict[str, float]) -> list[float]:
        target = self.at.copy()
        for letter, axis in AXES.items():
            if letter in words:
                told = words[letter] * self.unit
                target[axis] = told + self.offset[axis] if self.absolute else self.at[axis] + told
        return target

    def _straight(self, number: int, words: dict[str, float]) -> None:
        target = self._target(words)
        self._go(number, words, target, math.dist(self.at, target), (self.at, target))

    def _arc(self, number: int, words: dict[str, float], clockwise: bool) -> None:
        target = self._target(words)
        centre = _centre(self.at, target, words, self.unit, clockwise)
        if centre is None:
            self._odd(number, "an arc without a centre")
            return
        points, length = _swept(self.at, target, centre, clockwise)
        self._go(number, words, target, math.hypot(length, target[2] - self.at[2]), (self.at, target, *points))

    def _go(self, number: int, words: dict[str, float], target: list[float], length: float, through: Iterable[list[float]]) -> None:
        pushed = 0.0
        if "E" in words:
            told = words["E"] * self.unit
            pushed = told - self.e if self.e_absolute else told
            self.e = told if self.e_absolute else self.e + told
        if "F" in words and words["F"] > 0:
            self.feed = words["F"] * self.unit
        lays = pushed > 0 and length > 0
        for point in through:
            self._reach(number, point, lays)
        self.at = target
        self.path.seconds += 60 * (length or abs(pushed)) / self.feed
        if lays:
            self.path.extruded_mm += pushed

    def _reach(self, number: int, point: list[float], lays: bool) -> None:
        path = self.path
        for axis in (0, 1, 2):
            value = point[axis]
            if value < path.lowest[axis][0]:
                path.lowest[axis] = (value, number)
            if value > path.highest[axis][0]:
                path.highest[axis] = (value, number)
            if lays:
                path.laid_lowest[axis] = min(path.laid_lowest[axis], value)
                path.laid_highest[axis] = max(path.laid_highest[axis], value)

    def _temperature(self, number: int, command: str, words: dict[str, float]) -> None:
        part, degrees = TEMPERATURES[command], words.get("S", words.get("R", 0.0))
        if part not in self.path.hottest or degrees > self.path.hottest[part].value:
            self.path.hottest[part] = Finding(number, command, degrees)

    def _home(self, words: dict[str, float]) -> None:
        named = [axis for letter, axis in AXES.items() if letter in words] or [0, 1, 2]
        for axis in named:
            self.at[axis], self.offset[axis] = 0.0, 0.0

    def _renumber(self, words: dict[str, float]) -> None:
        for letter, axis in AXES.items():
            if letter in words:
                self.offset[axis] = self.at[axis] - words[letter] * self.unit
        if "E" in words:
            self.e = words["E"] * self.unit

    def _absolute(self, absolute: bool) -> None:
        self.absolute = self.e_absolute = absolute  # in Marlin G90 and G91 concern E too, until M82 or M83

    def _dwell(self, words: dict[str, float]) -> None:
        self.path.seconds += words.get("S", words.get("P", 0.0) / 1000)


_MODES: dict[str, Callable[[_Reader, dict[str, float]], None]] = {
    "G90": lambda reader, words: reader._absolute(True),
    "G91": lambda reader, words: reader._absolute(False),
    "M82": lambda reader, words: setattr(reader, "e_absolute", True),
    "M83": lambda reader, words: setattr(reader, "e_absolute", False),
    "G20": lambda reader, words: setattr(reader, "unit", INCH_MM),
    "G21": lambda reader, words: setattr(reader, "unit", 1.0),
    "G28": lambda reader, words: reader._home(words),
    "G92": lambda reader, words: reader._renumber(words),
    "G4": lambda reader, words: reader._dwell(words),
}


def read_toolpath(lines: Iterable[str]) -> Toolpath:
    """Follow a toolpath from its first line to its last. Memory does not grow with its length."""
    reader = _Reader()
    number = 0
    for number, text in enumerate(lines, start=1):
        text = text.split(";", 1)[0].strip()
        if text:
            reader.line(number, text.upper())
    reader.path.lines = number
    return reader.path


def read_toolpath_file(file: Path) -> Toolpath:
    """Follow the toolpath in a file. Errors: `OSError`."""
    with file.open(encoding="utf-8", errors="replace") as lines:
        return read_toolpath(lines)


def check(path: Toolpath, machine: MachineSection) -> list[v1.Reason]:
    """Why the machine must not run this toolpath; empty where it may."""
    reasons = [reason("toolpath.unreadable", odd.command, line=odd.line) for odd in path.unreadable]
    reasons += [reason("toolpath.forbidden_command", bad.command, line=bad.line) for bad in path.forbidden[:MOST_REASONS]]
    reasons += _outside(path, machine)
    limits = {"the nozzle": machine.max_nozzle_c, "the bed": machine.max_bed_c}
    for part, hot in path.hottest.items():
        if hot.value > limits[part]:
            has = Quantity(limits[part], "°C")
            reasons.append(reason("toolpath.too_hot", part, line=hot.line, needs=Quantity(hot.value, "°C"), has=has))
    if not path.lays_material:
        reasons.append(reason("toolpath.empty"))
    return reasons


def _outside(path: Toolpath, machine: MachineSection) -> list[v1.Reason]:
    lower, upper = machine.reach_min_mm, machine.reach_max_mm or machine.envelope_mm
    reasons = []
    for name, axis in AXES.items():
        low, high = path.lowest[axis], path.highest[axis]
        if low[0] < lower[axis] - TOLERANCE_MM:
            reasons.append(reason("toolpath.outside", name.lower(), line=low[1], needs=mm(low[0]), has=mm(lower[axis])))
        if high[0] > upper[axis] + TOLERANCE_MM:
            reasons.append(reason("toolpath.outside", name.lower(), line=high[1], needs=mm(high[0]), has=mm(upper[axis])))
    return reasons


def _parsed(text: str) -> tuple[str, dict[str, float]]:
    """The command ("G1", "M104", "G59.1", "T0") and its words. Line numbers, checksums and comments in brackets are left out."""
    if "(" in text:
        text = re.sub(r"\([^)]*\)", "", text)
    text = LINE_NUMBER.sub("", text.split("*", 1)[0])
    if not COMMAND.match(text):
        return "", {}
    found = WORD.findall(text)
    letter, digits = found[0]
    whole = float(digits)
    command = f"{letter}{int(whole)}" if whole == int(whole) else f"{letter}{digits}"
    words = {name: float(value) for name, value in found[1:]}
    if command == "G28":  # "G28 X Y": letters without numbers
        words |= dict.fromkeys(re.findall(r"[XYZ]", text.split("28", 1)[1]), 0.0)
    return command, words


def _centre(at: list[float], to: list[float], words: dict[str, float], unit: float, clockwise: bool) -> tuple[float, float] | None:
    if "R" not in words:
        if "I" not in words and "J" not in words:
            return None
        return at[0] + words.get("I", 0.0) * unit, at[1] + words.get("J", 0.0) * unit
    radius, dx, dy = words["R"] * unit, to[0] - at[0], to[1] - at[1]
    chord = math.hypot(dx, dy)
    if not chord or abs(radius) < chord / 2 - TOLERANCE_MM:
        return None
    height = math.sqrt(max(radius * radius - chord * chord / 4, 0.0))
    side = 1 if (clockwise == (radius < 0)) else -1  # as in NIST RS274: a negative radius is the longer way round
    return (at[0] + to[0]) / 2 - side * dy / chord * height, (at[1] + to[1]) / 2 + side * dx / chord * height


def _swept(at: list[float], to: list[float], centre: tuple[float, float], clockwise: bool) -> tuple[list[list[float]], float]:
    """The points where an arc crosses the axes through its centre, and its length in the plane."""
    radius = math.hypot(at[0] - centre[0], at[1] - centre[1])
    begin = math.atan2(at[1] - centre[1], at[0] - centre[0])
    end = math.atan2(to[1] - centre[1], to[0] - centre[0])
    turn = (begin - end if clockwise else end - begin) % (2 * math.pi)
    if turn < 1e-9:
        turn = 2 * math.pi  # the same start and end is a full circle
    points = []
    for quarter in range(4):
        angle = quarter * math.pi / 2
        ahead = (begin - angle if clockwise else angle - begin) % (2 * math.pi)
        if ahead <= turn:
            points.append([centre[0] + radius * math.cos(angle), centre[1] + radius * math.sin(angle), to[2]])
    return points, radius * turn
