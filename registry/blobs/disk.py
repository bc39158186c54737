# SPDX-License-Identifier: AGPL-3.0-or-later
"""What it takes for bytes to outlast a power cut, and what is said when there is no room for them."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from commonfab.errors import Refused

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


def boot() -> str:
    """What tells one run of this machine's kernel from the next; empty where the system does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    except OSError:
        return ""
