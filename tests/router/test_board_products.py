# SPDX-License-Identifier: AGPL-3.0-or-later
"""A whole product: a job for each part, and one that holds them together."""

from __future__ import annotations

import pytest
from router_street import Garage, Street

from commonfab import v1
from commonfab.errors import Refused
from commonfab.reasons import reason

PARTS = {"job-left": 2, "job-right": 3}
QUESTION = (reason("job.cancelled"),)


async def test_a_product_waits_for_its_parts_and_knows_them_and_they_know_it(street: Street) -> None:
    product = await street.ask_for_product(PARTS)
    job = await street.job(product)
    assert (product, job.state, list(job.part_job_ids), job.pieces_unplaced) == ("job-0001", v1.JOB_STATE_WAITING, list(PARTS), 0)
    assert (await street.job("job-left")).product_job_id == product
    assert {waiting.id for waiting in await street.waiting()} == set(PARTS)


async def test_a_product_that_is_not_put_together_is_done_when_its_last_part_is(street: Street) -> None:
    product, lena = await street.ask_for_product(PARTS, quantity=2), Garage("lena")
    await street.make(lena, "job-left")
    assert (await street.job(product)).state == v1.JOB_STATE_WAITING
    await street.make(lena, "job-right")
    job = await street.job(product)
    assert (job.state, job.pieces_good) == (v1.JOB_STATE_DONE, 2)


async def test_a_product_that_is_put_together_is_offered_when_its_parts_are_there(street: Street) -> None:
    product, lena = await street.ask_for_product(PARTS, assembled=True, quantity=4), Garage("lena")
    for part in PARTS:
        await street.make(lena, part)
    job = await street.job(product)
    assert (job.state, job.pieces_unplaced) == (v1.JOB_STATE_WAITING, 4)
    assert [waiting.id for waiting in await street.waiting()] == [product]
    await street.make(lena, product)
    job = await street.job(product)
    assert (job.state, job.pieces_good) == (v1.JOB_STATE_DONE, 4)


async def test_a_question_about_a_part_holds_that_part_and_the_others_go_on(street: Street) -> None:
    product = await street.ask_for_product(PARTS, **{"job-left": QUESTION})
    assert [(await street.job(part)).state for part in PARTS] == [v1.JOB_STATE_HELD, v1.JOB_STATE_WAITING]
    assert [waiting.id for waiting in await street.waiting()] == ["job-right"]
    await street.board.confirm_job("job-left")
    lena = Garage("lena")
    for part in PARTS:
        await street.make(lena, part)
    assert (await street.job(product)).state == v1.JOB_STATE_DONE


@pytest.mark.parametrize("assembled", [True, False])
async def test_a_question_about_the_product_holds_it_though_its_parts_are_made_meanwhile(street: Street, assembled: bool) -> None:
    product, lena = await street.ask_for_product(PARTS, assembled=assembled, product=QUESTION), Garage("lena")
    for part in PARTS:
        await street.make(lena, part)
    assert (await street.job(product)).state == v1.JOB_STATE_HELD
    await street.board.confirm_job(product)
    assert (await street.job(product)).state == (v1.JOB_STATE_WAITING if assembled else v1.JOB_STATE_DONE)
    assert len(await street.waiting()) == assembled


async def test_a_product_that_is_confirmed_early_goes_on_waiting_for_its_parts(street: Street) -> None:
    product, lena = await street.ask_for_product(PARTS, product=QUESTION), Garage("lena")
    await street.board.confirm_job(product)
    for part in PARTS:
        assert (await street.job(product)).state == v1.JOB_STATE_WAITING
        await street.make(lena, part)
    assert (await street.job(product)).state == v1.JOB_STATE_DONE


async def test_withdrawing_a_product_withdraws_its_parts_but_not_what_is_made(street: Street) -> None:
    product, lena = await street.ask_for_product(PARTS), Garage("lena")
    await street.make(lena, "job-left")
    await street.plan()
    await street.board.cancel_job(product)
    await street.board.cancel_job(product)
    states = [(await street.job(job_id)).state for job_id in (product, *PARTS)]
    assert states == [v1.JOB_STATE_CANCELLED, v1.JOB_STATE_DONE, v1.JOB_STATE_CANCELLED]
    assert await street.waiting() == []
    assert await street.offered("lena") == []
    assert await street.board.redis.hgetall(street.board.key("placed")) == {}


async def test_a_part_cannot_be_withdrawn_alone(street: Street) -> None:
    product = await street.ask_for_product(PARTS)
    with pytest.raises(Refused) as refused:
        await street.board.cancel_job("job-left")
    assert refused.value.code == "job.of_product"
    await street.board.cancel_job(product)
    await street.board.cancel_job("job-left")  # it is withdrawn already, which is what was asked for


async def test_a_running_part_of_a_withdrawn_product_still_reports(street: Street) -> None:
    product, lena = await street.ask_for_product(PARTS), Garage("lena")
    await street.call(lena)
    await street.plan()
    attempts = await street.accept_all(lena)
    for attempt in attempts:
        await street.start(lena, attempt)
    await street.board.cancel_job(product)
    job_of = {order.id: job_id for job_id in PARTS for order in (await street.job(job_id)).work_orders}
    for attempt in attempts:
        receipt = await street.complete(lena, attempt, 1, job_id=job_of[attempt.work_order_id])
        assert not receipt.HasField("refusal")
    assert [(await street.job(part)).pieces_good for part in PARTS] == [1, 1]


async def test_parts_are_not_forgotten_before_their_product_and_then_all_are(street: Street) -> None:
    product, redis, lena = await street.ask_for_product(PARTS), street.board.redis, Garage("lena")
    await street.make(lena, "job-left")
    assert await redis.pttl(street.board.key("job", "job-left")) == -1
    await street.make(lena, "job-right")
    for job_id in (product, *PARTS):
        assert await redis.pttl(street.board.key("job", job_id)) > 0


async def test_a_product_is_put_on_the_board_whole_and_once(street: Street) -> None:
    first = await street.ask_for_product(PARTS)
    lena = Garage("lena")
    await street.make(lena, "job-left")
    street.numbers = iter([1])  # the same call again, because its answer was lost
    assert await street.ask_for_product(PARTS) == first
    assert (await street.job("job-left")).state == v1.JOB_STATE_DONE
