# SPDX-License-Identifier: AGPL-3.0-or-later
"""Zip archives: directory, local headers and the packed bytes must tell the same story, and a bearable one.

Format: PKWARE APPNOTE 6.3.10; the section numbers are its own.
"""

from __future__ import annotations

import os
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from commonfab.units import Quantity
from registry.geometry.faults import Unmeasurable

FREE_BYTES = 64 * 1024 * 1024
MOST_RATIO = 200
"""An archive may unpack to 64 MiB, or to 200 times its own length where that is more.

Model XML of real parts packs 3 to 30 times; deflate reaches about 1000 on zeros (RFC 1951 allows 1032).
"""
MOST_BYTES = 4 * 1024 * 1024 * 1024
"""And never to more than 4 GiB, the address space that a reader has (our own choice)."""
MOST_ENTRIES = 10_000
"""Our own choice: a sliced project with many plates has hundreds of entries."""
MOST_DIRECTORY_BYTES = 8 * 1024 * 1024
CHUNK = 64 * 1024

ENCRYPTED, SIZES_FOLLOW, UTF8 = 1 << 0, 1 << 3, 1 << 11
"""Bits of an entry's general purpose flag (4.4.4)."""
AES = 99
"""The method number that stands for AES encryption."""
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""What packages may use (Open Packaging Conventions, ECMA-376 part 2, annex C) and every reader here knows."""
LOCAL = struct.Struct("<4s5H3L2H")
END = struct.Struct("<4s4H2LH")
DIRECTORY_ENTRY_BYTES = 46
"""An entry of the directory takes this and its name (4.3.12)."""
NEXT_IS_ZIP64 = 0xFFFFFFFF

Entry = zipfile.ZipInfo


def directory(path: Path) -> list[Entry]:
    """The archive's entries, after its directory was found to be no larger than a directory is.

    Errors: `Unmeasurable` (`file.zip_broken`, `file.zip_entries`); `OSError`.
    """
    _check_end(path)
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, struct.error) as error:
        raise Unmeasurable("file.zip_broken", shown(str(error))) from None
    if len(entries) > MOST_ENTRIES:
        raise Unmeasurable("file.zip_entries", entries=len(entries), limit=MOST_ENTRIES)
    return entries


def check_directory(path: Path) -> None:
    """Refuse an archive for what its directory says: too much to unpack, a name twice, a password, a link, a path that leads outside.

    Errors: `Unmeasurable` (`file.zip_broken`, `file.zip_entries`, `file.zip_ratio`, `file.zip_names`, `file.encrypted`, `file.zip_link`,
    `file.zip_path`, `file.unsupported`); `OSError`.
    """
    entries = directory(path)
    for entry in entries:
        check_open(entry)
    _check_sizes(path.stat().st_size, entries)
    _check_names(entries)
    for entry in entries:
        _check_place(entry)
        if entry.compress_type not in METHODS:
            raise Unmeasurable("file.unsupported", f"an archive packed by method {entry.compress_type}")


def screen_archive(path: Path) -> None:
    """`check_directory`, and that the archive itself is what its directory says: no entry over another, none longer than announced.

    Every entry is unpacked once, to nowhere. An archive within the archive stays closed.
    Errors: as `check_directory`, and `file.zip_overlap`, `file.zip_lies`.
    """
    check_directory(path)
    entries = directory(path)
    with path.open("rb") as file:
        _check_overlaps([_span(file, entry) for entry in entries])
    for entry in entries:
        for _ in unpacked(path, entry):
            pass


def check_open(entry: Entry) -> None:
    """Errors: `Unmeasurable` (`file.encrypted`)."""
    if entry.flag_bits & ENCRYPTED or entry.compress_type == AES:
        raise Unmeasurable("file.encrypted", shown(entry.filename))


def unpacked(path: Path, entry: Entry) -> Iterator[bytes]:
    """The entry's bytes, piece by piece, and never more than its directory announces.

    Errors: `Unmeasurable` (`file.zip_lies`) where there are more or fewer, or others than its checksum says; `file.encrypted`.
    """
    check_open(entry)
    pieces = _packed(path, entry)
    if entry.compress_type == zipfile.ZIP_DEFLATED:
        pieces = _inflated(pieces, entry)
    elif entry.compress_type != zipfile.ZIP_STORED:
        raise Unmeasurable("file.unsupported", f"an archive packed by method {entry.compress_type}")
    length, checksum = 0, 0
    for piece in pieces:
        length += len(piece)
        checksum = zlib.crc32(piece, checksum)
        if length > entry.file_size:
            raise _lies(entry)
        yield piece
    if length != entry.file_size or checksum != entry.CRC:
        raise _lies(entry)


def beginning(path: Path, entry: Entry, length: int = CHUNK) -> bytes:
    """The entry's first bytes. Errors: as `unpacked`."""
    found = b""
    for piece in unpacked(path, entry):
        found += piece
        if len(found) >= length:
            break
    return found[:length]


