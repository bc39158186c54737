# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a child does that an evil file has taken over, under the real fork server in a process of its own.

That process is a new one, as the product's is, and not a fork of the test's: a test process has threads and servers of other tests in it,
which are no part of what is tried here.
"""

from __future__ import annotations

import errno
import json
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import commonfab  # noqa: F401 - the child may read where it lies
from registry.geometry import isolation, zygote

CONFINED, FREE, REFUSED = "confined", "free", "refused"
"""How the child is confined: as the product does it; not at all; not, because the kernel refuses."""


@dataclass(frozen=True)
class Story:
    """What happens in place of measuring `task`'s file. `act` is one of the functions below, or made of one with `partial`."""

    act: Callable[[], object]
    task: zygote.Task
    confinement: str = CONFINED
    most_written_mb: int = zygote.MOST_WRITTEN_MB


def ending_of(story: Story) -> zygote.Ending:
    """How the fork server says that the child ended."""
    program = f"import sys; sys.path[:0] = {sys.path!r}; import evil_child; evil_child.main()"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin is not None and server.stdout is not None
        server.stdin.write(pickle.dumps(story))
        server.stdin.flush()  # and stays open: its end would tell the fork server that nobody is left
        told = server.stdout.read()
    return zygote.Ending(**json.loads(told))


def main() -> None:
    """The fork server's side of `ending_of`."""
    story: Story = pickle.load(os.fdopen(os.dup(0), "rb", buffering=0))
    zygote._measure = lambda task: story.act()
    zygote._load_for = lambda path: None  # type: ignore[assignment]  # nothing is measured, so the libraries are left out
    zygote.MOST_WRITTEN_MB = story.most_written_mb
    if story.confinement == FREE:
        isolation.confine = lambda readable, writable: None
    elif story.confinement == REFUSED:
        isolation.confine = _say_no
    answers = os.dup(1)
    os.dup2(2, 1)
    os.write(answers, json.dumps(asdict(zygote._serve(story.task))).encode())


def _say_no(readable: object, writable: object) -> None:
    raise OSError(errno.EINVAL, "the kernel says no")


def let_go_and_stay() -> None:
    os.closerange(3, 64)
    time.sleep(3600)


def die_of_a_signal_without_a_name() -> None:
    os.kill(os.getpid(), signal.SIGRTMIN + 3)


def fill_the_disk() -> None:
    for number in range(1000):
        Path(f"{number}").write_bytes(bytes(1024 * 1024))
        time.sleep(0.01)


def print_without_end() -> None:
    while True:
        os.write(1, bytes(1024 * 1024))


def leave_a_trap(log: Path, secret: Path, trap: str) -> None:
    """Put something else in place of the log, and end."""
    log.unlink()
    make = {"pipe": lambda: os.mkfifo(log), "link": lambda: log.symlink_to(secret), "second name": lambda: log.hardlink_to(secret)}
    make.get(trap, log.mkdir)()
    os._exit(zygote.EXIT_BROKEN)
