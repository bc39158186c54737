# SPDX-License-Identifier: AGPL-3.0-or-later
"""STL, binary and ASCII. It names no unit.

ASCII is read a block at a time: its words become spaces and marks, and what is left must be numbers in an even pattern. A file that does
not fit the pattern is walked line by line, which forgives what is harmless (comments, missing normals) and says where it cannot.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import numpy as np

from registry.geometry.faults import Unmeasurable
from registry.geometry.meshes.drawn import Drawn
from registry.geometry.meshes.objects import standing
from registry.geometry.meshes.texts import MARK, decoded, numbers, shown
from registry.geometry.triangles import STL_HEADER_BYTES, STL_TRIANGLE, Triangles

BLOCK = 8 * 1024 * 1024
SOLID = re.compile(rb"solid[^\n]*")
FACET_NUMBERS = 13
"""Three of the normal, nine of the corners, and the mark of the loop's end."""


def read_binary(path: Path) -> Drawn:
    """The triangles of a binary STL. Errors: `Unmeasurable` (`file.truncated`, `mesh.empty`)."""
    with path.open("rb") as file:
        head = file.read(STL_HEADER_BYTES)
        count = int.from_bytes(head[-4:], "little") if len(head) == STL_HEADER_BYTES else 0
        there = max(0, path.stat().st_size - STL_HEADER_BYTES) // STL_TRIANGLE.itemsize
        if there < count:
            raise Unmeasurable("file.truncated", announced=count, has=there, missing=count - there)
        # Not trimesh: it refuses a file with bytes behind its last triangle, as several programs write them.
        triangles = np.fromfile(file, dtype=STL_TRIANGLE, count=count)["corners"].astype(np.float64)
    if len(triangles) == 0:
        raise Unmeasurable("mesh.empty")
    return Drawn(triangles)


def read_ascii(path: Path) -> Drawn:
    """The triangles of an ASCII STL, and its solids where they are closed by themselves.

    Errors: `Unmeasurable` (`file.unreadable` with the line, `mesh.empty`).
    """
    text = decoded(path.read_bytes())
    solids = _read_at_once(text)
    if solids is None:
        solids = _walked(text)
    solids = [solid for solid in solids if len(solid.triangles)]
    if not solids:
        raise Unmeasurable("mesh.empty")
    triangles = np.concatenate([solid.triangles for solid in solids])
    names = [solid.name for solid in solids]
    if len(solids) == 1:
        return Drawn(triangles, names=tuple(names))
    groups, kept = standing(triangles, np.repeat(np.arange(len(solids)), [len(solid.triangles) for solid in solids]), names)
    return Drawn(triangles, groups, names=kept)


@dataclass(frozen=True)
class _Solid:
    name: str
    triangles: Triangles


def _read_at_once(text: bytes) -> list[_Solid] | None:
    """The solids of a file that is written as the format wants it; None for any other."""
    solids = []
    lower = text.lower()
    for name, start, end in _spans(text, lower):
        blocks = [_block(block) for block in _blocks(lower, start, end)]
        whole = [block for block in blocks if block is not None]
        if len(whole) < len(blocks):
            return None
        if whole:
            solids.append(_Solid(name, np.concatenate(whole)))
    return solids


def _spans(text: bytes, lower: bytes) -> Iterator[tuple[str, int, int]]:
    """Each solid's name, and the bytes between its first line and the next "solid" or "endsolid"."""
    name, start = "", 0
    for met in SOLID.finditer(lower):
        line = lower.rfind(b"\n", 0, met.start()) + 1
        before = lower[line : met.start()].strip()
        if before not in (b"", b"end"):
            continue  # the word within a name or a comment
        yield name, start, line
        name = "" if before else _name(text[met.start() + 5 : met.end()])
        start = met.end()
    yield name, start, len(lower)


def _name(words: bytes) -> str:
    return words.partition(b"#")[0].strip().decode("utf-8", errors="replace")


