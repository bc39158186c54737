# SPDX-License-Identifier: AGPL-3.0-or-later
"""STL: 80 bytes of free text, a little-endian 32-bit count and 50 bytes a triangle (3D Systems, 1988); or text between "solid" and
"endsolid"."""

from __future__ import annotations

import math
import struct
from itertools import pairwise

from commonfab import v1
from registry.geometry.faults import Unmeasurable
from registry.geometry.sniff.glance import Glance

HEADER_BYTES = 84
TRIANGLE_BYTES = 50
MOST_ANNOUNCED = 1_000_000_000
"""More triangles than this are not an announcement but other bytes where an STL has its count: such a file would have 50 GB."""


def binary_by_length(glance: Glance) -> bool:
    """Whether the length is what the announced triangles take. The count decides before the word "solid" does: many programs begin the
    header of a binary STL with it."""
    return glance.size == HEADER_BYTES + TRIANGLE_BYTES * announced(glance)


def binary_by_triangles(glance: Glance) -> v1.FileFormat.ValueType | None:
    """A binary STL that was cut short, or whose count is wrong, or that has other bytes behind its triangles; else None.

    Errors: `Unmeasurable` (`file.truncated`).
    """
    said, there = announced(glance), whole_triangles(glance)
    count_is_lost = (said == 0 or said > MOST_ANNOUNCED) and there > 0 and (glance.size - HEADER_BYTES) % TRIANGLE_BYTES == 0
    if count_is_lost and _likely(glance.head[HEADER_BYTES:]) and any(glance.head[HEADER_BYTES:]):
        return v1.FILE_FORMAT_STL_BINARY
    if not 0 < said <= MOST_ANNOUNCED or not _likely(glance.head[HEADER_BYTES:]):
        return None
    if there < said:
        raise Unmeasurable("file.truncated", announced=said, has=there, missing=said - there)
    return v1.FILE_FORMAT_STL_BINARY


def ascii_stl(glance: Glance) -> v1.FileFormat.ValueType | None:
    """An ASCII STL, whatever stands before its first facet; else None. Errors: `Unmeasurable` (`file.breaks_off`)."""
    start = _without_comments(glance.start.lower())
    solid = start.startswith(b"solid") and (b"facet" in start or b"endsolid" in start)
    if not solid and not _has_facet(glance):
        return None
    if b"endsolid" not in glance.end.lower():
        raise Unmeasurable("file.breaks_off", "endsolid")
    return v1.FILE_FORMAT_STL_ASCII


def announced(glance: Glance) -> int:
    """How many triangles the file announces, read as a binary STL; 0 where it is too short to say."""
    if glance.size < HEADER_BYTES:
        return 0
    count: int = struct.unpack_from("<I", glance.head, HEADER_BYTES - 4)[0]
    return count


def whole_triangles(glance: Glance) -> int:
    """How many triangles the file has room for."""
    return max(0, glance.size - HEADER_BYTES) // TRIANGLE_BYTES


def surplus_is_triangles(glance: Glance) -> bool:
    """Whether the bytes behind the announced triangles look like more of them, and not like padding or a program's own notes."""
    with glance.path.open("rb") as file:
        file.seek(HEADER_BYTES + TRIANGLE_BYTES * announced(glance))
        surplus = file.read(200 * TRIANGLE_BYTES)
    return len(surplus) >= TRIANGLE_BYTES and any(surplus) and _likely(surplus)


def _likely(body: bytes) -> bool:
    """Whether bytes look like triangles: numbers of a size that coordinates and normals have.

    Of random bytes one triangle in four hundred passes, so a few are enough. Normals need not have length one: not every program
    writes them so.
    """
    whole = min(len(body) // TRIANGLE_BYTES, 200)
    if whole == 0:  # cut off within the first triangle: the count is all there is to go by
        return True
    for index in range(whole):
        numbers = struct.unpack_from("<12f", body, index * TRIANGLE_BYTES)
        if not all(n == 0 or (math.isfinite(n) and 1e-30 < abs(n) < 1e9) for n in numbers):
            return False
    return True


def _has_facet(glance: Glance) -> bool:
    lines = [line.lower() for line in glance.lines if not line.startswith(b"#")]
    return any(line.startswith(b"facet") and after.startswith(b"outer") for line, after in pairwise(lines))


def _without_comments(text: bytes) -> bytes:
    while text.startswith(b"#"):
        text = text.partition(b"\n")[2].lstrip()
    return text
