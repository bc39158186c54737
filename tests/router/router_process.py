# SPDX-License-Identifier: AGPL-3.0-or-later
"""A router in a process of its own: plans without a pause until its input ends, then says how many rounds that were.

python router_process.py <Redis> <name of its work orders>
"""

from __future__ import annotations

import asyncio
import sys
from itertools import count

from redis.asyncio import Redis

from router.bell import Bell
from router.board import Board
from router.dispatch import Dispatcher
from router.overview import Overview
from router.pulse import Terms
from router.ranking import load_policy


async def plans(redis_url: str, name: str) -> int:
    redis, terms, numbers = Redis.from_url(redis_url), Terms(offer_seconds=600, lease_seconds=60), count(1)
    board = Board(redis, "test")
    overview = Overview(board, terms)
    dispatcher = Dispatcher(board, Bell(board), overview, load_policy(), terms, lambda prefix: f"{name}-{next(numbers):05d}")
    over = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    print("ready", flush=True)
    rounds = 0
    while not over.done():
        await dispatcher.plan_all()
        rounds += 1
        await asyncio.sleep(0.001)
    await redis.aclose()
    return rounds


if __name__ == "__main__":
    print(asyncio.run(plans(*sys.argv[1:])), flush=True)
