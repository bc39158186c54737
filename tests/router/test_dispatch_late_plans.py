# SPDX-License-Identifier: AGPL-3.0-or-later
"""Plans that are out of date when they are offered: something changed between the reading and the offer."""

from __future__ import annotations

import pytest
from real_router import FAR, Meddled, large, open_router
from router_street import Garage, Street, printer, way


async def test_a_plan_that_is_out_of_date_is_made_anew_in_the_same_round(street: Street) -> None:
    board = Meddled(street.board)
    router, lena, shed = open_router(street, board=board), Garage("lena"), Garage("shed", cell=FAR)
    await street.call(lena)
    await street.call(shed)
    await router.ask(1)

    async def lena_closes() -> None:
        lena.closed = "the roof leaks"
        await street.call(lena)

    board.before = lena_closes
    await router.plan()
    assert await router.pieces_at("lena", "shed") == {"lena": 0, "shed": 1}


async def test_of_several_jobs_only_those_whose_shop_changed_are_planned_anew(street: Street) -> None:
    board = Meddled(street.board)
    router, lena, hall = open_router(street, board=board), Garage("lena"), Garage("hall", [printer(x=400, y=400)], cell=FAR)
    await street.call(lena)
    await street.call(hall)
    small, big = await router.ask(1), await router.ask(1, [large()])

    async def lena_has_new_filament() -> None:
        lena.machines[0].materials.append("petg")
        await street.call(lena)

    board.before = lena_has_new_filament
    await router.plan()
    assert [offer.job_id for offer in await router.offers("lena")] == [small]
    assert [offer.job_id for offer in await router.offers("hall")] == [big]
    assert [len((await street.job(job)).work_orders) for job in (small, big)] == [1, 1]


async def test_a_job_that_is_withdrawn_while_it_is_planned_is_offered_to_nobody(street: Street) -> None:
    board = Meddled(street.board)
    router = open_router(street, board=board)
    await street.call(Garage("lena"))
    gone, stays = await router.ask(1), await router.ask(1)

    async def it_is_withdrawn() -> None:
        await street.board.cancel_job(gone)

    board.before = it_is_withdrawn
    await router.plan()
    assert [offer.job_id for offer in await router.offers("lena")] == [stays]


async def test_an_answer_that_was_lost_is_not_offered_twice(street: Street) -> None:
    board = Meddled(street.board)
    router = open_router(street, board=board)
    await street.call(Garage("lena"))
    job = await router.ask(2)

    async def the_line_breaks() -> None:
        raise ConnectionResetError("the answer is lost")

    board.after = the_line_breaks
    with pytest.raises(ConnectionResetError):
        await router.plan()
    await router.plan()
    assert await router.pieces_at("lena") == {"lena": 2}
    assert len((await street.job(job)).work_orders) == 1


async def test_a_shop_that_was_given_work_meanwhile_is_not_given_more_by_a_plan_that_did_not_see_it(street: Street) -> None:
    board = Meddled(street.board)
    router, near, far = open_router(street, board=board), Garage("near"), Garage("far", cell=FAR)
    await street.call(near)
    await street.call(far)
    mine = await router.ask(1, [way(60)])

    async def another_router_is_faster() -> None:
        other = await street.ask(1)
        assert (await street.offer(other, await street.lot("other-0001", ["near"], 1, other, minutes=60.0))).placed == (True,)

    board.before = another_router_is_faster
    await router.plan()
    assert [offer.job_id for offer in await router.offers("far")] == [mine]
    assert await router.pieces_at("near", "far") == {"near": 1, "far": 1}
