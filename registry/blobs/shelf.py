# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a place for files can do: a folder (`folder.py`) or a bucket (`bucket.py`)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from registry.blobs.naming import Stored

CHUNK_BYTES = 512 * 1024
"""What is given out in one piece."""


class Shelf(Protocol):
    """Whole files by their SHA-256. Every name given to it was checked. Nothing but right content is ever found under a name.

    Errors, of every method: `Refused` (`file.unknown`), `OSError`, `obstore.exceptions.BaseError` where a bucket does not answer.
    """

    def size(self, sha256: str) -> int | None:
        """A file's length in bytes; None where it is not here."""

    def take(self, staged: Path, sha256: str) -> None:
        """Take in a whole file whose digest is right; `staged` is gone afterwards, and stays where this fails."""

    def settle(self, names: Iterable[str]) -> None:
        """Return once a power cut can take none of these away."""

    def read(self, sha256: str, offset: int) -> AsyncIterator[bytes]:
        """The content from `offset` on, in pieces of at most `CHUNK_BYTES`."""

    def local(self, sha256: str) -> AbstractContextManager[Path]:
        """A path that holds the content for as long as the context lasts; nothing may be written there."""

    def all(self) -> Iterator[Stored]:
        """Every file, in no order."""

    def delete(self, sha256: str) -> None:
        """Remove a file, if it is here."""

    def hash_again(self, sha256: str) -> str:
        """The SHA-256 of what is stored now under a name."""

    def sweep(self, now: float) -> None:
        """Put in order what a stopped node left behind. Parameters: `now`, seconds since 1970."""
