# SPDX-License-Identifier: AGPL-3.0-or-later
"""Waiting for a change or for some time, whichever comes first; and leases, counted by our own clock."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf
from typing import Any

from commonfab import v1
from commonfab.clock import Clock
from commonfab.tasks import cancelled
from shop_agent.journal.records import key_of


class Bell:
    """Rung when something changed. A ring while nobody waits is kept for the next wait."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake whoever waits, or the next one who would."""
        self._rung.set()

    async def wait(self, seconds: float) -> bool:
        """Return after a ring (True) or after `seconds` (False)."""
        if not self._rung.is_set() and seconds > 0:
            tasks: list[asyncio.Future[Any]] = [asyncio.ensure_future(self._rung.wait())]
            if seconds != inf:
                tasks.append(asyncio.ensure_future(self._clock.sleep(seconds)))
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                await cancelled(*tasks)
        rung = self._rung.is_set()
        self._rung.clear()
        return rung

    def hush(self) -> None:
        """Forget a ring that nobody waited for."""
        self._rung.clear()


@dataclass
class Leases:
    """Until when the router lets this run of the agent keep each attempt. Empty after a start: a lease of an earlier run says nothing."""

    clock: Clock
    _until: dict[str, float] = field(default_factory=dict)

    def renew(self, attempts: Iterable[v1.AttemptRef], sent_at: float, seconds: float) -> None:
        """The router answered a call.

        The lease is counted from when the call was sent: the router renewed it some time after that, and how long the answer was held
        or lay on the way cannot be known here.
        """
        self._until = {key_of(ref): sent_at + seconds for ref in attempts}

    def holds(self, attempt: v1.AttemptRef) -> bool:
        """Whether the lease of an attempt has certainly not run out."""
        return self.clock.monotonic() < self._until.get(key_of(attempt), float("-inf"))


@dataclass
class Starts:
    """When each machine was last set in motion, by our own clock: heaters that all go on at once trip the breaker of a garage."""

    clock: Clock
    apart_seconds: float = 0.0
    _last: dict[str, float] = field(default_factory=dict)

    def note(self, machine_id: str) -> None:
        """A machine is about to start."""
        self._last[machine_id] = self.clock.monotonic()

    def held_back(self, machine_id: str) -> str:
        """Why a machine must wait for another that has just started; empty where it need not."""
        now = self.clock.monotonic()
        others = {other: self.apart_seconds - (now - at) for other, at in self._last.items() if other != machine_id}
        longest = max(others, key=others.__getitem__, default="")
        return f"{longest} to have started; machines here start {self.apart_seconds:g} s apart" if longest and others[longest] > 0 else ""
