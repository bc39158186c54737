# SPDX-License-Identifier: AGPL-3.0-or-later
"""From lines to words, a letter and a number each (ISO 6983-1; RS274/NGC version 3, section 3.3), for a whole piece at once.

One regular expression finds the few lines that are not made of words alone; the others become arrays without a step of Python each.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from registry.geometry.faults import Unmeasurable
from registry.geometry.toolpaths.lines import Piece

Numbers = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

NUMBER = rb"[-+]?(?:\d+(?:\.\d*)?|\.\d+)"
COMMENT = re.compile(rb";[^\n]*|\([^)\n]*\)?|^[ \t]*(?:[Nn]\d+[ \t]*)?[Mm](?:117|118|23|28|32|486|1002)\b[^\n]*", re.MULTILINE)
"""Comments, and commands that show a text or name a file: what looks like a word in them is none."""
ODD = re.compile(rb"^(?!(?:[A-Z]" + NUMBER + rb")*+$).+", re.MULTILINE)
"""A line that is not words alone. The repetition never gives back what it took, so the time grows with the length only."""
CHECKSUM = re.compile(rb"\*\d*$", re.MULTILINE)
BARE = re.compile(rb"(?:N\d+)?[GM]\d+(?:\.\d+)?(?:[A-Z](?:" + NUMBER + rb")?)*+$")
"""A command of RepRap that names axes without numbers: G28 X Y, M84 E."""
BARE_LETTER = re.compile(rb"([A-Z])(?![-+.\d])")
FLOW = re.compile(rb"(?:N\d+)?(?:O[<\d#\[]|IF\[|WHILE\[|GOTO|DO\d|END\d)")
EXPRESSION = re.compile(rb"[#\[\]]")
KLIPPER = re.compile(rb"[A-Z][A-Z0-9_]{3,}(?:$|[A-Z_0-9]*=|[\"'])|[A-Z]+_[A-Z_0-9]+")
TEXT_COMMAND = re.compile(rb"[GMT]\d")
NOT_A_NUMBER = re.compile(rb"[XYZEFIJKRS](?:[-+]?(?:NAN|INF))")
END_MACRO = re.compile(rb"END_?PRINT|PRINT_?END")
HOT = re.compile(rb"(EXTRUDER|HOTEND|NOZZLE|BED)[A-Z_]*=(\d{2,3})")
MEANT = re.compile(rb"[^\n]+")

SQUEEZED = b" \t\r%/\0\v\f\xef\xbb\xbf"
"""Blanks mean nothing in a line (RS274/NGC, section 3.3.1.1); % begins and ends a program, / marks a line that may be skipped."""
UPPER = bytes.maketrans(b"abcdefghijklmnopqrstuvwxyz", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")
NO_LETTERS = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ\n", b" " * 27)

FARTHEST = 1e7
"""A number beyond it is garbage: no axis is 10 km long, no spindle makes 10 million turns a minute. Our own choice."""
MOST_GARBAGE = 0.05
"""Where more of the lines are garbage, nothing that the others say can be relied on. Our own choice."""


@dataclass(frozen=True)
class Words:
    """The words of a piece in their order: letters as character codes, numbers, and the line each is in, counted from 0."""

    letters: npt.NDArray[np.uint8]
    numbers: Numbers
    lines: Places
    line_count: int

    def of(self, letter: str) -> npt.NDArray[np.bool_]:
        """Which words have this letter."""
        found: npt.NDArray[np.bool_] = self.letters == ord(letter)
        return found

    def between(self, first: int, last: int) -> Words:
        """The words of lines `first` to `last`, the last excluded, counted from `first`."""
        start, end = np.searchsorted(self.lines, (first, last))
        return Words(self.letters[start:end], self.numbers[start:end], self.lines[start:end] - first, last - first)


@dataclass
class Oddities:
    """Lines that are not words alone, by what they are; `first_garbage` is a line number.

    `ended`: the last of Klipper's macros is one by which prints end, which switches everything off.
    """

    macros: int = 0
    klipper: int = 0
    grbl: int = 0
    garbage: int = 0
    first_garbage: int = 0
    nozzle_c: float = 0.0
    bed_c: float = 0.0
    statements: int = 0
    ended: bool = False


@dataclass
class Reader:
    """Reads piece after piece and remembers what was odd."""

    oddities: Oddities = field(default_factory=Oddities)
    _first_line: int = 1
    _text: bytes = b""

    def words(self, piece: Piece) -> Words:
        """The words of a piece. Errors: `Unmeasurable` (`gcode.unreadable`) for numbers that are none or absurd."""
        text = COMMENT.sub(b"", piece.text).translate(UPPER, SQUEEZED)
        if b"*" in text:
            text = CHECKSUM.sub(b"", text)
        self._first_line, self._text = piece.first_line, text
        self.oddities.statements += len(MEANT.findall(text))
        text = ODD.sub(self._odd, text)
        codes = np.frombuffer(text, dtype=np.uint8)
        is_letter = (codes >= ord("A")) & (codes <= ord("Z"))
        places = np.flatnonzero(is_letter)
        line_of = np.cumsum(codes == ord("\n"))
        numbers = np.fromstring(text.translate(NO_LETTERS).decode("ascii"), dtype=np.float64, sep=" ") if len(places) else np.empty(0)
        words = Words(codes[places], numbers, line_of[places].astype(np.int64), text.count(b"\n"))
        self._check(words)
        return words

    def check_garbage(self) -> None:
        """Errors: `Unmeasurable` (`gcode.unreadable`) where too much was read that is no G-code."""
        seen = self.oddities
        if seen.garbage > MOST_GARBAGE * seen.statements:
            share = f"one of {seen.garbage} such lines of {seen.statements}"
            raise Unmeasurable("gcode.unreadable", f"it is no G-code, {share}", line=seen.first_garbage)

    def _check(self, words: Words) -> None:
        absurd = np.flatnonzero(~(np.abs(words.numbers) < FARTHEST) & ~np.isin(words.letters, (ord("N"), ord("O"), ord("P"), ord("M"))))
        if len(absurd):
            line = self._first_line + int(words.lines[absurd[0]])
            letter, number = chr(words.letters[absurd[0]]), words.numbers[absurd[0]]
            raise Unmeasurable("gcode.unreadable", f"{letter}{number:.3g} is no number that a machine can reach", line=line)

    def _odd(self, found: re.Match[bytes]) -> bytes:
        """What an odd line means in words: nothing, mostly."""
        line, seen = found[0], self.oddities
        if NOT_A_NUMBER.search(line) and TEXT_COMMAND.match(line):
            raise Unmeasurable("gcode.unreadable", "it has a number that is none", line=self._line(found.start()))
        if BARE.match(line):
            return BARE_LETTER.sub(rb"\g<1>0", line)
        if line.startswith(b"$"):
            seen.grbl += 1
        elif FLOW.match(line) or (EXPRESSION.search(line) and not KLIPPER.match(line)):
            seen.macros += 1
        elif KLIPPER.match(line):
            seen.klipper += 1
            self._heat(line)
        elif not TEXT_COMMAND.match(line) or line.startswith(b"G"):
            seen.garbage += 1
            seen.first_garbage = seen.first_garbage or self._line(found.start())
        return b""

    def _heat(self, line: bytes) -> None:
        """START_PRINT BED=60 EXTRUDER=210, as Klipper's users write it; END_PRINT switches off."""
        self.oddities.ended = bool(END_MACRO.search(line))
        for what, degrees in HOT.findall(line):
            if what == b"BED":
                self.oddities.bed_c = max(self.oddities.bed_c, float(degrees))
            else:
                self.oddities.nozzle_c = max(self.oddities.nozzle_c, float(degrees))

    def _line(self, place: int) -> int:
        return self._first_line + self._text.count(b"\n", 0, place)
