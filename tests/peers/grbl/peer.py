# SPDX-License-Identifier: AGPL-3.0-or-later
"""A stand-in for a Grbl 1.1 board on a USB port: a pty under a name that stays, kept going by a thread.

`port` is a link that can be taken away (the cable) and put back, as another pty under the same name.
"""

from __future__ import annotations

import contextlib
import os
import pty
import select
import threading
import time
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest
from peers.grbl.controller import Controller

TICK_SECONDS = 0.004
SETTINGS = {0: 10, 1: 25, 10: 3, 13: 0, 20: 1, 21: 0, 22: 0, 30: 10_000, 31: 0, 32: 0, 110: 5000, 111: 5000, 130: 300, 131: 200, 132: 80}


class GrblBoard:
    """One board. Its time runs `pace` times as fast as ours. Touch `controller` only under `lock`."""

    def __init__(self, port: Path, pace: float = 1.0, settings: dict[int, float] | None = None, homing_locks: bool = False) -> None:
        self.port = port
        self.pace = pace
        self.controller = Controller({**SETTINGS, **(settings or {})}, homing_locks)
        self.lock = threading.RLock()
        self.resets_when_opened = False
        self._master = -1
        self._nobody = True
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="grbl-board", daemon=True)
        self.plug()
        self._thread.start()

    def plug(self) -> None:
        """Put the cable in: a new pty under the old name."""
        master, slave = pty.openpty()
        tty.setraw(slave)
        os.set_blocking(master, False)
        self.port.unlink(missing_ok=True)
        self.port.symlink_to(os.ttyname(slave))
        os.close(slave)  # so that whoever opens it may have it alone, and that it is seen when they let go
        with self.lock:
            self._master = master

    def unplug(self) -> None:
        """Pull the cable; the board has power of its own and works on."""
        with self.lock:
            master, self._master = self._master, -1
            self.port.unlink(missing_ok=True)
        os.close(master)

    def power_cycle(self) -> None:
        """The reset button."""
        with self.lock:
            self.controller.power_cycle()

    def alarm(self, code: int) -> None:
        """A limit switch, a soft limit."""
        with self.lock:
            self.controller.alarm(code)

    def noise(self, what: bytes) -> None:
        """Something comes out of the line that nobody sent."""
        with self.lock:
            self.controller.said += what

    def person(self, typed: str) -> None:
        """Somebody presses reset, or homes and unlocks it with a pendant: characters that do not come over our line."""
        with self.lock:
            self.controller.receive(typed.encode("latin-1"))

    @property
    def moved(self) -> int:
        """How many moves were carried out whole."""
        with self.lock:
            return self.controller.moved_whole

    def close(self) -> None:
        """Switch it off."""
        self._ended.set()
        self._thread.join()
        if self._master >= 0:
            self.unplug()

    def _go_on(self) -> None:
        last = time.monotonic()
        while not self._ended.is_set():
            waited = self._wait()
            now = time.monotonic()
            with self.lock:
                self.controller.tick(self.controller.now + (now - last) * self.pace)
                if self._master >= 0:
                    self._talk(waited)
            last = now

    def _wait(self) -> int:
        """What the port says, after a tick at most."""
        master = self._master
        if master < 0:
            time.sleep(TICK_SECONDS)
            return 0
        poll = select.poll()
        poll.register(master, select.POLLIN)
        with contextlib.suppress(OSError):
            events = poll.poll(TICK_SECONDS * 1000)
            return events[0][1] if events else 0
        return 0

    def _talk(self, events: int) -> None:
        if events & select.POLLHUP:
            self._nobody = True
            self.controller.said.clear()  # a wire keeps nothing
            time.sleep(TICK_SECONDS)
        elif self._nobody:
            self._nobody = False
            if self.resets_when_opened:
                self.controller.power_cycle()
        if events & select.POLLIN:
            with contextlib.suppress(OSError):
                self.controller.receive(os.read(self._master, 4096))
        if self.controller.said:
            with contextlib.suppress(OSError):
                sent = os.write(self._master, self.controller.said)
                del self.controller.said[:sent]


@pytest.fixture
def grbl_board(tmp_path: Path) -> Iterator[GrblBoard]:
    """A board that is idle, at the pace of the world."""
    board = GrblBoard(tmp_path / "ttyGRBL")
    yield board
    board.close()
