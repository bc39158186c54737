# SPDX-License-Identifier: AGPL-3.0-or-later
"""One node to one data folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from commonfab.errors import Refused


@contextmanager
def hold_folder(folder: Path) -> Iterator[None]:
    """Keep `folder` to this process. The kernel lets go of it however the process ends, so nothing stale can stay behind.

    Errors: `Refused` (`node.folder_taken`) with the other node's process id.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "node.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            pid = file.read().strip()
            raise Refused("node.folder_taken", str(folder), pid=int(pid) if pid.isdecimal() else 0) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
