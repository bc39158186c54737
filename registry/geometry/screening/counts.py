# SPDX-License-Identifier: AGPL-3.0-or-later
"""Counts that a file announces, against the length it has: a reader that believed them would ask for memory without end."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from registry.geometry.faults import Unmeasurable
from registry.geometry.sniff.glance import Glance
from registry.geometry.sniff.stl import announced, surplus_is_triangles, whole_triangles

PLY_BYTES = MappingProxyType(
    {
        **dict.fromkeys(("char", "uchar", "int8", "uint8"), 1),
        **dict.fromkeys(("short", "ushort", "int16", "uint16"), 2),
        **dict.fromkeys(("int", "uint", "float", "int32", "uint32", "float32"), 4),
        **dict.fromkeys(("double", "float64", "int64", "uint64"), 8),
    }
)
"""Bytes of each type (G. Turk, "The PLY Polygon File Format", 1994, and the sized names that came later)."""

LEAST_OFF_VERTEX = len("0 0 0\n")
LEAST_OFF_FACE = len("0\n")


def screen_stl(path: Path) -> None:
    """A binary STL holds as many triangles as it says; what follows them may be anything but more triangles.

    Errors: `Unmeasurable` (`file.count`).
    """
    glance = Glance.at(path)
    said, there = announced(glance), whole_triangles(glance)
    if said > there or (said < there and surplus_is_triangles(glance)):
        raise Unmeasurable("file.count", "triangles", announced=said, room=there)


@dataclass
class Element:
    """One kind of record that a PLY header announces."""

    name: str
    count: int
    least_bytes: int = 0
    least_letters: int = 0
    properties: list[str] = field(default_factory=list)


def screen_ply(path: Path) -> None:
    """The elements that the header announces have room in the file, each at the least length it can have.

    Errors: `Unmeasurable` (`file.count`, `file.breaks_off`, `file.unreadable`).
    """
    glance = Glance.at(path)
    header, ended, _ = glance.head.partition(b"end_header")
    if not ended:
        raise Unmeasurable("file.breaks_off", "end_header")
    room = glance.size - len(header) - len("end_header\n")
    text = b"format ascii" in header
    for element in _elements(header):
        least = element.least_letters if text else element.least_bytes
        # The last record of a text may end without a line end.
        _check_room(f"{element.name} records", element.count, least, room + 1 if text else room)
        room -= element.count * least


def screen_off(path: Path) -> None:
    """The corners and faces that the header announces have room in the file.

    Errors: `Unmeasurable` (`file.count`, `file.unreadable`).
    """
    glance = Glance.at(path)
    plain = re.sub(rb"#[^\r\n]*", b"", glance.text)
    numbers = re.match(rb"\s*(?:ST)?C?N?4?(?:nOFF\s+\d+\b|OFF)\s*(\d+)\s+(\d+)", plain)
    if not numbers:
        raise Unmeasurable("file.unreadable", "no counts after OFF")
    room = glance.size - numbers.start(2)
    corners, faces = int(numbers[1][:30]), int(numbers[2][:30])
    _check_room("corners", corners, LEAST_OFF_VERTEX, room)
    _check_room("faces", faces, LEAST_OFF_FACE, room - corners * LEAST_OFF_VERTEX)


def _elements(header: bytes) -> list[Element]:
    elements: list[Element] = []
    for line in header.splitlines():
        words = line.decode("ascii", errors="replace").split()
        if words[:1] == ["element"]:
            if len(words) < 3 or not words[2].isdecimal() or len(words[2]) > 30:
                raise Unmeasurable("file.unreadable", "an element without a count")
            elements.append(Element(words[1][:40], int(words[2])))
        elif words[:1] == ["property"] and elements and len(words) > 2:
            # A list takes the bytes of its own length, which may be 0.
            kind = words[2] if words[1] == "list" else words[1]
            elements[-1].least_bytes += PLY_BYTES.get(kind, 1)
            elements[-1].least_letters += len("0 ")
    return elements


def _check_room(what: str, count: int, least: int, room: int) -> None:
    if count * max(least, 1) > max(room, 0):
        raise Unmeasurable("file.count", what, announced=count, room=max(room, 0) // max(least, 1))
