# SPDX-License-Identifier: AGPL-3.0-or-later
"""Files by the SHA-256 of their content, in a folder: `ab/cdef…`, each stored once whoever sent it.

An upload is staged under its sender and its announced digest, so that nobody can spoil another's upload, and moves into its place only
when the digest of what arrived is right. What was acknowledged has reached the disk.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from commonfab import v1
from commonfab.errors import Refused
from commonfab.units import Quantity

SHA256 = re.compile(r"[0-9a-f]{64}")
STAGING = "staging"

BATCH_BYTES = 4 * 1024 * 1024
"""What goes to a thread in one piece. A hop costs some 100 µs, so at 512 KiB a hop it would be felt, at 4 MiB it is not."""

CHUNK_BYTES = 512 * 1024
MOST_CHUNK_BYTES = 1024 * 1024
STALE_SECONDS = 7 * 24 * 3600


def check_sha256(sha256: str) -> None:
    """Errors: `Refused` (`file.sha256`)."""
    if not SHA256.fullmatch(sha256):
        raise Refused("file.sha256", repr(sha256[:80]))


@dataclass(frozen=True)
class BlobStore:
    """The files of one node."""

    folder: Path
    largest_bytes: int

    def path(self, sha256: str) -> Path:
        """Where a stored file lies. Errors: `Refused` (`file.sha256`, `file.unknown`)."""
        check_sha256(sha256)
        path = self._place(sha256)
        if not path.is_file():
            raise Refused("file.unknown", sha256)
        return path

    def size(self, sha256: str) -> int:
        """A stored file's length in bytes. Errors as for `path`."""
        return self.path(sha256).stat().st_size

    def stat(self, sender: str, sha256: str) -> v1.StatFileResponse:
        """How much of a file is here for `sender`. Errors: `Refused` (`file.sha256`)."""
        check_sha256(sha256)
        if self._place(sha256).is_file():
            return v1.StatFileResponse(complete=True)
        staged = self._staged(sender, sha256)
        return v1.StatFileResponse(received_bytes=staged.stat().st_size if staged.exists() else 0)

    async def receive(self, sender: str, header: v1.UploadHeader, chunks: AsyncIterator[bytes]) -> int:
        """Take in a file; returns its length once it is stored for good. A broken upload leaves what arrived, to go on with.

        Errors: `Refused` (`file.sha256`, `file.empty`, `file.too_large`, `file.busy`, `file.offset`, `file.size`, `file.digest`).
        """
        self._check(header)
        if (await asyncio.to_thread(self.stat, sender, header.sha256)).complete:
            return await asyncio.to_thread(self.size, header.sha256)
        upload = await asyncio.to_thread(_Upload.begin, self._staged(sender, header.sha256), header)
        try:
            await _take(upload, chunks)
            await asyncio.to_thread(upload.finish, self._place(header.sha256))
        finally:
            # Closing ends the lock; a thread is not needed for it, and an await could be cancelled a second time.
            upload.file.close()
        return header.size_bytes

    async def read(self, sha256: str, offset: int) -> AsyncIterator[bytes]:
        """The content from `offset` on, in chunks. Errors as for `path`."""
        path = await asyncio.to_thread(self.path, sha256)
        with await asyncio.to_thread(path.open, "rb", buffering=0) as file:
            file.seek(offset)
            while batch := await asyncio.to_thread(file.read, BATCH_BYTES):
                for begin in range(0, len(batch), CHUNK_BYTES):
                    yield batch[begin : begin + CHUNK_BYTES]

    def adopt(self, path: Path) -> str:
        """Take in a file of this node's own making; returns its SHA-256. `path` is left as it is. Errors: `OSError`."""
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        place = self._place(sha256)
        if not place.is_file():
            staged = self._staged("", f"{sha256}.{os.getpid()}")
            _make_folder(staged.parent)
            shutil.copyfile(path, staged)
            with staged.open("rb") as file:
                _settle(file, staged, place)
        return sha256

    def sweep(self, now: float) -> None:
        """Remove uploads that nobody has gone on with for a week. Parameters: `now`, seconds since 1970."""
        for staged in (self.folder / STAGING).glob("*/*"):
            with suppress(FileNotFoundError):
                if now - staged.stat().st_mtime > STALE_SECONDS:
                    staged.unlink()

    def _check(self, header: v1.UploadHeader) -> None:
        check_sha256(header.sha256)
        if header.size_bytes == 0:
            raise Refused("file.empty")
        if header.size_bytes > self.largest_bytes:
            raise Refused("file.too_large", has=_bytes(header.size_bytes), limit=_bytes(self.largest_bytes))

    def _place(self, sha256: str) -> Path:
        return self.folder / sha256[:2] / sha256[2:]

    def _staged(self, sender: str, name: str) -> Path:
        # The sender's name becomes a folder's only by its digest, so that no name can lead out of the folder.
        return self.folder / STAGING / hashlib.sha256(sender.encode()).hexdigest()[:32] / name


