# SPDX-License-Identifier: AGPL-3.0-or-later
"""The requester takes one lot back, in every state that it can be in, and the job goes on."""

from __future__ import annotations

import pytest
from router_street import Garage, Street, event, status

from commonfab import v1
from commonfab.errors import Refused


async def refusal(street: Street, order_id: str) -> str:
    with pytest.raises(Refused) as refused:
        await street.board.withdraw_order(order_id)
    return refused.value.code


async def test_a_lot_that_is_only_offered_ends_for_all_that_were_asked_and_goes_to_others(street: Street) -> None:
    for name in ("lena", "shed"):
        await street.call(Garage(name))
    await street.ask()
    await street.offer("job-0001", await street.lot("order-1", ["lena", "shed"]))
    await street.board.withdraw_order("order-1")
    await street.board.withdraw_order("order-1")  # twice is no error
    job = await street.job()
    assert (job.state, job.work_orders[0].state, job.pieces_unplaced) == (v1.JOB_STATE_WAITING, v1.WORK_ORDER_STATE_CANCELLED, 5)
    assert await street.offered("lena") == await street.offered("shed") == []
    assert await street.plan() == []  # not to those that it was taken from
    await street.call(Garage("cellar"))
    assert await street.plan() == [True]


async def test_a_lot_that_was_accepted_ends_and_its_shop_is_told_and_cannot_start(street: Street) -> None:
    lena = Garage("lena")
    attempt = await street.accepted(lena)
    await street.board.withdraw_order(attempt.work_order_id)
    answer = await street.call(lena, event(start=v1.Start(attempt=attempt)), held=(status(attempt, v1.ATTEMPT_PHASE_PREPARING),))
    assert answer.receipts[0].refusal.reason.code == "order.withdrawn"
    assert answer.wishes[0].wish == v1.WISH_STOP
    known = await street.known()
    assert (known.job.state, known.job.pieces_unplaced, known.passed) == (v1.JOB_STATE_WAITING, 5, {"lena": "tried"})


async def test_a_lot_that_runs_is_asked_to_stop_and_only_its_rest_goes_to_others_when_it_has_reported(street: Street) -> None:
    lena = Garage("lena")
    attempt = await street.started(lena)
    await street.board.withdraw_order(attempt.work_order_id)
    version = (await street.known()).version
    await street.board.withdraw_order(attempt.work_order_id)
    assert (await street.known()).version == version  # twice changes nothing
    job = await street.job()
    assert (job.pieces_unplaced, job.work_orders[0].state) == (0, v1.WORK_ORDER_STATE_RUNNING)

    answer = await street.call(lena, held=(status(attempt, good=1),))
    assert answer.wishes[0].wish == v1.WISH_STOP
    report = lena.report(street, attempt, job, 2)
    receipt = (await street.call(lena, event(fail=v1.Fail(signed=report)))).receipts[0]

    assert not receipt.HasField("refusal")
    job = await street.job()
    assert (job.state, job.pieces_good, job.pieces_unplaced) == (v1.JOB_STATE_WAITING, 2, 3)
    assert await street.plan() == []  # lena is not asked again
    assert await street.board.redis.xlen(street.board.key("done")) == 1


async def test_a_lot_that_is_uncertain_stays_so_and_its_shop_is_told_to_stop_when_it_is_back(street: Street) -> None:
    lena = Garage("lena")
    attempt = await street.started(lena)
    await street.pass_time(61)
    await street.board.withdraw_order(attempt.work_order_id)
    job = await street.job()
    assert (job.work_orders[0].state, job.pieces_unplaced) == (v1.WORK_ORDER_STATE_UNCERTAIN, 0)
    answer = await street.call(lena, held=(status(attempt),))
    assert answer.wishes[0].wish == v1.WISH_STOP


async def test_what_is_uncertain_and_withdrawn_can_still_be_made_elsewhere(street: Street) -> None:
    lena = Garage("lena")
    attempt = await street.started(lena)
    await street.board.withdraw_order(attempt.work_order_id)
    await street.pass_time(61)
    await street.board.make_rest_elsewhere(attempt.work_order_id)
    job = await street.job()
    assert (job.work_orders[0].state, job.pieces_unplaced) == (v1.WORK_ORDER_STATE_SUPERSEDED, 5)
    answer = await street.call(lena, held=(status(attempt),))
    assert answer.wishes[0].wish == v1.WISH_DROP


async def test_a_shop_whose_leave_to_start_was_lost_still_gets_it_so_that_it_can_report(street: Street) -> None:
    lena = Garage("lena")
    attempt = await street.started(lena)
    await street.board.withdraw_order(attempt.work_order_id)
    again = await street.call(lena, event(start=v1.Start(attempt=attempt)), held=(status(attempt),))
    assert not again.receipts[0].HasField("refusal")
    assert again.wishes[0].wish == v1.WISH_STOP


async def test_a_whole_job_that_is_withdrawn_leaves_the_same_way_open(street: Street) -> None:
    lena = Garage("lena")
    attempt = await street.started(lena)
    await street.board.cancel_job("job-0001")
    again = await street.call(lena, event(start=v1.Start(attempt=attempt)), held=(status(attempt),))
    assert not again.receipts[0].HasField("refusal")
    assert again.wishes[0].wish == v1.WISH_STOP
    assert not (await street.complete(lena, attempt, 0)).HasField("refusal")
    assert await street.board.redis.pttl(street.board.key("job", "job-0001")) > 0  # over, and forgotten in time


async def test_what_has_ended_cannot_be_taken_back(street: Street) -> None:
    lena = Garage("lena")
    attempt = await street.started(lena)
    await street.complete(lena, attempt, 5)
    assert await refusal(street, attempt.work_order_id) == "order.ended"
    assert await refusal(street, "order-9") == "order.unknown"


async def test_what_a_shop_gave_back_cannot_be_taken_back(street: Street) -> None:
    lena = Garage("lena")
    attempt = await street.accepted(lena)
    await street.call(lena, event(release=v1.Release(attempt=attempt)))
    assert await refusal(street, attempt.work_order_id) == "order.ended"


async def test_withdrawing_the_job_after_the_lot_waits_for_the_report_all_the_same(street: Street) -> None:
    lena = Garage("lena")
    attempt = await street.started(lena)
    await street.board.withdraw_order(attempt.work_order_id)
    await street.board.cancel_job("job-0001")
    assert not (await street.complete(lena, attempt, 1)).HasField("refusal")
    job = await street.job()
    assert (job.state, job.pieces_good, job.pieces_unplaced) == (v1.JOB_STATE_CANCELLED, 1, 0)
