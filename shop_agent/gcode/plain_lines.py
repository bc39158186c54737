# SPDX-License-Identifier: AGPL-3.0-or-later
"""Plain lines told apart from all others by one compiled expression, and their numbers taken out in columns.

Everything that matches here is a line that the exact reader takes as well: capitals, one move, each word at most once, in this order, short enough for
every controller. What does not match goes to the exact reader as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

ANY = rb"[-\d.]{1,10}"  # float() refuses what is no number
SHORT = r"(-?(?:\d{1,4}(?:\.\d{0,4})?|\.\d{1,4}))"
LONG = r"(-?(?:\d{1,5}(?:\.\d{0,5})?|\.\d{1,5}))"
PLUS = r"(\d{1,6}(?:\.\d{0,3})?)"
COMMENT = r" *(?:;[\t\x20-\x7e]*)?"
_END = rb"\r?\n"
_LETTERS_TO_SPACES = bytes(32 if 65 <= code <= 90 else code for code in range(256))
BATCH_BYTES = 600
"""Runs shorter than this are read together with their neighbours: each run has a price of its own."""


@dataclass
class Columns:
    """The words of many lines, letter by letter: numbers where every line has the word (`full`), else texts, empty where a line has none."""

    count: int
    full: dict[str, list[float]] = field(default_factory=dict)
    some: dict[str, list[str]] = field(default_factory=dict)
    motion: str = ""


@dataclass(frozen=True)
class Shape:
    """Lines that have the same words throughout: what they begin with, which motion that is (empty: the one that goes on), their letters."""

    prefix: bytes
    motion: str
    letters: str
    apart: bytes = b" "

    @property
    def line(self) -> bytes:
        """The expression for one such line."""
        head = b"G[23] " if self.motion == "arc" else re.escape(self.prefix)
        return head + self.apart.join(letter.encode() + ANY for letter in self.letters) + _END

    def columns(self, run: bytes) -> Columns:
        """The numbers of a run. Errors: `ValueError` where one is none."""
        if self.prefix:
            run = run.replace(self.prefix, b"")
        numbers = list(map(float, run.translate(_LETTERS_TO_SPACES).decode("ascii").split()))
        letters = "G" + self.letters if self.motion == "arc" else self.letters
        width = len(letters)
        columns = Columns(len(numbers) // width, {letter: numbers[at::width] for at, letter in enumerate(letters)}, motion=self.motion)
        if "G" in columns.full:
            columns.some["G"] = ["2" if one == 2 else "3" for one in columns.full.pop("G")]
        return columns


@dataclass(frozen=True)
class Pattern:
    """How plain lines of a dialect look: the shapes of long runs, and any plain line with its words in `order`."""

    shapes: tuple[Shape, ...]
    plain: str
    order: tuple[str, ...]
    pieces: re.Pattern[bytes] = field(init=False)
    rows: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        runs = b"|".join(b"((?:" + shape.line + b")+)" for shape in self.shapes)
        not_a_run = b"(?!" + b"|".join(shape.line for shape in self.shapes) + b")"
        plain = re.sub(r"\((?!\?)", "(?:", self.plain).encode()
        object.__setattr__(self, "pieces", re.compile(runs + b"|((?:" + not_a_run + plain + b"\r?\n)+)|([^\n]*\n)"))
        object.__setattr__(self, "rows", re.compile(self.plain + "\r?\n"))

    def columns(self, text: bytes) -> Columns:
        """The words of plain lines."""
        rows = self.rows.findall(text.decode("ascii"))
        some = {letter: list(column) for letter, column in zip(self.order, zip(*rows, strict=True), strict=True) if any(column)}
        return Columns(len(rows), some=some)

    def split(self, content: bytes) -> Iterator[tuple[bytes, Shape | None, bool]]:
        """The content in its order: a run with its shape; plain lines together; or one odd line (True)."""
        waiting: list[bytes] = []
        for found in self.pieces.findall(content):
            odd = found[-1]
            run = b"" if odd else max(found)  # of all groups one alone has matched
            if not odd and (len(run) < BATCH_BYTES or found[-2]):
                waiting.append(run)
                continue
            if waiting:
                yield b"".join(waiting), None, False
                waiting = []
            yield (odd, None, True) if odd else (run, self.shapes[found.index(run)], False)
        if waiting:
            yield b"".join(waiting), None, False


PRINTER = Pattern(
    shapes=(Shape(b"G1 ", "1", "XYE"), Shape(b"", "arc", "XYIJE"), Shape(b"G1 ", "1", "XY")),
    plain=(
        rf"(?:G([0-3])(?: F{PLUS})?(?: X{SHORT})?(?: Y{SHORT})?(?:(?: Z{SHORT})|(?: I{SHORT})?(?: J{SHORT})?)(?: E{LONG})?)?{COMMENT}"
    ),
    order=("G", "F", "X", "Y", "Z", "I", "J", "E"),
)
PRINTER_FEED_LAST = Pattern(
    PRINTER.shapes,
    plain=(
        rf"(?:G([0-3])(?: X{SHORT})?(?: Y{SHORT})?(?:(?: Z{SHORT})|(?: I{SHORT})?(?: J{SHORT})?)(?: E{LONG})?(?: F{PLUS})?)?{COMMENT}"
    ),
    order=("G", "X", "Y", "Z", "I", "J", "E", "F"),
)
CUTTER = Pattern(
    shapes=(
        Shape(b"G1 ", "1", "XY"),
        Shape(b"G1 ", "1", "XYZ"),
        Shape(b"", "", "XY", b" ?"),
        Shape(b"", "", "XS", b" ?"),
        Shape(b"", "", "XYS", b" ?"),
        Shape(b"", "", "XYZ", b" ?"),
        Shape(b"G1", "1", "XS", b""),
        Shape(b"", "arc", "XYIJ"),
    ),
    plain=(
        rf"(?:G0?([0-3]) ?)?(?:X{LONG} ?)?(?:Y{LONG} ?)?(?:(?:Z{LONG} ?)|(?:I{LONG} ?)?(?:J{LONG} ?)?)"
        rf"(?:S{PLUS} ?)?(?:F{PLUS} ?)?"
    ),
    order=("G", "X", "Y", "Z", "I", "J", "S", "F"),
)
