# SPDX-License-Identifier: AGPL-3.0-or-later
"""Opening a package that anybody may have made: nothing is unpacked, and no more is read than a package may have.

A zip can lie about everything. Its directory is read within a limit; names that lead out of a folder, stand twice, or are no plain file
are refused; an entry is read in pieces up to the length that it announced, and its content is compared with the index.
"""

from __future__ import annotations

import hashlib
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from cli.package.layout import FREE_BYTES, MOST_DIRECTORY_BYTES, MOST_ENTRIES, MOST_RATIO, MOST_TEXT_BYTES, MOST_TOTAL_BYTES
from commonfab.errors import Refused

CHUNK_BYTES = 1024 * 1024
LONGEST_NAME = 700
ENCRYPTED = 0x1

UNREADABLE = (
    *(zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error),
    *(EOFError, NotImplementedError, RuntimeError, ValueError, LookupError, OverflowError, MemoryError),
)
"""What the library raises at archives that are broken, or made to break it."""


class _Cautious:
    """A file of which no piece is read that is longer than a zip's directory may be."""

    def __init__(self, file: BinaryIO, length: int) -> None:
        self._file, self._length = file, length

    def read(self, size: int = -1) -> bytes:
        wanted = self._length - self._file.tell() if size < 0 else size
        if wanted > MOST_DIRECTORY_BYTES:
            raise zipfile.BadZipFile(f"a directory of {wanted} bytes")
        return self._file.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        if whence == 0 and offset < 0:
            raise zipfile.BadZipFile("an offset before its beginning")
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        pass


@dataclass(frozen=True)
class Archive:
    """An open zip whose directory was looked through."""

    name: str
    zip: zipfile.ZipFile
    infos: dict[str, zipfile.ZipInfo]

    @contextmanager
    def opened(self, entry: str) -> Iterator[IO[bytes]]:
        """An entry for reading, in pieces. Errors: `Refused` (`package.unreadable`)."""
        with self._told(entry), self.zip.open(self.infos[entry]) as source:
            yield source

    def text(self, entry: str) -> bytes:
        """A whole entry. Errors: `Refused` (`package.large`, `package.unreadable`)."""
        if self.infos[entry].file_size > MOST_TEXT_BYTES:
            raise Refused("package.large", f"{shown(entry)} has {self.infos[entry].file_size} bytes")
        with self.opened(entry) as source:
            return source.read(MOST_TEXT_BYTES + 1)

    def sha256(self, entry: str) -> str:
        """The SHA-256 of an entry's content. Errors: `Refused` (`package.unreadable`)."""
        hasher = hashlib.sha256()
        with self.opened(entry) as source:
            while chunk := source.read(CHUNK_BYTES):
                hasher.update(chunk)
        return hasher.hexdigest()

    @contextmanager
    def _told(self, entry: str) -> Iterator[None]:
        try:
            yield
        except UNREADABLE as error:
            raise Refused("package.unreadable", f"{self.name}, {shown(entry)}: {_words(error)}") from None


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """The archive at `path`, looked through but not believed. Errors: `Refused` (`package.*`), `OSError`."""
    length = path.stat().st_size
    with path.open("rb") as file:
        try:
            archive = zipfile.ZipFile(_Cautious(file, length))
        except UNREADABLE as error:
            raise Refused("package.unreadable", f"{path.name}: {_words(error)}") from None
        with archive:
            yield Archive(path.name, archive, _looked_through(archive.infolist(), length))


def _looked_through(infos: list[zipfile.ZipInfo], length: int) -> dict[str, zipfile.ZipInfo]:
    """The entries by name. Errors: `Refused` (`package.*`)."""
    if len(infos) > MOST_ENTRIES:
        raise Refused("package.large", f"{len(infos)} entries")
    found: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        _check_name(info)
        _check_kind(info)
        if info.filename in found:
            raise Refused("package.twice", shown(info.filename))
        found[info.filename] = info
    for name in found:
        folders = (name[:place] for place, sign in enumerate(name) if sign == "/")
        if any(folder in found for folder in folders):
            raise Refused("package.twice", shown(name))
    total = sum(info.file_size for info in infos)
    if total > min(FREE_BYTES + MOST_RATIO * length, MOST_TOTAL_BYTES):
        raise Refused("package.bomb", f"{total} bytes out of {length}")
    return found


def _check_name(info: zipfile.ZipInfo) -> None:
    """Errors: `Refused` (`package.name`). `orig_filename` is the name before the library cut it at a zero byte."""
    name = info.orig_filename
    steps = name.split("/")
    clean = not any(unicodedata.category(sign) in ("Cc", "Cs") for sign in name)
    leads_astray = "\\" in name or ":" in steps[0] or bool({"", ".", ".."} & set(steps))
    if not clean or leads_astray or not 0 < len(name) <= LONGEST_NAME or name != info.filename:
        raise Refused("package.name", shown(name))


def _check_kind(info: zipfile.ZipInfo) -> None:
    """Errors: `Refused` (`package.kind`) at folders, links and devices, what is encrypted, and ways of packing that are not used here."""
    mode = info.external_attr >> 16
    plain = stat.S_IFMT(mode) in (0, stat.S_IFREG)
    if not plain or info.flag_bits & ENCRYPTED or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Refused("package.kind", shown(info.filename))


def shown(name: str) -> str:
    """A name out of an archive, as it may be written to a terminal."""
    return repr(name[:120])


def _words(error: Exception) -> str:
    return str(error)[:200] or type(error).__name__
