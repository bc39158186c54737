# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a file is, found from its content; its name plays no part.

Only the beginning and the end of the file are read, and of a zip archive its directory.
"""

from __future__ import annotations

import math
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from commonfab import v1
from registry.geometry.faults import Unmeasurable

STL_HEADER_BYTES = 84
STL_TRIANGLE_BYTES = 50
"""A binary STL is 80 bytes of free text, a little-endian 32-bit count, and 50 bytes a triangle (3D Systems, 1988)."""

HEAD_BYTES = 64 * 1024
TAIL_BYTES = 4 * 1024
MODEL_RELATION = b"/3dmanufacturing/2013/01/3dmodel"
"""How a package says that it holds a 3D model, whatever the entry is called (3MF core specification 1.3, section 2.1)."""
LFS_POINTER = b"version https://git-lfs.github.com/spec/"
PROMISES = (".stl", ".3mf", ".step", ".stp")
MOST_ANNOUNCED = 1_000_000_000
"""More triangles than this are not an announcement but other bytes where an STL has its count: such a file would have 50 GB."""


@dataclass(frozen=True)
class Glance:
    """What is looked at of a file: its first bytes, its last bytes, its length."""

    path: Path
    head: bytes
    tail: bytes
    size: int

    @staticmethod
    def at(path: Path) -> Glance:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
            file.seek(max(0, size - TAIL_BYTES))
            return Glance(path, head, file.read(TAIL_BYTES), size)

    @property
    def start(self) -> bytes:
        """The first bytes without a byte order mark and leading white space."""
        return self.head.removeprefix(b"\xef\xbb\xbf").lstrip()


def sniff(path: Path) -> v1.FileFormat.ValueType:
    """The format of the file at `path`.

    Errors: `Unmeasurable` (`file.empty`, `file.truncated`, `file.breaks_off`, `file.text`, `file.web_page`, `file.lfs_pointer`,
    `file.zip_broken`, `file.unrecognised`) where it is none that can be measured; `OSError`.
    """
    glance = Glance.at(path)
    if glance.size == 0:
        raise Unmeasurable("file.empty")
    if glance.head.startswith(b"PK\x03\x04"):
        return _archive(glance)
    if glance.start.startswith(b"ISO-10303-21"):
        return _step(glance)
    # The count decides before the word "solid" does: many programs begin the header of a binary STL with it.
    if glance.size == STL_HEADER_BYTES + STL_TRIANGLE_BYTES * _announced(glance):
        return v1.FILE_FORMAT_STL_BINARY
    if _is_text(glance.head):
        return _text(glance)
    return _other_binary(glance)


def check_promise(path: Path, name: str) -> None:
    """Whether a file that is called `name` plainly is not what that name promises.

    Only first and last bytes are looked at, so this is safe outside the sandbox; what is inside an archive is for the sandbox to find out.
    A name that promises nothing we measure is never refused. Errors: as `sniff`.
    """
    if PurePosixPath(name).suffix.lower() in PROMISES and not Glance.at(path).head.startswith(b"PK\x03\x04"):
        sniff(path)


def _archive(glance: Glance) -> v1.FileFormat.ValueType:
    try:
        with zipfile.ZipFile(glance.path) as archive:
            names = archive.namelist()
            relations = _beginning(archive, "_rels/.rels") if "_rels/.rels" in names else b""
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, ValueError, EOFError) as error:
        raise Unmeasurable("file.zip_broken", str(error)) from None
    if MODEL_RELATION in relations or any(name.lower().endswith(".model") for name in names):
        return v1.FILE_FORMAT_3MF
    raise Unmeasurable("file.unrecognised")


def _beginning(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as entry:
        return entry.read(HEAD_BYTES)


def _step(glance: Glance) -> v1.FileFormat.ValueType:
    if b"END-ISO-10303-21" not in glance.tail:
        raise Unmeasurable("file.breaks_off", "END-ISO-10303-21")
    return v1.FILE_FORMAT_STEP


def _announced(glance: Glance) -> int:
    """How many triangles the file announces, read as a binary STL; 0 where it is too short to say."""
    if glance.size < STL_HEADER_BYTES:
        return 0
    count: int = struct.unpack_from("<I", glance.head, STL_HEADER_BYTES - 4)[0]
    return count


def _whole_triangles(glance: Glance) -> int:
    return (glance.size - STL_HEADER_BYTES) // STL_TRIANGLE_BYTES


def _is_text(head: bytes) -> bool:
    """Whether the bytes are text in UTF-8 or a single-byte code: no control characters but those of line ends and tabs."""
    controls = bytes(set(range(32)) - set(b"\t\n\r\f\v\x1a\x1b"))
    return not head.translate(None, bytes(set(range(256)) - set(controls)))


def _text(glance: Glance) -> v1.FileFormat.ValueType:
    start = glance.start.lower()
    if start.startswith(b"solid") and (b"facet" in start or b"endsolid" in start):
        if b"endsolid" not in glance.tail.lower():
            raise Unmeasurable("file.breaks_off", "endsolid")
        return v1.FILE_FORMAT_STL_ASCII
    if start.startswith(LFS_POINTER):
        raise Unmeasurable("file.lfs_pointer")
    if start.startswith((b"<!doctype html", b"<html")):
        raise Unmeasurable("file.web_page")
    raise Unmeasurable("file.text")


def _other_binary(glance: Glance) -> v1.FileFormat.ValueType:
    """A binary STL that was cut short, or that has other bytes behind its triangles, or something else altogether."""
    announced, there = _announced(glance), _whole_triangles(glance)
    if not 0 < announced <= MOST_ANNOUNCED or not _triangles_are_likely(glance):
        raise Unmeasurable("file.unrecognised")
    if there < announced:
        raise Unmeasurable("file.truncated", announced=announced, has=there, missing=announced - there)
    return v1.FILE_FORMAT_STL_BINARY


def _triangles_are_likely(glance: Glance) -> bool:
    """Whether the bytes behind the count look like triangles: numbers of a size that coordinates and normals have.

    Of random bytes one triangle in four hundred passes, so a few are enough. Normals need not have length one: not every program
    writes them so.
    """
    body = glance.head[STL_HEADER_BYTES:]
    whole = min(len(body) // STL_TRIANGLE_BYTES, 200)
    if whole == 0:  # cut off within the first triangle: the count is all there is to go by
        return True
    for index in range(whole):
        numbers = struct.unpack_from("<12f", body, index * STL_TRIANGLE_BYTES)
        if not all(n == 0 or (math.isfinite(n) and 1e-30 < abs(n) < 1e9) for n in numbers):
            return False
    return True