@dataclass(frozen=True)
class _Upload:
    """A staged file that this call has locked, and what has been hashed of it. Its methods are for threads, one at a time."""

    file: BinaryIO
    staged: Path
    header: v1.UploadHeader
    hasher: hashlib._Hash

    @staticmethod
    def begin(staged: Path, header: v1.UploadHeader) -> _Upload:
        """Lock the staged file and bring the hash up to where the sender goes on. Errors: `Refused` (`file.busy`, `file.offset`)."""
        _make_folder(staged.parent)
        file = os.fdopen(os.open(staged, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0)
        try:
            _lock(file, staged)
            here = os.fstat(file.fileno()).st_size
            if header.offset not in (0, here):
                raise Refused("file.offset", given=_bytes(header.offset), here=_bytes(here))
            file.truncate(header.offset)
            hasher = hashlib.sha256()
            while batch := file.read(BATCH_BYTES):
                hasher.update(batch)
            return _Upload(file, staged, header, hasher)
        except BaseException:
            file.close()
            raise

    def add(self, batch: list[bytes]) -> None:
        """Append and hash. Errors: `Refused` (`file.size`) where more comes than was announced; the staged bytes are removed."""
        sent = self.file.tell() + sum(map(len, batch))
        if sent > self.header.size_bytes:
            self.staged.unlink()
            raise Refused("file.size", sent=_bytes(sent), announced=_bytes(self.header.size_bytes))
        for chunk in batch:
            _write_all(self.file, chunk)
            self.hasher.update(chunk)
        _begin_to_write_out(self.file)

    def finish(self, place: Path) -> None:
        """Check what arrived and move it to its place.

        Errors: `Refused` (`file.size`: the staged bytes stay; `file.digest`: they are removed).
        """
        sent = self.file.tell()
        if sent < self.header.size_bytes:
            raise Refused("file.size", sent=_bytes(sent), announced=_bytes(self.header.size_bytes))
        if self.hasher.hexdigest() != self.header.sha256:
            self.staged.unlink()
            raise Refused("file.digest", self.hasher.hexdigest())
        _settle(self.file, self.staged, place)


def _begin_to_write_out(file: BinaryIO) -> None:
    """Have the disk begin with what was written, so that the fsync at the end need not wait for all of it."""
    if hasattr(os, "posix_fadvise"):  # not on every system; without it uploads are only slower
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


async def _take(upload: _Upload, chunks: AsyncIterator[bytes]) -> None:
    """Write what arrives, in batches, each while the next is on its way. Where the connection breaks, what arrived is still written."""
    writing: asyncio.Task[None] | None = None
    batch: list[bytes] = []
    size = 0
    try:
        async for chunk in chunks:
            batch.append(chunk)
            size += len(chunk)
            if size >= BATCH_BYTES:
                if writing:
                    await writing
                writing, batch, size = _write(upload, batch), [], 0
    finally:
        # `wait` neither raises nor passes a cancellation on, so no two threads ever write at once.
        if writing:
            await asyncio.wait([writing])
        if not writing or not writing.exception():
            writing = _write(upload, batch)
            await asyncio.wait([writing])
        failed = writing.exception()
    if failed:
        raise failed


def _write(upload: _Upload, batch: list[bytes]) -> asyncio.Task[None]:
    return asyncio.create_task(asyncio.to_thread(upload.add, batch))


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


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


def _settle(file: BinaryIO, staged: Path, place: Path) -> None:
    """Put a whole file into its place so that a power cut cannot take it away again."""
    os.fsync(file.fileno())
    _make_folder(place.parent)
    staged.replace(place)
    for folder in (place.parent, staged.parent):
        _sync_folder(folder)


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    with _opened(folder) as descriptor:
        os.fsync(descriptor)


def _write_all(file: BinaryIO, chunk: bytes) -> None:
    rest = memoryview(chunk)
    while rest:
        rest = rest[file.write(rest) :]


def _bytes(number: int) -> Quantity:
    return Quantity(number, "bytes")