def _blocks(lower: bytes, start: int, end: int) -> Iterator[bytes]:
    """The bytes from `start` to `end` in pieces that end behind a facet."""
    while start < end:
        cut = lower.find(b"endfacet", start + BLOCK, end)
        stop = end if cut < 0 else cut + len(b"endfacet")
        block = lower[start:stop]
        if not block.isspace():
            yield block
        start = stop


def _block(block: bytes) -> Triangles | None:
    """The triangles of whole facets in lower case; None where the block holds anything else."""
    facets = block.count(b"endfacet")
    for word in (b"endfacet", b"facet normal", b"outer loop", b"vertex"):
        block = block.replace(word, b" ")
    try:
        read = numbers(block.replace(b"endloop", MARK))
    except ValueError:
        return None
    if len(read) != FACET_NUMBERS * facets:
        return None
    each = read.reshape(facets, FACET_NUMBERS)
    corners = each[:, 3:12]
    if not (each[:, 12] == -np.inf).all() or not np.isfinite(corners).all():
        return None
    return corners.reshape(facets, 3, 3)


def _walked(text: bytes) -> list[_Solid]:
    """The solids, line by line. Errors: `Unmeasurable` (`file.unreadable`, with the line)."""
    walk = _Walk()
    for number, line in enumerate(text.split(b"\n"), 1):
        words = line.split()
        if words and not words[0].startswith(b"#"):
            try:
                walk.line(words, line)
            except ValueError as error:
                raise Unmeasurable("file.unreadable", f"line {number}: {error}") from None
    if walk.state != OUTSIDE:
        raise Unmeasurable("file.unreadable", "it breaks off within a facet")
    return [_Solid(name, np.array(corners, np.float64).reshape(-1, 3, 3)) for name, corners in walk.solids]


OUTSIDE, IN_FACET, IN_LOOP, BEHIND_LOOP = "outside", "facet", "loop", "behind the loop"
ORDER = MappingProxyType(
    {
        b"facet": (OUTSIDE, IN_FACET, "a facet begins within a facet: endfacet is missing"),
        b"outer": (IN_FACET, IN_LOOP, "a loop begins where none is due"),
        b"vertex": (IN_LOOP, IN_LOOP, "a corner stands outside a loop"),
        b"endloop": (IN_LOOP, BEHIND_LOOP, "a loop ends that has not begun"),
        b"endfacet": (BEHIND_LOOP, OUTSIDE, "a facet ends without a loop that has ended: endloop is missing"),
        b"solid": (OUTSIDE, OUTSIDE, "a solid begins within a facet"),
        b"endsolid": (OUTSIDE, OUTSIDE, "a solid ends within a facet"),
        b"end": (OUTSIDE, OUTSIDE, "a solid ends within a facet"),
    }
)
"""For the first word of a line: where it may stand, where the next stands, and what is wrong elsewhere."""


@dataclass
class _Walk:
    """Where in the file the walk has come."""

    state: str = OUTSIDE
    solids: list[tuple[str, list[list[float]]]] = field(default_factory=lambda: [("", [])])
    corners: list[list[float]] = field(default_factory=list)

    def line(self, words: list[bytes], line: bytes) -> None:
        """Take one line. Errors: `ValueError` that says what is wrong with it."""
        word = words[0].lower()
        if word not in ORDER:
            if self.state == OUTSIDE and not self.solids[-1][1]:
                return  # a title of several lines, before the first facet
            raise ValueError(f"{shown(words[0])} is no word of STL")
        due, then, wrong = ORDER[word]
        if self.state != due:
            raise ValueError(wrong)
        self.state = then
        if word == b"vertex":
            self.corners.append(_corner(words[1:4]))
        elif word == b"endloop":
            if len(self.corners) != 3:
                raise ValueError(f"a facet with {len(self.corners)} corners")
            self.solids[-1][1].extend(self.corners)
            self.corners = []
        elif word == b"solid":
            self.solids.append((_name(line.strip()[len(word) :]), []))


def _corner(words: list[bytes]) -> list[float]:
    try:
        corner = [float(word) for word in words]
    except ValueError:
        raise ValueError("a corner with something else than a number") from None
    if len(corner) != 3 or not np.isfinite(corner).all():
        raise ValueError("a corner without three finite numbers")
    return corner
