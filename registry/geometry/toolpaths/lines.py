# SPDX-License-Identifier: AGPL-3.0-or-later
"""A toolpath in pieces of whole lines: a hundred megabytes are never in memory at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from registry.geometry.faults import Unmeasurable

PIECE = 1 << 20
"""What is read at once: some 40,000 lines. With less, starting each step costs more than the step; more does not fit the cache."""
LONGEST_LINE = 1 << 16
"""Our own choice: controllers take 80 to 256 characters, and only a slicer's settings in comments run to thousands."""


@dataclass(frozen=True)
class Piece:
    """Whole lines, each ended by a line feed, and the number of the first."""

    text: bytes
    first_line: int


def file_bytes(path: Path) -> Iterator[bytes]:
    """The file's bytes, `PIECE` at a time."""
    with path.open("rb") as file:
        while block := file.read(PIECE):
            yield block


def pieces(blocks: Iterable[bytes], first_line: int = 1) -> Iterator[Piece]:
    """The blocks cut at line ends. A carriage return ends a line where the first block has no line feed.

    Errors: `Unmeasurable` (`gcode.unreadable`) for a line longer than `LONGEST_LINE`.
    """
    rest, returns, line = b"", None, first_line
    for block in blocks:
        if returns is None:
            returns = b"\n" not in block and b"\r" in block
        text = rest + (block.replace(b"\r", b"\n") if returns else block)
        cut = text.rfind(b"\n") + 1
        rest = text[cut:]
        if len(rest) > LONGEST_LINE:
            raise _too_long(line + text.count(b"\n"))
        if cut:
            _check_lengths(text[:cut], line)
            yield Piece(text[:cut], line)
            line += text.count(b"\n")
    if rest:
        yield Piece(rest + b"\n", line)


def _check_lengths(text: bytes, first_line: int) -> None:
    """Look at every `LONGEST_LINE`-th byte only: a longer line spans two such places without an end between."""
    for start in range(0, len(text) - LONGEST_LINE, LONGEST_LINE // 2):
        if text.find(b"\n", start, start + LONGEST_LINE) < 0:
            raise _too_long(first_line + text.count(b"\n", 0, start))


def _too_long(line: int) -> Unmeasurable:
    return Unmeasurable("gcode.unreadable", f"it is longer than {LONGEST_LINE} characters", line=line)
