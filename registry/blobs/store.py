# SPDX-License-Identifier: AGPL-3.0-or-later
"""Files by the SHA-256 of their content, each stored once whoever sent it.

An upload is staged on this machine and put on the shelf, a folder or a bucket, when the digest of what arrived is right. In a folder it may
take a moment longer until the disk has it; whoever publishes it waits for that with `settle`.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import shutil
from collections.abc import AsyncIterator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from commonfab import v1
from commonfab.errors import Refused
from registry.blobs.disk import make_folder, telling_no_room
from registry.blobs.naming import Stored, check_sha256
from registry.blobs.receiving import take_in
from registry.blobs.shelf import Shelf
from registry.blobs.staging import Staging, Upload, in_bytes
from registry.blobs.wire import Piece

log = logging.getLogger(__name__)


def _one_thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "settling")


@dataclass(frozen=True)
class BlobStore:
    """The files of one node. Names that are no SHA-256 are refused everywhere (`file.sha256`)."""

    staging: Staging
    shelf: Shelf
    largest_bytes: int
    settling: ThreadPoolExecutor = field(default_factory=_one_thread, repr=False)

    def size(self, sha256: str) -> int:
        """A stored file's length in bytes. Errors: `Refused` (`file.unknown`)."""
        check_sha256(sha256)
        size = self.shelf.size(sha256)
        if size is None:
            raise Refused("file.unknown", sha256)
        return size

    def has(self, sha256: str) -> bool:
        """Whether a file is stored here."""
        check_sha256(sha256)
        return self.shelf.size(sha256) is not None

    def stat(self, sender: str, request: v1.StatFileRequest) -> v1.StatFileResponse:
        """How much of a file is here for `sender`, by its SHA-256 or by its beginning.

        Errors: `Refused` (`file.sha256`; where its length is told also `file.too_large`, `node.disk_full`).
        """
        if request.sha256 or not request.beginning_sha256:
            check_sha256(request.sha256)
            if self.shelf.size(request.sha256) is not None:
                return v1.StatFileResponse(complete=True)
            return v1.StatFileResponse(received_bytes=self._received(sender, request))
        received = self._received(sender, request)
        known = self.staging.begins_so(request)
        return v1.StatFileResponse(received_bytes=received, likely_here=bool(known) and self.shelf.size(known) is not None)

    async def receive(self, sender: str, header: v1.UploadHeader, pieces: AsyncIterator[Piece]) -> v1.UploadFileResponse:
        """Take in a file; returns once it is whole and right. A broken upload leaves what arrived, to go on with.

        Errors: `Refused` (`file.sha256`, `file.empty`, `file.too_large`, `file.busy`, `file.offset`, `file.size`, `file.digest`,
        `node.disk_full`); those of the shelf.
        """
        self._check(header)
        if header.sha256:
            here = await asyncio.to_thread(self.shelf.size, header.sha256)
            if here is not None:
                return v1.UploadFileResponse(sha256=header.sha256, size_bytes=here)

        def begin() -> Upload:
            self.staging.check_room(header.size_bytes - header.offset)
            return Upload.begin(self.staging.place(sender, header), header)

        def finish(upload: Upload, announced: str) -> None:
            upload.check(announced)
            self.shelf.take(upload.staged, announced)
            self.staging.note_beginning(header, announced)

        with telling_no_room(f"a file of {in_bytes(header.size_bytes)}"):
            sha256 = await take_in(header, begin, pieces, finish)
        self.settling.submit(self._settle_in_peace, sha256)
        return v1.UploadFileResponse(sha256=sha256, size_bytes=header.size_bytes)

    async def read(self, sha256: str, offset: int) -> AsyncIterator[bytes]:
        """The content from `offset` on, in chunks. Errors: `Refused` (`file.unknown`)."""
        check_sha256(sha256)
        async for chunk in self.shelf.read(sha256, offset):
            yield chunk

    def local(self, sha256: str) -> AbstractContextManager[Path]:
        """A path that holds a file while the context lasts, for programs that need one. Errors: `Refused` (`file.unknown`)."""
        check_sha256(sha256)
        return self.shelf.local(sha256)

    def adopt(self, path: Path) -> str:
        """Take in a file of this node's own making for good; returns its SHA-256. `path` is left as it is. Errors: `OSError`."""
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        if self.shelf.size(sha256) is None:
            staged = self.staging.own(sha256)
            try:
                make_folder(staged.parent)
                shutil.copyfile(path, staged)
                self.shelf.take(staged, sha256)
            except BaseException:
                staged.unlink(missing_ok=True)
                raise
        self.settle([sha256])
        return sha256

    def settle(self, names: Iterable[str]) -> None:
        """Return once a power cut can take none of these files away. Errors: `Refused` (`file.unknown`, `node.disk_full`)."""
        wanted = list(names)
        for sha256 in wanted:
            check_sha256(sha256)
        with telling_no_room("files that were to be published"):
            self.shelf.settle(wanted)

    def all(self) -> Iterator[Stored]:
        """Every stored file, in no order; `modified` is when it was stored or last published."""
        return self.shelf.all()

    def delete(self, sha256: str) -> None:
        """Remove a file, if it is here."""
        check_sha256(sha256)
        self.shelf.delete(sha256)

    def hash_again(self, sha256: str) -> str:
        """The SHA-256 of what is stored under a name; another one where it was spoilt. Errors: `Refused` (`file.unknown`)."""
        check_sha256(sha256)
        return self.shelf.hash_again(sha256)

    def sweep(self, now: float) -> None:
        """Remove uploads that nobody has gone on with for a week, and settle what a stopped node left. Parameters: `now`, s since 1970."""
        self.staging.sweep(now)
        self.shelf.sweep(now)

    def _check(self, header: v1.UploadHeader) -> None:
        check_sha256(header.sha256 or header.beginning_sha256)
        if header.size_bytes == 0:
            raise Refused("file.empty")
        self._check_length(header.size_bytes)

    def _check_length(self, size: int) -> None:
        if size > self.largest_bytes:
            raise Refused("file.too_large", has=in_bytes(size), limit=in_bytes(self.largest_bytes))

    def _received(self, sender: str, request: v1.StatFileRequest) -> int:
        """As `Staging.received`; whoever tells the length hears now what would be refused later, and sends nothing in vain."""
        received = self.staging.received(sender, request)
        if request.size_bytes:
            self._check_length(request.size_bytes)
            self.staging.check_room(request.size_bytes - received)
        return received

    def _settle_in_peace(self, sha256: str) -> None:
        # Whoever publishes the file settles it too, and is told what goes wrong.
        with suppress(Refused):
            try:
                self.shelf.settle([sha256])
            except OSError:
                log.warning("%s could not be written out", sha256, exc_info=True)
