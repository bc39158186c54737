# SPDX-License-Identifier: AGPL-3.0-or-later
"""Copies of a bucket's files on a worker's disk."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

from registry.blobs.cache import Cache


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def fetching(content: bytes, told: list[str] | None = None) -> Callable[[BinaryIO], None]:
    def fetch(file: BinaryIO) -> None:
        file.write(content)
        if told is not None:
            told.append("fetched")

    return fetch


def copies(cache: Cache) -> set[str]:
    return {path.name for path in cache.folder.iterdir()}


def use(cache: Cache, content: bytes, used_at: float) -> str:
    name = sha256(content)
    with cache.copy(name, fetching(content)) as path:
        assert path.read_bytes() == content
    os.utime(cache.folder / name, (used_at, used_at))
    return name


def test_a_copy_is_fetched_once(tmp_path: Path) -> None:
    cache, told = Cache(tmp_path / "copies", 1000), []  # type: ignore[var-annotated]
    for _ in range(3):
        with cache.copy(sha256(b"part"), fetching(b"part", told)) as path:
            assert path.read_bytes() == b"part"
    assert told == ["fetched"]


def test_what_was_used_longest_ago_makes_room(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "copies", 250)
    first, second = use(cache, b"a" * 100, 1), use(cache, b"b" * 100, 2)
    with cache.copy(first, fetching(b"")):
        pass  # used again just now
    third = use(cache, b"c" * 100, 3)
    assert copies(cache) == {first, third} and second not in copies(cache)


def test_a_copy_in_use_is_not_removed(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "copies", 100)
    content = b"a" * 100
    with cache.copy(sha256(content), fetching(content)) as path:
        use(cache, b"b" * 100, 2)
        use(cache, b"c" * 100, 3)
        assert path.read_bytes() == content
    cache.sweep(time.time())
    assert len(copies(cache)) == 1


def test_other_bytes_than_asked_for_are_no_copy(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "copies", 100)
    with pytest.raises(ValueError, match="arrived"), cache.copy(sha256(b"right"), fetching(b"wrong")):
        pass
    assert not copies(cache)


def test_a_copy_that_was_never_fetched_to_its_end_is_cleared_away(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "copies", 100)
    kept = use(cache, b"a", 1)
    (cache.folder / f".{kept}.0000").write_bytes(b"half")
    cache.sweep(time.time())
    assert len(copies(cache)) == 2  # somebody may be fetching it
    cache.sweep(time.time() + 4000)
    assert copies(cache) == {kept}


def test_many_users_of_a_cache_too_small_for_them_all_read_what_they_asked_for(tmp_path: Path) -> None:
    contents = [os.urandom(1000) for _ in range(6)]
    wrong: list[str] = []

    def user(seed: int) -> None:
        cache = Cache(tmp_path / "copies", 2500)
        for turn in range(60):
            content = contents[(seed * 7 + turn) % len(contents)]
            with cache.copy(sha256(content), fetching(content)) as path:
                if path.read_bytes() != content:
                    wrong.append(sha256(content))

    users = [threading.Thread(target=user, args=(seed,)) for seed in range(4)]
    for thread in users:
        thread.start()
    for thread in users:
        thread.join()
    assert not wrong
