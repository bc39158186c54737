# SPDX-License-Identifier: AGPL-3.0-or-later
"""Offers and accepts a second: large jobs that are split over a whole street at once."""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time

from jobs_under_way import Figures, Jobs, processor_figures, say
from processor_time import processor_time
from running_node import RunningNode
from street import Street, street

from commonfab import v1

AIM_PER_SECOND = 1000


async def offers(running: RunningNode, options: argparse.Namespace) -> Figures:
    """Accepted work orders a second, where large jobs are split over many agents at once."""
    rounds: list[Figures] = []
    async with street(running, options.agents) as opened:
        jobs, entries = Jobs(opened), 0
        for number in range(options.rounds + 1):
            numbers = range(number * options.split_jobs, (number + 1) * options.split_jobs)
            one = await _round(running, opened, jobs, numbers, options.split_pieces)
            entries += one["orders"]
            await _finish(opened, jobs, numbers, entries)
            one["nothings_per_s"] = round(await opened.nothings(one["orders"], options.agents), 1)
            one["ratio"] = round(one["orders_per_s"] / one["nothings_per_s"], 3)
            if number:  # the first is for what is done for the first time only
                rounds.append(one)
                say(
                    f"round {number}: {one['orders_per_s']:7.1f} offers accepted a second ({one['orders']} of {options.split_jobs} jobs, "
                    f"in {one['calls']} calls)   {one['nothings_per_s']:7.1f} calls/s that do nothing   ratio {one['ratio']:.2f}"
                )
    median = {key: round(statistics.median(one[key] for one in rounds), 3) for key in rounds[0]}
    say(
        f"median : {median['orders_per_s']:7.1f} offers accepted a second (aim {AIM_PER_SECOND}) with {options.agents} agents; for each "
        f"{median['calls_per_order']:.2f} calls, {median['second_per_order']:.2f} accepts that came second; "
        f"processor seconds for 1000: node {median['node_s']:.2f}, redis {median['redis_s']:.2f}, load {median['load_s']:.2f}"
    )
    return median


async def _round(running: RunningNode, opened: Street, jobs: Jobs, numbers: range, pieces: int) -> Figures:
    """From the requests until every piece is accepted; nobody has begun. A shop that holds a lot calls as a real one does."""
    left, orders, all_taken = len(numbers) * pieces, 0, asyncio.Event()

    def accepted(offer: v1.Offer) -> None:
        nonlocal left, orders
        left, orders = left - offer.quantity, orders + 1
        if left == 0:
            all_taken.set()

    opened.told.begin, opened.told.accepted = False, accepted
    before, calls, started = processor_time(running.folder), opened.calls, time.perf_counter()
    for number in numbers:
        opened.group.create_task(jobs.live(number, pieces))
    await all_taken.wait()
    seconds = time.perf_counter() - started
    used, made = processor_time(running.folder) - before, opened.calls - calls
    called = made["work"] + made["idle"] + made["nothing"] + len(numbers)
    return {
        "orders": orders,
        "orders_per_s": round(orders / seconds, 1),
        "calls": called,
        "calls_per_order": round(called / orders, 3),
        "second_per_order": round(made["second"] / orders, 3),
        **processor_figures(used, orders / 1000),
    }


async def _finish(opened: Street, jobs: Jobs, numbers: range, entries: int) -> None:
    """Have all that was accepted made, so that the next round finds the street idle."""
    opened.told.begin = True
    for shop in opened.shops:
        shop.ring()
    for number in numbers:
        await jobs.made(number)
    await opened.entries(entries)
    await jobs.check(numbers[-1])
