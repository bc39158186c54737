# SPDX-License-Identifier: AGPL-3.0-or-later
"""A clock that a test moves by hand, so that no test has to wait."""

from __future__ import annotations

import asyncio


class ManualClock:
    """Implements `commonfab.clock.Clock`. Stands still until `advance` is called."""

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        self._start = start
        self._elapsed = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> float:
        return self._start + self._elapsed

    def monotonic(self) -> float:
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._elapsed + seconds, waiting))
        await waiting

    @property
    def sleepers(self) -> int:
        """How many tasks sleep on this clock now."""
        return sum(not waiting.done() for _, waiting in self._sleepers)

    def advance(self, seconds: float) -> None:
        """Move on by `seconds` and wake every sleeper whose time has come. Sleepers run when the test next awaits something.

        To be called in the thread of the event loop where something sleeps.
        """
        self._elapsed += seconds
        due = [(until, waiting) for until, waiting in self._sleepers if until <= self._elapsed]
        self._sleepers = [(until, waiting) for until, waiting in self._sleepers if until > self._elapsed and not waiting.done()]
        for _, waiting in sorted(due, key=lambda sleeper: sleeper[0]):
            if not waiting.done():
                waiting.set_result(None)
