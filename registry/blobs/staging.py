# SPDX-License-Identifier: AGPL-3.0-or-later
"""Uploads under way, on this machine's disk: under their sender, so that nobody can spoil another's upload, and locked by one call."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from commonfab import v1
from commonfab.canonical import is_sha256
from commonfab.errors import Refused
from commonfab.units import Quantity
from registry.blobs.disk import make_folder, no_room
from registry.blobs.naming import check_sha256

STALE_SECONDS = 7 * 24 * 3600
OLD_NOTE_SECONDS = 365 * 24 * 3600
READ_BYTES = 4 * 1024 * 1024
BEGINNINGS = "beginnings"


def in_bytes(number: int) -> Quantity:
    """A length, for people."""
    return Quantity(number, "bytes")


@dataclass(frozen=True)
class Staging:
    """A folder of uploads under way, and notes by which a file can be known from its beginning."""

    folder: Path

    def place(self, sender: str, header: v1.UploadHeader) -> Path:
        """Where a sender's upload is staged."""
        return self._place(sender, header.sha256 or _beginning(header.beginning_sha256, header.size_bytes))

    def received(self, sender: str, request: v1.StatFileRequest) -> int:
        """Bytes of an upload that have arrived."""
        staged = self._place(sender, request.sha256 or _beginning(request.beginning_sha256, request.size_bytes))
        with suppress(FileNotFoundError):
            found = staged.stat()
            # With a second name it is a stored file: a node was killed before it had cleared up.
            return found.st_size if found.st_nlink == 1 else 0
        return 0

    def own(self, name: str) -> Path:
        """Where this node puts a file of its own making together."""
        return self._place("", f"{name}.{os.getpid()}")

    def check_room(self, size: int) -> None:
        """Errors: `Refused` (`node.disk_full`) where `size` more bytes do not fit, so that nobody sends them in vain."""
        make_folder(self.folder)
        if shutil.disk_usage(self.folder).free < size:
            raise Refused("node.disk_full", f"{in_bytes(size)} more of this file")

    def note_beginning(self, header: v1.UploadHeader, sha256: str) -> None:
        """Remember which file begins so. It is a hint only: where it cannot be kept, the file is sent once more than it need be."""
        if header.beginning_sha256:
            with suppress(OSError):
                note = self._note(_beginning(header.beginning_sha256, header.size_bytes))
                make_folder(note.parent)
                note.write_text(sha256, encoding="utf-8")

    def begins_so(self, request: v1.StatFileRequest) -> str:
        """The SHA-256 of a file that was stored once and begins as this one; empty where none is known."""
        with suppress(OSError, UnicodeDecodeError):
            noted = self._note(_beginning(request.beginning_sha256, request.size_bytes)).read_text(encoding="utf-8")
            return noted if is_sha256(noted) else ""
        return ""

    def sweep(self, now: float) -> None:
        """Remove uploads that nobody has gone on with for a week, and notes that are old. Parameters: `now`, seconds since 1970."""
        uploads = ((staged, STALE_SECONDS) for staged in self.folder.glob("*/*"))
        notes = ((note, OLD_NOTE_SECONDS) for note in self.folder.parent.glob(f"{BEGINNINGS}/*"))
        for path, seconds in (*uploads, *notes):
            with suppress(FileNotFoundError):
                if now - path.stat().st_mtime > seconds:
                    path.unlink()

    def _note(self, beginning: str) -> Path:
        return self.folder.parent / BEGINNINGS / beginning

    def _place(self, sender: str, name: str) -> Path:
        # The sender's name becomes a folder's only by its digest, so that no name can lead out of the folder.
        return self.folder / hashlib.sha256(sender.encode()).hexdigest()[:32] / name


@dataclass(frozen=True)
class Upload:
    """A staged file that this call has locked, and what has been hashed of it. Its methods are for one thread."""

    file: BinaryIO
    staged: Path
    header: v1.UploadHeader
    hasher: hashlib._Hash

    @staticmethod
    def begin(staged: Path, header: v1.UploadHeader) -> Upload:
        """Lock the staged file and bring the hash up to where the sender goes on. Errors: `Refused` (`file.busy`, `file.offset`)."""
        make_folder(staged.parent)
        file = os.fdopen(os.open(staged, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0)
        try:
            _lock(file, staged)
            if os.fstat(file.fileno()).st_nlink > 1:
                # A node was killed after it had stored this file and before it had cleared up. To write here would spoil the stored one.
                staged.unlink()
                file.close()
                return Upload.begin(staged, header)
            here = os.fstat(file.fileno()).st_size
            if header.offset not in (0, here):
                raise Refused("file.offset", given=in_bytes(header.offset), here=in_bytes(here))
            file.truncate(header.offset)
            hasher = hashlib.sha256()
            while batch := file.read(READ_BYTES):
                hasher.update(batch)
            return Upload(file, staged, header, hasher)
        except BaseException:
            file.close()
            raise

    def add(self, batch: Sequence[memoryview]) -> None:
        """Append and hash.

        Errors: `Refused` (`file.size`: more came than was announced); `OSError`. The staged bytes are removed where they are of no use any
        more, and where the disk is full, for others need the room.
        """
        sent = self.file.tell() + sum(map(len, batch))
        if sent > self.header.size_bytes:
            self.staged.unlink(missing_ok=True)
            raise Refused("file.size", sent=in_bytes(sent), announced=in_bytes(self.header.size_bytes))
        try:
            for chunk in batch:
                self.hasher.update(chunk)
                _write_all(self.file, chunk)
        except OSError as error:
            if no_room(error):
                self.staged.unlink(missing_ok=True)
            raise

    def check(self, announced: str) -> None:
        """Whether what arrived is what was announced. Parameters: `announced`, its SHA-256.

        Errors: `Refused` (`file.size`: the staged bytes stay; `file.digest`: they are removed).
        """
        sent = self.file.tell()
        if sent < self.header.size_bytes or not announced:
            raise Refused("file.size", sent=in_bytes(sent), announced=in_bytes(self.header.size_bytes))
        if self.hasher.hexdigest() != announced:
            self.staged.unlink(missing_ok=True)
            raise Refused("file.digest", self.hasher.hexdigest())


def _beginning(beginning: str, size: int) -> str:
    check_sha256(beginning)
    return f"{beginning}-{size}"


def _lock(file: BinaryIO, staged: Path) -> None:
    """Make this call the only one that writes to the staged file. Errors: `Refused` (`file.busy`)."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        ours = os.fstat(file.fileno()).st_ino == staged.stat().st_ino
    except (BlockingIOError, FileNotFoundError):
        ours = False
    # Between opening and locking, the file may have become the stored one; writing to it would spoil it.
    if not ours:
        raise Refused("file.busy")


def _write_all(file: BinaryIO, chunk: memoryview) -> None:
    while chunk:
        chunk = chunk[file.write(chunk) :]
