# SPDX-License-Identifier: AGPL-3.0-or-later
"""Time, as something that is handed in, so that a test can own it."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """What the rooms may know of time."""

    def now(self) -> float:
        """Seconds since 1970-01-01 UTC. For showing and recording; never to be compared with another machine's."""

    def monotonic(self) -> float:
        """Seconds since some moment, never set back. For deadlines, and for ages of what other processes of this
        computer wrote down since it was started."""

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""


class SystemClock:
    """The clock of this machine."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        # A laptop that was closed for the night must not believe that its lease still holds: on Linux the usual clock stands still then.
        return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
