# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a stored file is called and what is said of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from commonfab.canonical import is_sha256
from commonfab.errors import Refused

KEY = re.compile(r"([0-9a-f]{2})/([0-9a-f]{62})")


@dataclass(frozen=True)
class Stored:
    """A stored file: its name, its length, and when it was stored or last published (seconds since 1970)."""

    sha256: str
    size_bytes: int
    modified: float


def check_sha256(sha256: str) -> None:
    """Errors: `Refused` (`file.sha256`)."""
    if not is_sha256(sha256):
        raise Refused("file.sha256", repr(sha256[:80]))


def key_of(sha256: str) -> str:
    """Where a file lies below the folder or the bucket's prefix: `ab/cdef…`, so that no folder gets too long to list."""
    return f"{sha256[:2]}/{sha256[2:]}"


def sha256_of_key(key: str) -> str:
    """The other way round; empty for what is no file's key."""
    found = KEY.fullmatch(key)
    return found[1] + found[2] if found else ""
