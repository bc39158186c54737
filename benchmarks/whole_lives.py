# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whole lives of jobs: how many a second, what they cost, and how many calls each agent makes for one."""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections import Counter
from dataclasses import dataclass

from jobs_under_way import Figures, Jobs, milliseconds, processor_figures, say
from processor_time import processor_time
from running_node import RunningNode
from street import Street, street

AGENTS_PER_JOB = 10
"""In `messages`, on a street of any length: what comes together goes in one call, so the agents must be equally busy to be compared."""


@dataclass(frozen=True)
class Lived:
    """How jobs of one piece went: all together, s; each, s; the agents' calls meanwhile; how often the ledger was asked for the last."""

    seconds: float
    each: list[float]
    calls: Counter[str]
    asked: int

    @property
    def all_calls(self) -> int:
        """Every call that was made: the requests, the agents', and those that looked into the ledger."""
        return len(self.each) + self.asked + sum(self.calls[kind] for kind in ("work", "idle", "nothing"))

    def per_life(self) -> Figures:
        """The agents' calls for one life: with something in them, and woken for nothing; and accepts that came after another shop's."""
        names = {"work": "calls_per_life", "nothing": "woken_for_nothing_per_life", "second": "second_per_life"}
        return {name: round(self.calls[kind] / len(self.each), 2) for kind, name in names.items()}


async def live(opened: Street, jobs: Jobs, numbers: range, in_flight: int) -> Lived:
    """Let jobs live, so many at once, until the ledger has the last. The numbers go on from those of all jobs before."""
    gate, each, calls, started = asyncio.Semaphore(in_flight), [], opened.calls, time.perf_counter()

    async def one(number: int) -> None:
        async with gate:
            began = time.perf_counter()
            await jobs.live(number)
            each.append(time.perf_counter() - began)

    await asyncio.gather(*(one(number) for number in numbers))
    asked = await opened.entries(numbers.stop)
    lived = Lived(time.perf_counter() - started, each, opened.calls - calls, asked)
    await jobs.check(numbers[-1])
    return lived


async def lives(running: RunningNode, options: argparse.Namespace) -> Figures:
    """Whole lives a second, beside the same number of calls that do nothing."""
    rounds: list[Figures] = []
    async with street(running, options.agents) as opened:
        jobs = Jobs(opened)
        await live(opened, jobs, range(options.in_flight), options.in_flight)  # what is done for the first time only
        for number in range(options.rounds):
            first = options.in_flight + number * options.jobs
            one = await _round(running, opened, jobs, range(first, first + options.jobs), options.in_flight)
            rounds.append(one)
            say(
                f"round {number + 1}: {one['lives_per_s']:7.1f} lives/s ({one['calls_per_s']:.0f} calls/s)   "
                f"{one['nothings_per_s']:7.1f} calls/s that do nothing   ratio {one['ratio']:.2f}   "
                f"a life takes p50 {one['p50_ms']:.0f} ms, p99 {one['p99_ms']:.0f} ms"
            )
    median = {key: round(statistics.median(one[key] for one in rounds), 3) for key in rounds[0]}
    say(
        f"median : {median['lives_per_s']:7.1f} lives/s with {options.agents} agents and {options.in_flight} jobs under way; "
        f"an agent's calls for one: {median['calls_per_life']:.2f}, and {median['woken_for_nothing_per_life']:.2f} that wake for nothing; "
        f"all run at {median['ratio']:.2f} of the speed of calls that do nothing"
    )
    say(
        f"processor seconds for 1000 lives: node {median['node_s']:.2f}, redis {median['redis_s']:.2f}, load {median['load_s']:.2f}   "
        f"for as many calls that do nothing: node {median['nothing_node_s']:.2f}, redis {median['nothing_redis_s']:.2f}, "
        f"load {median['nothing_load_s']:.2f}"
    )
    return median


async def _round(running: RunningNode, opened: Street, jobs: Jobs, numbers: range, in_flight: int) -> Figures:
    began = processor_time(running.folder)
    lived = await live(opened, jobs, numbers, in_flight)
    alive = processor_time(running.folder)
    nothings = await opened.nothings(lived.all_calls, in_flight)
    thousands = len(numbers) / 1000
    return {
        "lives_per_s": round(len(numbers) / lived.seconds, 1),
        "calls_per_s": round(lived.all_calls / lived.seconds, 1),
        "nothings_per_s": round(nothings, 1),
        "ratio": round(lived.all_calls / lived.seconds / nothings, 3),
        **milliseconds(lived.each),
        **lived.per_life(),
        **processor_figures(alive - began, thousands),
        **processor_figures(processor_time(running.folder) - alive, thousands, "nothing_"),
    }


async def messages(running: RunningNode, options: argparse.Namespace) -> Figures:
    """Calls of an agent for each life, and of all idle agents a second, on ever longer streets."""
    found: Figures = {}
    async with street(running, 0) as opened:
        jobs, first = Jobs(opened), 0
        for agents in sorted(options.streets):
            await opened.grow(agents)
            numbers = range(first, first + options.lives_each * agents)
            lived = await live(opened, jobs, numbers, max(1, agents // AGENTS_PER_JOB))
            first, calls = numbers.stop, opened.calls
            await asyncio.sleep(options.idle_seconds)
            idle = (opened.calls - calls).total() / options.idle_seconds
            told = found[str(agents)] = lived.per_life()
            told |= {"lives_per_s": round(len(numbers) / lived.seconds, 1), "idle_calls_per_s": round(idle, 1)}
            say(
                f"{agents:5} agents: an agent's calls for a life {told['calls_per_life']:.2f}, "
                f"{told['woken_for_nothing_per_life']:.2f} more that wake for nothing; accepts that came second "
                f"{told['second_per_life']:.2f} ({len(numbers)} lives, {told['lives_per_s']:.0f}/s)   "
                f"idle: {idle:.1f} calls/s of all together (cap {options.cap}), {idle / agents:.3f} of each"
            )
    each = [one["calls_per_life"] + one["woken_for_nothing_per_life"] for one in found.values()]
    growth = each[-1] / each[0]
    say(f"from {min(options.streets)} to {max(options.streets)} agents the calls for a life become {growth:.2f} as many (aim: 1)")
    return found | {"growth": round(growth, 3)}
