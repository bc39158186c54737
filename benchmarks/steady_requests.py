# SPDX-License-Identifier: AGPL-3.0-or-later
"""From a request to its offer: requests that come at a steady rate, whatever becomes of those before."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable

from jobs_under_way import Figures, Jobs, milliseconds, say
from running_node import RunningNode
from street import Street, street

from commonfab import v1

AIM = "aim: p99 under 50 ms at 200/s"
DRAIN_SECONDS = 120.0
SUSTAINED_SECONDS = 1.0
"""A rate is sustained if there are never more requests without an offer than come in within this time."""

GIVE_UP_SECONDS = 3.0


async def latency(running: RunningNode, options: argparse.Namespace) -> Figures:
    """From a request to its offer at a waiting agent, at the highest of some steady rates that is sustained."""
    found: Figures = {}
    async with street(running, options.agents) as opened:
        jobs, first = Jobs(opened), 0
        for rate in options.rates:
            found = await _at(opened, jobs, rate, first, options.seconds)
            first += found.pop("asked")
            if "p50_ms" not in found:
                say(f"{rate:5.0f} requests/s are not sustained: {found['waiting']} waited for an offer at once")
                continue
            took, _ = await _steadily(rate, options.seconds, lambda number, due: opened.callers[number % options.agents].nothing())
            found |= {f"nothing_{key}": value for key, value in milliseconds(took).items()}
            say(
                f"{rate:5.0f} requests/s are {'' if found['sustained'] else 'NOT '}sustained, at most {found['waiting']} waited at once: "
                f"to the offer p50 {found['p50_ms']:.1f} ms, p99 {found['p99_ms']:.1f} ms ({AIM})   "
                f"calls that do nothing at that rate: p50 {found['nothing_p50_ms']:.1f} ms, p99 {found['nothing_p99_ms']:.1f} ms"
            )
            if found["sustained"]:
                break
    return found


async def _at(opened: Street, jobs: Jobs, rate: float, first: int, seconds: float) -> Figures:
    waiting: dict[str, float] = {}
    took: list[float] = []
    most = 0

    def offered(offer: v1.Offer, moment: float) -> None:
        if (due := waiting.pop(offer.purpose, None)) is not None:  # else another shop was asked too and heard it first
            took.append(moment - due)

    async def ask(number: int, due: float) -> None:
        nonlocal most
        waiting[str(first + number)] = due
        most = max(most, len(waiting))
        await jobs.live(first + number)

    opened.told.offered = offered
    _, asked = await _steadily(rate, seconds, ask, lambda: len(waiting) > rate * GIVE_UP_SECONDS)
    told: Figures = {"rate_per_s": rate, "waiting": most, "sustained": most <= rate * SUSTAINED_SECONDS, "asked": asked}
    return told | (milliseconds(took) if asked == int(rate * seconds) else {})


async def _steadily(
    rate: float, seconds: float, call: Callable[[int, float], Awaitable[None]], enough: Callable[[], bool] = lambda: False
) -> tuple[list[float], int]:
    """Call at a steady rate until `enough`, then wait for all. Answers how long each took from the moment it was due, s, and their number.

    Counted from the moment due, because a sender that is late would else hide the delay that it suffers from.
    """
    took: list[float] = []

    async def one(number: int, due: float) -> None:
        await call(number, due)
        took.append(time.perf_counter() - due)

    started, calls = time.perf_counter(), []
    for number in range(int(rate * seconds)):
        due = started + number / rate
        if (early := due - time.perf_counter()) > 0:
            await asyncio.sleep(early)
        if enough():
            break
        calls.append(asyncio.create_task(one(number, due)))
    await asyncio.wait_for(asyncio.gather(*calls), DRAIN_SECONDS)
    return took, len(calls)
