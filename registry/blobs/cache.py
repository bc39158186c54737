# SPDX-License-Identifier: AGPL-3.0-or-later
"""Copies of a bucket's files on this machine's disk, for programs that need a path. Several processes may share one cache."""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from registry.blobs.disk import make_folder

STALE_SECONDS = 3600
"""A copy that is still being fetched after an hour is nobody's any more."""

Fetch = Callable[[BinaryIO], None]
"""Writes the content of one file."""


@dataclass(frozen=True)
class Cache:
    """Copies by their SHA-256, of `most_bytes` together; what was used longest ago goes first, and nothing goes while it is used."""

    folder: Path
    most_bytes: int

    @contextmanager
    def copy(self, sha256: str, fetch: Fetch) -> Iterator[Path]:
        """A path that holds the content while the context lasts.

        Errors: those of `fetch`; `OSError`; `ValueError` where other content than `sha256` came.
        """
        path = self.folder / sha256
        held = _hold(path)
        while held is None:
            self._fetch(path, sha256, fetch)
            held = _hold(path)
        try:
            os.utime(path)
            yield path
        finally:
            held.close()

    def sweep(self, now: float) -> None:
        """Keep to `most_bytes`, and remove what was never fetched to its end. Parameters: `now`, seconds since 1970."""
        for part in self.folder.glob(".*"):
            with suppress(FileNotFoundError):
                if now - part.stat().st_mtime > STALE_SECONDS:
                    part.unlink()
        self.make_room(0)

    def make_room(self, size: int) -> None:
        """Remove what was used longest ago until `size` bytes more fit. Copies that are in use stay."""
        copies = []
        for path in self.folder.glob("[0-9a-f]*"):
            with suppress(FileNotFoundError):
                found = path.stat()
                copies.append((found.st_mtime, found.st_size, path))
        held = sum(length for _, length, _ in copies)
        for _, length, path in sorted(copies):
            if held + size <= self.most_bytes:
                return
            if _removed(path):
                held -= length

    def _fetch(self, path: Path, sha256: str, fetch: Fetch) -> None:
        make_folder(self.folder)
        part = self.folder / f".{sha256}.{secrets.token_hex(4)}"
        try:
            with part.open("w+b") as file:
                fetch(file)
                file.seek(0)
                found = hashlib.file_digest(file, "sha256").hexdigest()
            if found != sha256:
                raise ValueError(f"{sha256} was asked for and {found} arrived")
            self.make_room(part.stat().st_size)
            part.rename(path)
        finally:
            part.unlink(missing_ok=True)


def _hold(path: Path) -> BinaryIO | None:
    """The copy, locked so that nobody removes it; None where there is none."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return None
    fcntl.flock(file, fcntl.LOCK_SH)
    if _is_at(file, path):
        return file
    file.close()  # it was removed between opening and locking
    return None


def _removed(path: Path) -> bool:
    with suppress(FileNotFoundError, BlockingIOError), path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is_at(file, path):
            path.unlink()
            return True
    return False


def _is_at(file: BinaryIO, path: Path) -> bool:
    with suppress(FileNotFoundError):
        return os.fstat(file.fileno()).st_ino == path.stat().st_ino
    return False