def shown(name: str) -> str:
    """A name from inside a file as a sentence may show it: without control characters, and not for ever."""
    plain = "".join(character if character.isprintable() else "?" for character in name)
    return plain if len(plain) <= 120 else f"{plain[:117]}..."


def _check_end(path: Path) -> None:
    """That the end record (4.3.16) announces a directory of a bearable length, before anything reads that directory."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - END.size - 0xFFFF))
        tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < END.size:
        raise Unmeasurable("file.zip_broken", "its directory at the end is missing")
    _, _, _, _, _, length, offset, _ = END.unpack_from(tail, at)
    place = size - len(tail) + at
    if NEXT_IS_ZIP64 in (length, offset):
        length = _zip64_length(path, place)
    elif offset + length != place and not _zip64_between(path, offset + length):
        raise Unmeasurable("file.zip_broken", "its directory does not lie where it says")
    if length > MOST_DIRECTORY_BYTES:
        raise Unmeasurable("file.zip_entries", entries=length // DIRECTORY_ENTRY_BYTES, limit=MOST_ENTRIES)


def _zip64_between(path: Path, place: int) -> bool:
    """Whether a zip64 end record follows the directory although the plain one would do, as some writers have it."""
    with path.open("rb") as file:
        file.seek(place)
        return file.read(4) == b"PK\x06\x06"


def _zip64_length(path: Path, end: int) -> int:
    """The directory's length from the zip64 end record (4.3.14), which the locator (4.3.15) before `end` points to."""
    with path.open("rb") as file:
        file.seek(max(0, end - 20))
        locator = file.read(20)
        if locator[:4] != b"PK\x06\x07" or len(locator) < 20:
            raise Unmeasurable("file.zip_broken", "its zip64 directory is missing")
        offset: int = struct.unpack_from("<Q", locator, 8)[0]
        file.seek(min(offset, end))
        record = file.read(56)
    if record[:4] != b"PK\x06\x06" or len(record) < 56:
        raise Unmeasurable("file.zip_broken", "its zip64 directory is missing")
    length: int = struct.unpack_from("<Q", record, 40)[0]
    return length


def _check_sizes(packed: int, entries: list[Entry]) -> None:
    unpacked_bytes = sum(entry.file_size for entry in entries)
    limit = min(max(FREE_BYTES, MOST_RATIO * packed), MOST_BYTES)
    if unpacked_bytes > limit:
        raise Unmeasurable("file.zip_ratio", packed=_bytes(packed), unpacked=_bytes(unpacked_bytes), limit=_bytes(limit))


def _bytes(number: int) -> Quantity:
    return Quantity(number, "bytes")


