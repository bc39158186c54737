# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the neighbourhood lacks, read off a real board: only jobs that nobody can make count, and asking holds nobody up."""

from __future__ import annotations

import asyncio

import pytest
from real_router import FAR, RealRouter, large, open_router
from router_street import CELL, Garage, Street

from commonfab import v1
from commonfab.tasks import cancelled
from router.capability_index import CapabilityIndex
from router.matching import Match, Wanted, match
from router.needs import WaitingJob, needs, telling
from router.shop_on_board import ShopOnBoard
from router.unmet import unmet

ANYWHERE = v1.Place()


@pytest.fixture
def router(street: Street) -> RealRouter:
    return open_router(street)


async def lacking(router: RealRouter, place: v1.Place = ANYWHERE, within_km: float = 0) -> v1.ListNeedsResponse:
    return await unmet(router.street.board, router.overview, place, within_km)


async def test_only_jobs_that_nobody_can_make_are_counted(street: Street, router: RealRouter) -> None:
    await street.call(Garage("lena"))
    for pieces in (1, 2):
        await router.ask(pieces, [large()])
    await router.ask(5)
    told = await lacking(router)
    assert (told.waiting_jobs, told.needs[0].jobs, told.needs[0].pieces) == (2, 2, 3)


async def test_a_place_leaves_out_what_is_needed_far_away_or_nowhere(street: Street, router: RealRouter) -> None:
    await router.ask(1, [large()], place=v1.Place(cell=CELL))
    await router.ask(1, [large()], place=v1.Place(cell=FAR))
    await router.ask(1, [large()], place=ANYWHERE)
    here = v1.Place(cell=CELL)
    counted = [await lacking(router, *around) for around in ((), (here, 0), (here, 2.0), (here, 10.0))]
    assert [told.waiting_jobs for told in counted] == [3, 2, 1, 2]


async def test_it_is_gone_when_somebody_who_can_appears(street: Street, router: RealRouter) -> None:
    await router.ask(1, [large()])
    assert (await lacking(router)).waiting_jobs == 1
    hall = Garage("hall")
    hall.machines[0].envelope_mm.x = 400
    await street.call(hall)
    assert (await lacking(router)).waiting_jobs == 0


async def test_between_two_jobs_others_are_answered(street: Street, router: RealRouter, monkeypatch: pytest.MonkeyPatch) -> None:
    await street.call(Garage("lena"))
    for _ in range(10):
        await router.ask(1, [large()])
    turns, seen = 0, []
    tried = CapabilityIndex.match

    def seen_match(self: CapabilityIndex, wanted: Wanted, now_ms: int, present_seconds: float) -> Match:
        seen.append(turns)
        return tried(self, wanted, now_ms, present_seconds)

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    monkeypatch.setattr(CapabilityIndex, "match", seen_match)
    talking = asyncio.create_task(others())
    await lacking(router)
    await cancelled(talking)
    assert len(seen) == len(set(seen)) == 10


def test_what_is_kept_of_a_match_says_the_same_needs() -> None:
    shops = [ShopOnBoard(Garage(f"shop-{number}").shop, 0.0) for number in range(5)]
    shops[0].shop.closed = "holidays"
    wishes = [Wanted([large(mm)], v1.Place(cell=CELL), 0, {}) for mm in (100, 300, 400)]
    jobs = [WaitingJob(f"job-{number}", wish, 1, match(wish, shops[: 1 + 4 * (number > 0)], 60)) for number, wish in enumerate(wishes)]
    kept = [WaitingJob(job.id, job.wanted, job.pieces, telling(job.match)) for job in jobs]
    assert needs(kept) == needs(jobs) != []
    assert max(len(job.match.unable) for job in kept) == 1
