# SPDX-License-Identifier: AGPL-3.0-or-later
"""The path data of SVG, and its basic shapes, as curves in user units (SVG 2, chapters 9 and 10)."""

from __future__ import annotations

import cmath
import math
import re
from collections.abc import Iterator
from types import MappingProxyType

import numpy as np

from registry.geometry.drawings.lines import Points, arc_angles
from registry.geometry.drawings.svg_lengths import NUMBER
from registry.geometry.faults import Unmeasurable

TOKEN = re.compile(rf"([MmLlHhVvCcSsQqTtAaZz])|({NUMBER})")
GAP, WHOLE = r"\s*+(?:,\s*+)?+", rf"((?>{NUMBER}))"
FLAGGED = re.compile(GAP + GAP.join([WHOLE] * 3 + ["([01])"] * 2 + [WHOLE] * 2))
"""The arguments of an arc. Nothing is tried twice: seven numbers can be found in a row of digits in more ways than there is time for."""
ARGUMENTS = MappingProxyType({"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "T": 2, "A": 7, "Z": 0})

CHORDS_OF_BEZIER = 64
"""Chords of one Bézier segment. What it encloses is missed by less than 0.05 %, and its extent by less than 0.03 %."""

MOST_POINTS = 4_000_000


class Pen:
    """What path data has drawn so far: finished rows of points, and the one that is being drawn."""

    def __init__(self) -> None:
        self.rows: list[Points] = []
        self.row: list[complex] = []
        self.at = self.start = self.handle = 0j
        self.last = ""
        self.points = 0

    def line(self, to: complex) -> None:
        self.add([to])

    def add(self, places: list[complex]) -> None:
        if not self.row:
            self.row = [self.at]
        self.row.extend(places)
        self.at = places[-1]
        self.points += len(places)
        if self.points > MOST_POINTS:
            raise Unmeasurable("dxf.too_many", limit=MOST_POINTS)

    def lift(self) -> None:
        if len(self.row) > 1:
            self.rows.append(np.array([(place.real, place.imag) for place in self.row]))
        self.row = []


def path_rows(data: str) -> tuple[list[Points], bool]:
    """The lines that path data draws, each shape (n, 2); and whether all of it could be read. What comes before an error is drawn, as
    the standard has it."""
    pen = Pen()
    whole = True
    for command, numbers in _commands(data):
        try:
            _draw(pen, command, numbers)
        except (IndexError, OverflowError, ZeroDivisionError, ValueError):  # too few numbers, or too large ones
            whole = False
            break
    pen.lift()
    return pen.rows, whole and not _junk(data)


def _junk(data: str) -> bool:
    return bool(re.search(r"[^\sMmLlHhVvCcSsQqTtAaZz0-9eE,.+\-]", data))


def _arcs(text: str) -> Iterator[list[float]]:
    """The arguments of one arc after the other, up to the first that cannot be read."""
    at = 0
    while arc := FLAGGED.match(text, at):
        yield [float(number) for number in arc.groups()]
        at = arc.end()


def _commands(data: str) -> list[tuple[str, list[float]]]:
    """Each command with its arguments, those that are repeated apart."""
    found: list[tuple[str, list[float]]] = []
    for part in re.finditer(r"([MmLlHhVvCcSsQqTtAaZz])([^MmLlHhVvCcSsQqTtAaZz]*)", data):
        command, text = part[1], part[2]
        if command in "Aa":  # its two flags may stand without a space before the next number
            found.extend((command, numbers) for numbers in _arcs(text))
            continue
        numbers = [float(number[1]) for number in TOKEN.findall(text) if number[1]]
        size = ARGUMENTS[command.upper()]
        if not size:
            found.append((command, []))
            continue
        for index in range(0, len(numbers) - size + 1, size):
            if index and command in "Mm":  # further pairs after a move are lines
                command = "L" if command == "M" else "l"
            found.append((command, numbers[index : index + size]))
    return found


def _draw(pen: Pen, command: str, given: list[float]) -> None:
    kind = command.upper()
    base = pen.at if command.islower() else 0j
    if kind == "M":
        pen.lift()
        pen.at = pen.start = base + complex(*given)
    elif kind == "Z":
        if pen.row and pen.at != pen.start:
            pen.line(pen.start)
        pen.lift()
        pen.at = pen.start
    elif kind == "L":
        pen.line(base + complex(*given))
    elif kind == "H":
        pen.line(complex(base.real + given[0], pen.at.imag))
    elif kind == "V":
        pen.line(complex(pen.at.real, base.imag + given[0]))
    elif kind == "A":
        pen.add(_elliptic(pen.at, given, base + complex(given[5], given[6])))
    else:
        _curve(pen, kind, [base + complex(x, y) for x, y in zip(given[::2], given[1::2], strict=True)])
    pen.last = kind


def _curve(pen: Pen, kind: str, places: list[complex]) -> None:
    """A Bézier segment, cubic or quadratic, with its first handle mirrored from the one before where the command says so."""
    start = pen.at
    if kind in "ST":
        before = "CS" if kind == "S" else "QT"
        places = [2 * start - pen.handle if pen.last in before and pen.last else start, *places]
    pen.handle = places[-2]
    share = np.linspace(0, 1, CHORDS_OF_BEZIER + 1)[1:]
    rest = 1 - share
    if len(places) == 3:
        curve = rest**3 * start + 3 * rest**2 * share * places[0] + 3 * rest * share**2 * places[1] + share**3 * places[2]
    else:
        curve = rest**2 * start + 2 * rest * share * places[0] + share**2 * places[1]
    pen.add(curve.tolist())


def _elliptic(start: complex, given: list[float], end: complex) -> list[complex]:
    """Points on an elliptical arc after `start` (SVG 2, appendix B.2.4: from end points to centre)."""
    across, down = abs(given[0]), abs(given[1])
    if not across or not down or start == end:
        return [end]
    turn = cmath.rect(1, math.radians(given[2]))
    half = (start - end) / 2 / turn
    x, y = half.real / across, half.imag / down
    size = math.hypot(x, y)
    grow = max(1.0, size)
    across, down, x, y, size = across * grow, down * grow, x / grow, y / grow, size / grow
    reach = math.sqrt(max(0.0, 1 / size**2 - 1))
    sign = -1.0 if bool(given[3]) == bool(given[4]) else 1.0
    centre = sign * reach * complex(y, -x)  # on the unit circle
    first = cmath.phase(complex(x, y) - centre)
    last = cmath.phase(complex(-x, -y) - centre)
    sweep = (last - first) % math.tau
    if not given[4]:
        sweep -= math.tau
    angles = arc_angles(first, sweep)[1:]
    on_circle = np.exp(1j * angles) + centre
    with np.errstate(over="ignore", invalid="ignore"):  # absurd radii end as no numbers, which are refused together with all others
        places = (on_circle.real * across + 1j * on_circle.imag * down) * turn + (start + end) / 2
    return [*places.tolist()[:-1], end]


def ellipse_row(x: float, y: float, across: float, down: float) -> Points:
    """A whole ellipse or circle."""
    angles = arc_angles(0.0, math.tau)
    row: Points = np.stack([x + across * np.cos(angles), y + down * np.sin(angles)], axis=1)
    row[-1] = row[0]
    return row


def rectangle_row(x: float, y: float, width: float, height: float, across: float, down: float) -> Points:
    """A rectangle, its corners rounded by `across` and `down`."""
    across, down = min(across, width / 2), min(down, height / 2)
    if across <= 0 or down <= 0:
        return np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height), (x, y)])
    middles = ((width - across, height - down, 0.0), (across, height - down, 0.5), (across, down, 1.0), (width - across, down, 1.5))
    rows = []
    for dx, dy, quarter in middles:
        angles = arc_angles(quarter * math.pi, math.pi / 2)
        rows.append(np.stack([x + dx + across * np.cos(angles), y + dy + down * np.sin(angles)], axis=1))
    return np.concatenate([*rows, rows[0][:1]])