def _check_names(entries: list[Entry]) -> None:
    # Names in a package differ by more than case (Open Packaging Conventions, ECMA-376 part 2, section 7.3).
    times = Counter(_folded(entry.filename) for entry in entries)
    for entry in entries:
        if times[_folded(entry.filename)] > 1:
            raise Unmeasurable("file.zip_names", shown(entry.filename))


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name.replace("\\", "/")).casefold().strip("/")


def _check_place(entry: Entry) -> None:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):  # the upper half holds the Unix mode, 0 where the writer knew none
        raise Unmeasurable("file.zip_link", shown(entry.filename))
    place = PurePosixPath(entry.orig_filename.replace("\\", "/"))
    if place.is_absolute() or ".." in place.parts or "\0" in entry.orig_filename or (place.parts and place.parts[0].endswith(":")):
        raise Unmeasurable("file.zip_path", shown(entry.orig_filename))


@dataclass(frozen=True)
class _Span:
    """Where an entry lies in the archive, its local header included."""

    name: str
    start: int
    end: int


def _span(file: BinaryIO, entry: Entry) -> _Span:
    """Errors: `Unmeasurable` (`file.zip_lies`) where the local header says other things than the directory."""
    header, name = _local_header(file, entry)
    flags, method = header[2], header[3]
    unsaid = (0, NEXT_IS_ZIP64) if flags & SIZES_FOLLOW else (NEXT_IS_ZIP64,)
    sizes_agree = all(
        local in unsaid or local == listed for local, listed in ((header[7], entry.compress_size), (header[8], entry.file_size))
    )
    if not sizes_agree or method != entry.compress_type or flags & ENCRYPTED or name != entry.orig_filename:
        raise _lies(entry)
    return _Span(entry.filename, entry.header_offset, entry.header_offset + LOCAL.size + header[9] + header[10] + entry.compress_size)


def _local_header(file: BinaryIO, entry: Entry) -> tuple[tuple[int, ...], str]:
    # `zipfile` moves all offsets by what seems to stand before the archive, and no system seeks to just anywhere.
    if not 0 <= entry.header_offset < os.fstat(file.fileno()).st_size:
        raise _lies(entry)
    file.seek(entry.header_offset)
    raw = file.read(LOCAL.size)
    if len(raw) < LOCAL.size or not raw.startswith(b"PK\x03\x04"):
        raise _lies(entry)
    header = LOCAL.unpack(raw)
    name = file.read(header[9]).decode("utf-8" if header[2] & UTF8 else "cp437", errors="replace")
    return header, name


def _check_overlaps(spans: list[_Span]) -> None:
    """Errors: `Unmeasurable` (`file.zip_overlap`): two entries may not share bytes (D. Fifield, "A better zip bomb", WOOT 2019)."""
    ordered = sorted(spans, key=lambda span: (span.start, span.end))
    for before, after in pairwise(ordered):
        if after.start < before.end:
            raise Unmeasurable("file.zip_overlap", shown(after.name))


def _packed(path: Path, entry: Entry) -> Iterator[bytes]:
    with path.open("rb") as file:
        header, _ = _local_header(file, entry)
        file.seek(entry.header_offset + LOCAL.size + header[9] + header[10])
        left = entry.compress_size
        while left > 0:
            piece = file.read(min(CHUNK, left))
            if not piece:
                raise _lies(entry)
            left -= len(piece)
            yield piece


def _inflated(pieces: Iterator[bytes], entry: Entry) -> Iterator[bytes]:
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for piece in pieces:
            waiting = piece
            while waiting and not inflate.eof:
                yield inflate.decompress(waiting, 16 * CHUNK)
                waiting = inflate.unconsumed_tail
            if inflate.unused_data or (inflate.eof and waiting):
                raise _lies(entry)
        yield inflate.flush()
    except zlib.error:
        raise _lies(entry) from None
    if not inflate.eof:
        raise _lies(entry)


def _lies(entry: Entry) -> Unmeasurable:
    return Unmeasurable("file.zip_lies", shown(entry.filename))
