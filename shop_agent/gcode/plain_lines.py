# SPDX-License-Identifier: AGPL-3.0-or-later
"""Plain lines told apart from all others, and their numbers taken out in columns.

Whatever matches here is a line that the exact reader takes as well: short, one move, each word at most once, or a command that changes
nothing. Everything else comes back as odd and goes to the exact reader as it is. Two ways lead to columns: `Shape`, for long runs of lines
with the same words, and `Manner.texts`, for any plain lines.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache

from shop_agent.gcode.dialects import Rules

SHORT_LINE = r"(?=.{0,70}\n)"
"""With a line number of eight characters the line still fits into the smallest controller's buffer (79, Grbl)."""
UNSIGNED = r"(?:[0-9]{1,10}(?:\.[0-9]{0,20}|)|\.[0-9]{1,20})"
NUMBER = "(?:-|)" + UNSIGNED
"""What may be missing is written (?:a|) and not (?:a)?: Python's expressions take the first in a third of the time."""
ANY = rb"[-\d.]{1,10}"  # float() refuses what is no number
LINE_NUMBERS = re.compile(rb"^N\d{1,7} *(?=[GXYZIJFS][^\n]{0,69}\n)", re.MULTILINE)
MOST_IN_A_RUN = 600
"""Columns that stay in the processor's cache are read in two thirds of the time."""
Texts = list[str | None]
"""A word of many lines, None where a line has none. Texts, because tuples and lists by the thousand would wake the garbage collector."""
RESET, HARMLESS, ODD = "reset", "harmless", "odd"
"""The columns of G92 E0, by which slicers begin to count E anew; of commands that change nothing; and of lines that are not plain."""
_HARMLESS_NUMBERED = ("M73", "M106", "M107", "M204", "M205", "M900")
_HARMLESS_NAMED = (
    "M117",
    "SET_PRINT_STATS_INFO",
    "SET_VELOCITY_LIMIT",
    "SET_PRESSURE_ADVANCE",
    "EXCLUDE_OBJECT_START",
    "EXCLUDE_OBJECT_END",
)
_LETTERS_TO_SPACES = bytes(32 if 65 <= code <= 90 else code for code in range(256))


