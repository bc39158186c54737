# SPDX-License-Identifier: AGPL-3.0-or-later
"""Plain lines told apart from all others by one compiled expression, and their numbers taken out in columns.

Everything that matches here is a line that the exact reader takes as well: capitals, one move, each word at most once, in this order,
short enough for
every controller. What does not match goes to the exact reader as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

ANY = rb"[-\d.]{1,10}"  # float() refuses what is no number
SHORT = r"(-?(?:\d{1,4}(?:\.\d{0,4})?|\.\d{1,4}))"
LONG = r"(-?(?:\d{1,5}(?:\.\d{0,5})?|\.\d{1,5}))"
PLUS = r"(\d{1,6}(?:\.\d{0,3})?)"
ZERO = r"0(?:\.0{0,5})?"
RESET = "reset"
"""The column of G92 E0, by which slicers begin to count E anew."""
COMMENT = r" *(?:;[\t\x20-\x7e]*)?"
_END = rb"\r?\n"
_LETTERS_TO_SPACES = bytes(32 if 65 <= code <= 90 else code for code in range(256))
BATCH_BYTES = 1000
"""Runs shorter than this are read together with their neighbours: each run has a price of its own."""

MOST_BATCH_BYTES = 24 * 1024
"""Batches that stay in the processor's cache are read in two thirds of the time."""


@dataclass
class Columns:
    """The words of many lines, letter by letter: numbers where every line has the word (`full`), else texts, empty where a line has none.

    `motion`: of all lines, where it is one. `counts`: how many lines begin with each command, where no line's motion needs to be known.
    """

    count: int
    full: dict[str, list[float]] = field(default_factory=dict)
    some: dict[str, list[str]] = field(default_factory=dict)
    motion: str = ""
    counts: dict[str, int] | None = None


@dataclass(frozen=True)
class Shape:
    """Lines that have the same words throughout: what they begin with, which motion that is (empty: the one that goes on), their
    letters."""

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
    """How plain lines of a dialect look: the shapes of long runs, and any plain line with its words in `order`.

    A printer's words have one space before them; a cutter's (`cuts`) may have one after them, and its motion may go on without a G word.
    """

    shapes: tuple[Shape, ...]
    order: str
    cuts: bool = False
    pieces: re.Pattern[bytes] = field(init=False)

    def __post_init__(self) -> None:
        runs = b"|".join(b"((?:" + shape.line + b")+)" for shape in self.shapes)
        not_a_run = b"(?!" + b"|".join(shape.line for shape in self.shapes) + b")"
        plain = re.sub(r"\((?!\?)", "(?:", _row(self, frozenset(self.order))[0]).encode()
        object.__setattr__(self, "pieces", re.compile(runs + b"|((?:" + not_a_run + plain + _END + b")+)|([^\n]*\n)"))

    def columns(self, text: bytes) -> Columns:
        """The words of plain lines. Fewer lines than there are come back where one of them is not as it seemed."""
        gap = b"" if self.cuts else b" "
        expression, order = _rows(self, frozenset(letter for letter in self.order if gap + letter.encode() in text))
        rows = expression.findall(text.decode("ascii"))
        if len(order) == 1:
            return Columns(len(rows), some={order[0]: rows} if any(rows) else {}, counts=None if "G" in order else _counts(text))
        some = {letter: list(column) for letter, column in zip(order, zip(*rows, strict=True), strict=True) if any(column)}
        return Columns(len(rows), some=some, counts=None if "G" in order else _counts(text))

    def split(self, content: bytes) -> Iterator[tuple[bytes, Shape | None, bool]]:
        """The content in its order: a run with its shape; plain lines together; or one odd line (True)."""
        waiting: list[bytes] = []
        size = 0
        for found in self.pieces.findall(content):
            odd = found[-1]
            run = b"" if odd else max(found)  # of all groups one alone has matched
            together = not odd and (len(run) < BATCH_BYTES or found[-2] != b"")
            if together:
                waiting.append(run)
                size += len(run)
            if waiting and (not together or size > MOST_BATCH_BYTES):
                yield b"".join(waiting), None, False
                waiting, size = [], 0
            if together:
                continue
            yield (odd, None, True) if odd else (run, self.shapes[found.index(run)], False)
        if waiting:
            yield b"".join(waiting), None, False


def _counts(text: bytes) -> dict[str, int]:
    """How many lines begin with each command, where none is an arc."""
    counts = {name: text.count(b"\n" + name.encode() + b" ") + text.startswith(name.encode() + b" ") for name in ("G0", "G1")}
    return {name: count for name, count in counts.items() if count}


@cache
def _rows(pattern: Pattern, letters: frozenset[str]) -> tuple[re.Pattern[str], tuple[str, ...]]:
    text, order = _row(pattern, letters)
    # Only from a line's beginning: else the end of a line that is not plain would pass for an empty one.
    return re.compile("^" + text + "\r?\n", re.MULTILINE), order


def _row(pattern: Pattern, letters: frozenset[str]) -> tuple[str, tuple[str, ...]]:
    """The expression for a plain line whose words are among `letters`, a group each, and what the groups are.

    An arc's I and J never stand beside Z, so that no line grows longer than a controller holds.
    """
    words, order = [], []
    curved = [letter for letter in "IJ" if letter in letters]
    for letter in pattern.order:
        if letter == "Z" and curved:
            rise = f"(?:{_word(pattern, 'Z')})|" if "Z" in letters else ""
            words.append(f"(?:{rise}{''.join(_word(pattern, one) + '?' for one in curved)})")
            order += [*("Z" if rise else ""), *curved]
        elif letter in letters and letter not in "GIJ":
            words.append(_word(pattern, letter) + "?")
            order.append(letter)
    if pattern.cuts:
        return "(?:G0?([0-3]) ?)?" + "".join(words), ("G", *order)
    head, names = ("G([0-3])", ["G"]) if curved else ("G[01](?= )", [])
    return f"(?:{head}{''.join(words)}|G92 E({ZERO}))?{COMMENT}", (*names, *order, RESET)


def _word(pattern: Pattern, letter: str) -> str:
    number = PLUS if letter in "FS" else LONG if pattern.cuts or letter == "E" else SHORT
    return f"(?:{letter}{number} ?)" if pattern.cuts else f"(?: {letter}{number})"


_PRINTED = (Shape(b"G1 ", "1", "XYE"), Shape(b"", "arc", "XYIJE"), Shape(b"G1 ", "1", "XY"))
PRINTER = Pattern(_PRINTED, order="FXYZIJE")
PRINTER_FEED_LAST = Pattern(_PRINTED, order="XYZIJEF")
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
    order="XYZIJSF",
    cuts=True,
)
