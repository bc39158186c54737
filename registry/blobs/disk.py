# SPDX-License-Identifier: AGPL-3.0-or-later
"""What it takes for bytes to outlast a power cut, and what is said when there is no room for them."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from commonfab.errors import Refused

KEPT_IN_MEMORY_BYTES = 32 * 1024 * 1024

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


def no_room(error: OSError) -> bool:
    """Whether an error says that the disk, or the share of it that the node may use, is full."""
    return error.errno in NO_ROOM


@contextmanager
def telling_no_room(what: str) -> Iterator[None]:
    """Say a full disk in words. Parameters: `what` there was no room for. Errors: `Refused` (`node.disk_full`)."""
    try:
        yield
    except OSError as error:
        if no_room(error):
            raise Refused("node.disk_full", what) from error
        raise


def make_folder(folder: Path) -> None:
    """Make a folder that a power cut cannot take away, with those above it."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder reach the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def let_go_of_memory(file: FileIO) -> None:
    """Have the kernel forget a large file that is on the disk.

    A node that kept every file it took in would fill the machine's memory with them, and writing into memory that was not used
    before is up to ten times as slow as into memory that is used again. Small files stay: they are about to be measured.
    """
    if hasattr(os, "posix_fadvise") and os.fstat(file.fileno()).st_size > KEPT_IN_MEMORY_BYTES:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def boot() -> str:
    """What tells one run of this machine's kernel from the next; empty where the system does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    except OSError:
        return ""
