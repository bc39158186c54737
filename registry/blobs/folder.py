# SPDX-License-Identifier: AGPL-3.0-or-later
"""Files in a folder of one machine: `ab/cdef…`.

A file that has arrived is *fresh* at first: whole and right, but perhaps not yet on the disk. It is settled, which means written out and
moved into its place, in the background, and at the latest before a revision that names it is published. The folder of fresh files bears
the name of this run of the kernel. After a power cut the run is another one, and what was not settled is not there.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from commonfab.canonical import is_sha256
from commonfab.errors import Refused
from registry.blobs.disk import let_go_of_memory, make_folder, sync_folder
from registry.blobs.naming import Stored, key_of, sha256_of_key
from registry.blobs.shelf import CHUNK_BYTES

BATCH_BYTES = 4 * 1024 * 1024
"""What a thread reads at once. A hop costs some 100 µs, so at 512 KiB a hop it would be felt, at 4 MiB it is not."""

STALE_SECONDS = 7 * 24 * 3600
FRESH = "fresh"


@dataclass(frozen=True)
class Folder:
    """Files in a folder. Parameters: `boot`, this run of the kernel; where it is empty, every file is settled before it is taken."""

    folder: Path
    boot: str

    def size(self, sha256: str) -> int | None:
        found = self._stat(sha256)
        return None if found is None else found.st_size

    def take(self, staged: Path, sha256: str) -> None:
        place, fresh = self._place(sha256), self._fresh(sha256)
        if self.boot and not place.is_file():
            make_folder(fresh.parent)
            # A link and no move: what stands there is being settled, perhaps, and must stay the same file.
            with suppress(FileExistsError):
                os.link(staged, fresh)
        elif not place.is_file():
            with staged.open("rb", buffering=0) as file:
                self._put_into_place(file, staged, place)
            sync_folder(place.parent)
        staged.unlink(missing_ok=True)

    def settle(self, names: Iterable[str]) -> None:
        folders = {self.folder}
        for sha256 in names:
            place, fresh = self._place(sha256), self._fresh(sha256)
            with suppress(FileNotFoundError), fresh.open("rb", buffering=0) as file:  # another process may be faster
                self._put_into_place(file, fresh, place)
            try:
                os.utime(place)  # whoever removes what nobody publishes must see that somebody is about to
            except FileNotFoundError:
                raise Refused("file.unknown", sha256) from None
            folders.add(place.parent)
        for folder in folders:
            if folder.is_dir():
                sync_folder(folder)

    async def read(self, sha256: str, offset: int) -> AsyncIterator[bytes]:
        with await asyncio.to_thread(self._open, sha256) as file:
            file.seek(offset)
            while batch := await asyncio.to_thread(file.read, BATCH_BYTES):
                for begin in range(0, len(batch), CHUNK_BYTES):
                    yield batch[begin : begin + CHUNK_BYTES]

    @contextmanager
    def local(self, sha256: str) -> Iterator[Path]:
        # A fresh file moves, and who holds its path would lose it.
        self.settle([sha256])
        yield self._place(sha256)

    def all(self) -> Iterator[Stored]:
        told = set()
        # The fresh ones first: one that is settled meanwhile is met again in its place, and none is overlooked.
        for pattern in (f"{FRESH}/{self.boot or '-'}/*", "??/*"):
            for path in self.folder.glob(pattern):
                sha256 = path.name if is_sha256(path.name) else sha256_of_key(f"{path.parent.name}/{path.name}")
                if not sha256 or sha256 in told:
                    continue
                with suppress(FileNotFoundError):
                    found = path.stat()
                    if pattern != "??/*":
                        told.add(sha256)
                    yield Stored(sha256, found.st_size, found.st_mtime)

    def delete(self, sha256: str) -> None:
        for path in (self._fresh(sha256), self._place(sha256)):
            path.unlink(missing_ok=True)

    def hash_again(self, sha256: str) -> str:
        with self._open(sha256) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def sweep(self, now: float) -> None:
        for fresh in self.folder.glob(f"{FRESH}/*/*"):
            with suppress(FileNotFoundError, Refused):
                if fresh.parent.name == self.boot:
                    self.settle([fresh.name])
                elif now - fresh.stat().st_mtime > STALE_SECONDS:
                    fresh.unlink()

    def _put_into_place(self, file: FileIO, here: Path, place: Path) -> None:
        make_folder(place.parent)
        try:
            os.fsync(file.fileno())
        except OSError:
            # What could not be written out may be gone from memory too: nobody may find it under this name.
            here.unlink(missing_ok=True)
            raise
        let_go_of_memory(file)
        here.rename(place)

    def _open(self, sha256: str) -> FileIO:
        for path in self._paths(sha256):
            with suppress(FileNotFoundError):
                return path.open("rb", buffering=0)
        raise Refused("file.unknown", sha256)

    def _stat(self, sha256: str) -> os.stat_result | None:
        for path in self._paths(sha256):
            with suppress(FileNotFoundError):
                return path.stat()
        return None

    def _paths(self, sha256: str) -> tuple[Path, ...]:
        # It may be settled between the first look and the second.
        return (self._place(sha256), self._fresh(sha256), self._place(sha256))

    def _place(self, sha256: str) -> Path:
        return self.folder / key_of(sha256)

    def _fresh(self, sha256: str) -> Path:
        return self.folder / FRESH / (self.boot or "-") / sha256
