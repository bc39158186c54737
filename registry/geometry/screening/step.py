# SPDX-License-Identifier: AGPL-3.0-or-later
"""STEP: lists within lists without end would overrun the stack of a reader that descends into each (ISO 10303-21, section 7)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from registry.geometry.faults import Unmeasurable

MOST_DEPTH = 200
"""Our own choice: the control points of a surface are four brackets deep, and no entity of AP203, AP214 or AP242 needs ten."""
CHUNK = 256 * 1024

BUT_BRACKETS = re.compile(rb"'[^']*'|/\*.*?\*/|(')[^']*\Z|(/)\*.*\Z|[^()'/]+|/", re.DOTALL)
"""Everything but brackets: strings, comments, the rest. A string or comment that the piece ends within leaves its first letter behind."""


def screen_step(path: Path) -> None:
    """Errors: `Unmeasurable` (`file.nesting`)."""
    left = b""
    for brackets in _brackets(path):
        left = _without_pairs(left + brackets)
        if left.count(b"(") > MOST_DEPTH:
            raise Unmeasurable("file.nesting", limit=MOST_DEPTH)


def _without_pairs(brackets: bytes) -> bytes:
    """What is left when pairs are taken out, one level a turn."""
    for _ in range(MOST_DEPTH):
        fewer = brackets.replace(b"()", b"")
        if fewer == brackets:
            break
        brackets = fewer
    return brackets.lstrip(b")")  # those have nothing to close


def _brackets(path: Path) -> Iterator[bytes]:
    """The brackets of the file, piece by piece, without those in strings and comments."""
    inside, before = b"", b""
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            if inside:
                # The two letters that end a comment may lie in two pieces.
                _, ended, behind = (before[-1:] + piece if inside == b"*/" else piece).partition(inside)
                before = piece
                if not ended:
                    continue
                piece = behind
            brackets = BUT_BRACKETS.sub(rb"\1\2", piece)
            before = piece
            inside = {b"'": b"'", b"/": b"*/"}.get(brackets[-1:], b"")
            yield brackets.rstrip(b"'/")
