# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the modes of `lifecycle.py` share: jobs under way on a street, and how figures are told."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import Any

from processor_time import ProcessorTime
from street import REQUESTERS, Street

from commonfab import v1

Figures = dict[str, Any]


class Jobs:
    """Jobs of a street, by number: asked for, and made when the agents have handed in all their pieces."""

    def __init__(self, opened: Street) -> None:
        self._street = opened
        self._left: dict[str, int] = {}
        self._ids: dict[int, str] = {}
        self._made: dict[str, asyncio.Event] = {}
        opened.told.done = self._count

    def _count(self, offer: v1.Offer) -> None:
        self._left[offer.purpose] -= offer.quantity
        if self._left[offer.purpose] <= 0:
            self._made[offer.purpose].set()

    async def live(self, number: int, quantity: int = 1) -> None:
        """Ask for a job and return when it is made."""
        caller, request = self._street.wish(number, quantity)
        self._left[request.purpose], self._made[request.purpose] = quantity, asyncio.Event()
        self._ids[number] = (await caller.request(request)).id
        await self.made(number)

    async def made(self, number: int) -> None:
        """Return when the job of that number is made."""
        await self._made[str(number)].wait()

    async def check(self, number: int) -> None:
        """Errors: `RuntimeError` where the job of that number is not done in the eyes of the one who asked for it."""
        seen = await self._street.requesters[number % REQUESTERS].watch(self._ids[number])
        if seen.state != v1.JOB_STATE_DONE:
            raise RuntimeError(f"every piece was reported, and yet: {seen}")


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that `share` of them do not exceed (nearest rank)."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def milliseconds(seconds: Sequence[float]) -> Figures:
    """Median and 99th percentile, ms."""
    return {"p50_ms": round(1000 * percentile(seconds, 0.5), 1), "p99_ms": round(1000 * percentile(seconds, 0.99), 1)}


def processor_figures(used: ProcessorTime, thousands: float, before: str = "") -> Figures:
    """Processor seconds for a thousand, each name behind `before`."""
    return {f"{before}{name}_s": round(seconds / thousands, 3) for name, seconds in vars(used).items()}


def say(line: str) -> None:
    """Print a line now, so that a long run is seen to live."""
    print(line, flush=True)
