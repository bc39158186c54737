# SPDX-License-Identifier: AGPL-3.0-or-later
"""Two routers on one board: every piece is offered once, and no shop is given more because two plans did not know of each other."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest
from clocks import ManualClock
from real_router import Meddled, Workshop, open_router, read_anew
from redis.asyncio import Redis
from router_street import Garage, Street

from commonfab import v1
from router.board import Board
from router.board_reading import read_jobs, read_offers

SHOPS = tuple(f"shop-{number}" for number in range(10))
JOBS = 30
PIECE_MINUTES = 30


async def shops_come(street: Street) -> None:
    for name in SHOPS:
        await street.call(Garage(name))


async def offers_of(street: Street) -> dict[str, list[v1.Offer]]:
    return {name: list((await read_offers(street.board, name)).offers) for name in SHOPS}


async def every_piece_is_offered_once(street: Street, jobs: Iterable[str]) -> None:
    """Neither twice nor not at all, and what the shops are asked is what the jobs say."""
    known = await read_jobs(street.board, list(jobs))
    offers = await offers_of(street)
    asked: Counter[str] = Counter()
    for offer in (offer for of_shop in offers.values() for offer in of_shop):
        asked[offer.job_id] += offer.quantity
    for job_id, one in known.items():
        assert one.job.pieces_unplaced == 0
        assert sum(order.quantity for order in one.job.work_orders) == one.job.request.quantity == asked[job_id]


async def every_queue_is_what_lies_there(street: Street) -> None:
    """What the shops are told to have waiting is the sum of what they are asked."""
    pictures = await read_anew(street.board)
    for name, offers in (await offers_of(street)).items():
        assert sum(pictures[name].queued.values()) == pytest.approx(PIECE_MINUTES * sum(offer.quantity for offer in offers))


async def have_placed(street: Street) -> set[str]:
    """The routers that have offered something."""
    return {offer.work_order_id.partition("-")[0] for offers in (await offers_of(street)).values() for offer in offers}


async def loads(street: Street) -> list[int]:
    """Pieces that each shop is asked for, fewest first."""
    return sorted(sum(offer.quantity for offer in offers) for offers in (await offers_of(street)).values())


@pytest.fixture
async def boards(redis_url: str, manual_clock: ManualClock) -> AsyncIterator[tuple[Board, Board]]:
    """Two ways to one board, each over connections of its own."""
    redises = [Redis.from_url(redis_url) for _ in range(2)]
    yield Board(redises[0], "test", manual_clock), Board(redises[1], "test", manual_clock)
    for redis in redises:
        await redis.aclose()


@pytest.mark.parametrize("attempt", range(5))
async def test_two_that_plan_at_once_offer_every_piece_once_and_load_the_shops_evenly(
    street: Street, boards: tuple[Board, Board], attempt: int
) -> None:
    await shops_come(street)
    routers = [open_router(street, board=board, name=name) for board, name in zip(boards, ("one", "two"), strict=True)]
    jobs = []
    for _ in range(3):
        jobs += [await street.ask(1, requester=f"requester-{number}") for number in range(JOBS // 3)]
        await asyncio.gather(*(router.plan() for router in routers[:: -1 if attempt % 2 else 1]))
    await every_piece_is_offered_once(street, jobs)
    await every_queue_is_what_lies_there(street)
    assert await loads(street) == [3] * 10


async def test_whoever_comes_second_plans_anew_on_what_the_first_has_offered(street: Street, boards: tuple[Board, Board]) -> None:
    """The other router offers all of its jobs between the plan and the offer of this one."""
    first, second = Meddled(boards[0]), boards[1]
    mine, other = open_router(street, board=first, name="mine"), open_router(street, board=second, name="other")
    for name in SHOPS[:2]:
        await street.call(Garage(name))
    await mine.overview.catch_up()
    jobs = [await street.ask(1)]

    async def the_other_is_faster() -> None:
        await other.plan()
        jobs.append(await street.ask(1))

    first.before = the_other_is_faster
    await mine.plan()
    await mine.plan()
    assert await loads(street) == [0] * 8 + [1, 1]
    names = [(await street.job(job)).work_orders[0].id.partition("-")[0] for job in jobs]
    assert names == ["other", "mine"]


async def test_two_share_one_large_job_without_offering_a_piece_twice(street: Street, boards: tuple[Board, Board]) -> None:
    for name in SHOPS:
        await street.call(Workshop(name, policy=v1.ShopPolicy(most_pieces=2)))
    job = await street.ask(40)
    routers = [open_router(street, board=board, name=name) for board, name in zip(boards, ("one", "two"), strict=True)]
    for _ in range(4):
        await asyncio.gather(*(router.plan() for router in routers))
    known = await street.job(job)
    assert known.pieces_unplaced == 20, "each shop has its evening, and no more"
    assert await loads(street) == [2] * 10
    await every_queue_is_what_lies_there(street)


async def test_two_processes_race_and_both_get_on(redis_url: str, manual_clock: ManualClock) -> None:
    redis = Redis.from_url(redis_url)
    street = Street(Board(redis, "test"), manual_clock, [])  # on Redis's own clock: it is the one clock of all processes
    await shops_come(street)
    program, pipe = str(Path(__file__).with_name("router_process.py")), asyncio.subprocess.PIPE
    routers = [
        await asyncio.create_subprocess_exec(sys.executable, program, redis_url, name, stdin=pipe, stdout=pipe) for name in ("one", "two")
    ]
    try:
        for router in routers:
            assert router.stdout is not None and await router.stdout.readline() == b"ready\n"
        jobs = list[str]()
        until = time.monotonic() + 100
        # One of the two may be given no processor for a while, so there is work until both have placed some.
        while len(jobs) < JOBS * 2 or (await have_placed(street) != {"one", "two"} and time.monotonic() < until):
            for number in range(len(SHOPS)):
                jobs.append(await street.ask(1, requester=f"requester-{number % 7}"))
                if number % 3 == 0:
                    await asyncio.sleep(0.005)
        while await street.waiting() and time.monotonic() < until:
            await asyncio.sleep(0.01)
    finally:
        for router in routers:
            assert router.stdin is not None
            router.stdin.close()
        try:
            rounds = [int(await asyncio.wait_for(router.stdout.read(), 100)) for router in routers if router.stdout]
            codes = [await router.wait() for router in routers]
        finally:
            for router in routers:
                if router.returncode is None:
                    router.kill()
    assert codes == [0, 0] and min(rounds) > 1
    await every_piece_is_offered_once(street, jobs)
    await every_queue_is_what_lies_there(street)
    assert await loads(street) == [len(jobs) // len(SHOPS)] * len(SHOPS)
    assert await have_placed(street) == {"one", "two"}
    await redis.aclose()