@dataclass
class Columns:
    """The words of many lines, letter by letter: numbers where every line has the word (`full`), else texts, None where a line has none.

    `motion`: of all lines, where it is one. `counts`: how often each command that changes nothing stands there.
    """

    count: int
    full: dict[str, list[float]] = field(default_factory=dict)
    some: dict[str, Texts] = field(default_factory=dict)
    motion: str = ""
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Shape:
    """Lines with the same words throughout: what they begin with, their letters in order, what stands between two words."""

    head: str
    letters: str
    gap: str

    @property
    def arcs(self) -> bool:
        """Whether the lines are arcs, then either way round."""
        return self.head.strip()[-1:] in ("2", "3")

    @property
    def run(self) -> re.Pattern[bytes]:
        """The expression for a run of them."""
        return _run(self)

    def columns(self, run: bytes) -> Columns:
        """The numbers of a run. Errors: `ValueError` where one is none."""
        if not self.arcs:
            run = run.replace(self.head.encode(), b"") if self.head else run
        numbers = list(map(float, run.translate(_LETTERS_TO_SPACES).split()))
        letters = "G" + self.letters if self.arcs else self.letters
        full = {letter: numbers[at :: len(letters)] for at, letter in enumerate(letters)}
        columns = Columns(len(numbers) // len(letters), full, motion="" if self.arcs else self.head.strip()[-1:])
        if self.arcs:
            columns.some["G"] = ["2" if one == 2 else "3" for one in full.pop("G")]
        return columns


@cache
def _run(shape: Shape) -> re.Pattern[bytes]:
    head = b"G0?[23]" + (b" " if shape.head.endswith(" ") else b"") if shape.arcs else shape.head.encode()
    words = shape.gap.encode().join(letter.encode() + ANY for letter in shape.letters)
    return re.compile(b"(?:" + head + words + b" ?\r?\n){1,%d}" % MOST_IN_A_RUN)


@dataclass(frozen=True)
class Manner:
    """How a machine's plain lines look. `modal`: motion goes on without its G word, and spaces do not matter (Grbl, LinuxCNC)."""

    modal: bool
    prints: bool
    harmless: tuple[str, ...]

    @property
    def letters(self) -> str:
        """Words that a plain move may have."""
        return "XYZIJRE" if self.prints else "XYZIJRS"

    def shape_of(self, line: str) -> Shape | None:
        """The shape of a line, where it is one that long runs have."""
        return _shape(self, _skeleton(line))

    def texts(self, text: str) -> dict[tuple[int, str], Texts]:
        """The columns of all lines of a text by their place and name; a name may come twice. ODD is the last."""
        gap = "" if self.modal else " "
        letters = "".join(letter for letter in self.letters if gap + letter in text)
        first = any(f"G{motion} F" in text for motion in "0123") if not self.modal else "F" in text
        feeds = text.count(gap + "F") - (sum(text.count(f"G{motion} F") for motion in "0123") if not self.modal else 0)
        expression, names = _rows(self, letters, first, feeds > 0, "G92" in text, "M" in text or "_" in text)
        flat, width = expression.split(text), len(names) + 1  # what stood before a line, which is nothing, then its words
        return {(at, name): flat[at + 1 :: width] for at, name in enumerate(names)}


def manner_of(rules: Rules, harmless: frozenset[str]) -> Manner:
    """How the plain lines of a machine look; `harmless` is what its follower passes over."""
    silent = () if rules.rs274 else tuple(one for one in (*_HARMLESS_NUMBERED, *_HARMLESS_NAMED) if one in harmless)
    if not rules.prints:
        silent = tuple(one for one in silent if one not in ("M106", "M107"))
    return Manner(rules.rs274, rules.prints, silent)


def columns_of(texts: Mapping[tuple[int, str], Texts], begin: int, end: int) -> Columns:
    """Some of the lines, none of which is odd."""
    some: dict[str, Texts] = {}
    for (_, name), column in texts.items():
        part = column[begin:end]
        if any(part):
            some[name] = [one or other for one, other in zip(some[name], part, strict=True)] if name in some else part
    silent = some.pop(HARMLESS, None)
    counts = dict(Counter(one for one in silent if one)) if silent else {}
    return Columns(end - begin, some=some, counts=counts)


_NUMBERS = re.compile(r"-?[\d.]+")


def _skeleton(line: str) -> str:
    """The line with a mark for each number, the head's kept: "G1 X# Y#"."""
    head = re.match(r"G\d{1,2} ?", line)
    begin = head.end() if head else 0
    return line[:begin] + "|" + _NUMBERS.sub("#", line[begin:])


@lru_cache(maxsize=256)
def _shape(manner: Manner, skeleton: str) -> Shape | None:
    head, _, words = skeleton.partition("|")
    words = words.rstrip()
    allowed = manner.letters
    found = re.fullmatch(rf"[{allowed}]#(?:( ?)[{allowed}]#(?:\1[{allowed}]#)*)?", words)
    letters = re.sub("[^A-Z]", "", words)
    if found is None or len(set(letters)) < len(letters) or not re.fullmatch(r"G0?[0-3] ?" if manner.modal else "G[0-3] ", head or "G1 "):
        return None
    curved = "I" in letters or "J" in letters
    if "R" in letters:
        if curved:
            return None
        curved = True
    if (not head and not manner.modal) or (head and curved != (head.strip()[-1] in "23")):
        return None
    gap = found[1] or ""
    return None if not manner.modal and len(letters) > 1 and gap != " " else Shape(head, letters, gap)


@cache
def _rows(manner: Manner, letters: str, first: bool, last: bool, resets: bool, silent: bool) -> tuple[re.Pattern[str], tuple[str, ...]]:
    """The expression for a line whose words are among `letters` and F, a group each, and what the groups are."""
    names = ["G"]
    text = r"(?:G0?([0-3]) ?|)" if manner.modal else r"G([0-3])(?= [A-Z])"
    if first and not manner.modal:
        text, names = text + _maybe(_word(manner, "F") + "(?!.* F)"), [*names, "F"]
    for letter in letters:
        if letter not in "IJRSE":
            text, names = text + _maybe(_word(manner, letter)), [*names, letter]
    centre = "".join(_maybe(_word(manner, letter)) for letter in "IJ" if letter in letters)
    if "R" in letters:
        centre = f"(?:{_word(manner, 'R')}|{centre})"
    text, names = text + centre, [*names, *(letter for letter in "RIJ" if letter in letters)]
    if "E" in letters:
        text, names = text + _maybe(_word(manner, "E")), [*names, "E"]
    if last and "S" in letters:
        text, names = text + _maybe(_word(manner, "F") + "(?!.*F)"), [*names, "F"]
    if "S" in letters:
        text, names = text + _maybe(_word(manner, "S")), [*names, "S"]
    if last:
        text, names = text + _maybe(_word(manner, "F")), [*names, "F"]
    return _whole(manner, text, names, resets, silent)


def _whole(manner: Manner, move: str, names: list[str], resets: bool, silent: bool) -> tuple[re.Pattern[str], tuple[str, ...]]:
    """A move, or one of the lines that are none, or an odd line."""
    plain = [move]
    if resets and manner.prints:
        plain.append(r"G92 E(0(?:\.0{0,5})?)")
        names = [*names, RESET]
    if silent and manner.harmless:
        numbered = "|".join(one for one in manner.harmless if one in _HARMLESS_NUMBERED)
        named = "|".join(one for one in manner.harmless if one in _HARMLESS_NAMED)
        words = rf"(?: [PQXK]{UNSIGNED}|)(?: [RSTY]{UNSIGNED}|)(?= *[;\r\n])"
        plain.append(rf"((?:{numbered})(?={words})|(?:{named})(?= ))[ !#-:<-~]*")
        names = [*names, HARMLESS]
    line = "|".join(plain)
    text = rf"{SHORT_LINE}{line}\r?\n" if manner.modal else rf"(?:{SHORT_LINE}(?:{line})|) *(?:;[\t -~]*|)\r?\n"
    return re.compile(rf"(?:{text})|([^\n]*)\n"), (*names, ODD)


def _word(manner: Manner, letter: str) -> str:
    number = UNSIGNED if letter in "FS" else NUMBER
    return f"{letter}({number}) ?" if manner.modal else f" {letter}({number})"


def _maybe(text: str) -> str:
    return f"(?:{text}|)"
