# SPDX-License-Identifier: AGPL-3.0-or-later
"""Lines into Grbl's receive buffer, by counting characters (https://github.com/gnea/grbl/wiki/Grbl-v1.1-Interface). Pure.

`ok` means that a line was parsed, not that anything has moved.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from commonfab.errors import Refused
from shop_agent.machines.grbl.reports import code_of, error_text

WINDOW = 120
"""Characters that may be under way. Grbl has room for 128; what is left is for the question that is asked after a restart, when nobody
knows any more how full it is."""
MOST_CHARACTERS = 79
"""Grbl's line buffer is 80 with its end (protocol.h, LINE_BUFFER_SIZE)."""

COMMENT = re.compile(rb"\([^)]*\)?|;.*")
BLANK = re.compile(rb"[\s%]+")
NO_LINE = re.compile(rb"[^A-Za-z0-9.+\-/]")
"""Anything else is a realtime command, a setting, or nothing that Grbl knows."""
DWELL = re.compile(rb"(?<![A-Z0-9.])G0*4(?![0-9.])", re.IGNORECASE)
SECONDS = re.compile(rb"P([0-9.]+)", re.IGNORECASE)


def bare(line: bytes) -> bytes:
    """A line as Grbl reads it: without comments, blanks and `%`. A comment must not be sent: `!`, `?` or `~` in it would be obeyed."""
    return BLANK.sub(b"", COMMENT.sub(b"", line))


def bare_lines(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Each line that says something, with its number in the file, counted from 1."""
    for number, line in enumerate(lines, start=1):
        if said := bare(line):
            yield number, said


def fit_to_feed(lines: Iterable[bytes]) -> int:
    """How many characters will be sent. Errors: `Refused` (`toolpath.unreadable`, `toolpath.empty`)."""
    characters = 0
    for number, line in bare_lines(lines):
        if NO_LINE.search(line) or len(line) > MOST_CHARACTERS:
            raise Refused("toolpath.unreadable", line[:40].decode("ascii", "backslashreplace"), line=number)
        characters += len(line) + 1
    if not characters:
        raise Refused("toolpath.empty")
    return characters


@dataclass
class Feed:
    """A toolpath on its way into the buffer. `name` as it is called; `characters` of the whole; `trouble`: why it ended, if it did."""

    name: str
    lines: Iterator[tuple[int, bytes]]
    characters: int
    trouble: str = ""
    ended: bool = False
    parsed: int = 0
    answers: int = 0
    queued: float = 0.0
    _under_way: deque[tuple[int, bytes]] = field(default_factory=deque)
    _room: int = WINDOW
    _next: tuple[int, bytes] | None = None

    def __post_init__(self) -> None:
        self._next = next(self.lines, None)

    def due(self) -> bytes:
        """The lines that fit into the buffer now; they count as sent. Empty once something is wrong."""
        sent = bytearray()
        while not self.ended and not self.trouble and self._next is not None and len(self._next[1]) < self._room:
            number, line = self._next
            sent += line + b"\n"
            self._room -= len(line) + 1
            self._under_way.append((number, line))
            self._next = next(self.lines, None)
        return bytes(sent)

    def answered(self, answer: str) -> None:
        """Grbl said "ok" or "error:N" to the oldest line that is under way."""
        if not self._under_way:
            return
        number, line = self._under_way.popleft()
        self._room += len(line) + 1
        self.parsed += len(line) + 1
        self.answers += 1
        code = code_of(answer, "error")
        if code is not None and not self.trouble:
            self.trouble = f"{error_text(code)} at line {number}: {line.decode('ascii')}"

    @property
    def all_parsed(self) -> bool:
        """Whether the last line was answered."""
        return self._next is None and not self._under_way

    @property
    def progress(self) -> float:
        """0 to 1, never 1 before it is done. What waits in Grbl's planner is not made yet."""
        return min(max(self.parsed / self.characters - self.queued, 0.0), 0.99)

    def planner_holds(self, blocks: int) -> None:
        """So many of the parsed lines wait to be moved."""
        a_line = self.parsed / self.answers if self.answers else 0.0
        self.queued = blocks * a_line / self.characters

    @property
    def dwells_seconds(self) -> float:
        """How long the lines under way may keep Grbl waiting without moving (G4)."""
        return dwells(line for _, line in self._under_way)


def dwells(lines: Iterable[bytes]) -> float:
    """For how many seconds lines tell Grbl to wait (G4)."""
    return sum(_seconds(line) for line in lines if DWELL.search(line))


def _seconds(line: bytes) -> float:
    found = SECONDS.search(line)
    try:
        return float(found[1]) if found else 0.0
    except ValueError:
        return 0.0
