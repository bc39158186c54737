# SPDX-License-Identifier: AGPL-3.0-or-later
"""The life of work on the board, on a real Redis, with the clock in the test's hand."""

from __future__ import annotations

import asyncio

import pytest
from router_street import Garage, Street, event, status

from commonfab import v1
from commonfab.errors import Refused
from router.board_reading import read_offers


async def test_a_job_is_offered_accepted_started_reported_and_done(street: Street) -> None:
    lena = Garage("lena")
    attempt = await street.started(lena)
    job = await street.job()
    assert job.work_orders[0].state == v1.WORK_ORDER_STATE_RUNNING

    answer = await street.call(lena, event(complete=v1.Complete(signed=lena.report(street, attempt, job, 5))))

    assert not answer.receipts[0].HasField("refusal")
    job = await street.job()
    assert (job.state, job.pieces_good, job.work_orders[0].state) == (v1.JOB_STATE_DONE, 5, v1.WORK_ORDER_STATE_DONE)


async def test_every_lease_has_a_fence_that_no_lease_had_before(street: Street) -> None:
    lena = Garage("lena")
    await street.call(lena)
    for _ in range(3):
        await street.ask(1)
    await street.plan()
    epochs = [attempt.epoch for attempt in await street.accept_all(lena)]
    assert epochs == sorted(set(epochs)) and len(epochs) == 3


async def test_a_lost_receipt_costs_nothing_because_accepting_again_gives_the_same_attempt(street: Street) -> None:
    lena = Garage("lena")
    await street.call(lena)
    await street.ask()
    await street.plan()
    (first,) = await street.accept_all(lena)
    answer = await street.call(lena, event(accept=v1.Accept(work_order_id=first.work_order_id)))
    assert answer.receipts[0].attempt == first


async def test_a_declined_lot_goes_to_somebody_else_and_not_back(street: Street) -> None:
    lena, shed = Garage("lena"), Garage("shed", cell="871f1d489ffffff")
    await street.call(lena)
    await street.ask(1)
    await street.plan()
    (offer,) = (await read_offers(street.board, "lena")).offers
    await street.call(lena, event(decline=v1.Decline(work_order_id=offer.work_order_id)))
    await street.plan()
    assert not (await read_offers(street.board, "lena")).offers

    await street.call(shed)
    await street.plan()

    assert len((await read_offers(street.board, "shed")).offers) == 1
    assert not (await read_offers(street.board, "lena")).offers


async def test_a_declined_job_does_not_count_against_the_shop_at_the_next(street: Street) -> None:
    lena = Garage("lena")
    await street.call(lena)
    await street.ask(1)
    await street.plan()
    (offer,) = (await read_offers(street.board, "lena")).offers
    await street.call(lena, event(decline=v1.Decline(work_order_id=offer.work_order_id)))
    await street.ask(1)
    await street.plan()
    assert [offer.job_id for offer in (await read_offers(street.board, "lena")).offers] == ["job-0002"]


async def test_an_offer_without_an_answer_ends_and_can_be_taken_no_more(street: Street) -> None:
    lena = Garage("lena")
    await street.call(lena)
    await street.ask()
    await street.plan()
    (offer,) = (await read_offers(street.board, "lena")).offers
    await street.pass_time(601)
    answer = await street.call(lena, event(accept=v1.Accept(work_order_id=offer.work_order_id)))
    assert answer.receipts[0].refusal.reason.code == "offer.gone"
    assert (await street.job()).pieces_unplaced == 5


async def test_silence_before_the_start_offers_the_lot_again(street: Street) -> None:
    lena, shed = Garage("lena"), Garage("shed")
    await street.call(lena)
    await street.ask()
    await street.plan()
    (attempt,) = await street.accept_all(lena)
    await street.pass_time(61)
    assert (await street.job()).work_orders[0].state == v1.WORK_ORDER_STATE_RELEASED

    await street.call(shed)
    await street.plan()
    (taken,) = await street.accept_all(shed)
    late = await street.call(lena, event(start=v1.Start(attempt=attempt)), held=(status(attempt, v1.ATTEMPT_PHASE_PREPARING),))

    assert taken.epoch > attempt.epoch
    assert late.receipts[0].refusal.reason.code == "attempt.superseded"
    assert late.wishes[0].wish == v1.WISH_DROP
    assert (await street.board.refused_reports())["attempt.superseded"] == 1
    assert street.refused == ["attempt.superseded"]


async def test_silence_after_the_start_is_uncertain_and_nothing_is_offered_again(street: Street) -> None:
    lena, shed = Garage("lena"), Garage("shed")
    await street.started(lena)
    await street.call(shed)
    await street.pass_time(61)
    job = await street.job()
    assert job.work_orders[0].state == v1.WORK_ORDER_STATE_UNCERTAIN
    assert job.work_orders[0].reasons[0].code == "attempt.silent"

    await street.pass_time(100_000)
    await street.call(shed)
    await street.plan()

    assert len((await street.job()).work_orders) == 1
    assert await street.waiting() == []


async def test_an_uncertain_shop_that_comes_back_goes_on_where_it_was(street: Street) -> None:
    lena = Garage("lena")
    attempt = await street.started(lena)
    await street.pass_time(61)
    answer = await street.call(lena, held=(status(attempt, good=2),))
    assert answer.wishes[0].wish == v1.WISH_GO_ON
    order = (await street.job()).work_orders[0]
    assert (order.state, order.pieces_good) == (v1.WORK_ORDER_STATE_RUNNING, 2)


async def test_only_the_remaining_pieces_are_made_elsewhere_and_the_old_report_is_refused(street: Street) -> None:
    lena, shed = Garage("lena"), Garage("shed")
    attempt = await street.started(lena)
    await street.call(lena, held=(status(attempt, good=2),))
    await street.pass_time(61)
    await street.board.make_rest_elsewhere(attempt.work_order_id)
    await street.call(shed)
    await street.plan()
    assert [offer.quantity for offer in (await read_offers(street.board, "shed")).offers] == [3]

    report = lena.report(street, attempt, await street.job(), 5)
    late = await street.call(lena, event(complete=v1.Complete(signed=report)), held=(status(attempt, good=5),))

    assert late.receipts[0].refusal.reason.code == "attempt.superseded"
    assert late.wishes[0].wish == v1.WISH_DROP
    assert (await street.job()).pieces_good == 2


async def test_only_an_uncertain_lot_can_be_made_elsewhere(street: Street) -> None:
    attempt = await street.started(Garage("lena"))
    with pytest.raises(Refused, match=r"not uncertain"):
        await street.board.make_rest_elsewhere(attempt.work_order_id)


async def test_the_same_report_twice_counts_once_and_says_so(street: Street) -> None:
    lena = Garage("lena")
    attempt = await street.started(lena)
    report = event(complete=v1.Complete(signed=lena.report(street, attempt, await street.job(), 5)))
    await street.call(lena, report)
    answer = await street.call(lena, report)
    assert answer.receipts[0].refusal.reason.code == "attempt.reported"
    assert await street.board.redis.xlen(street.board.key("done")) == 1


async def test_scrapped_pieces_are_offered_again(street: Street) -> None:
    lena = Garage("lena")
    attempt = await street.started(lena)
    report = lena.report(street, attempt, await street.job(), good=3, scrap=2)
    await street.call(lena, event(complete=v1.Complete(signed=report)))
    await street.plan()
    assert [offer.quantity for offer in (await read_offers(street.board, "lena")).offers] == [2]


async def test_a_shop_that_failed_is_not_asked_for_the_same_job_again(street: Street) -> None:
    lena = Garage("lena")
    attempt = await street.started(lena)
    report = lena.report(street, attempt, await street.job(), good=1)
    await street.call(lena, event(fail=v1.Fail(signed=report)))
    await street.plan()
    job = await street.job()
    assert (job.pieces_unplaced, job.pieces_good, len(job.work_orders)) == (4, 1, 1)


async def test_a_report_for_more_pieces_than_the_lot_is_refused(street: Street) -> None:
    lena = Garage("lena")
    attempt = await street.started(lena)
    answer = await street.call(lena, event(complete=v1.Complete(signed=lena.report(street, attempt, await street.job(), 6))))
    assert answer.receipts[0].refusal.reason.code == "report.mismatch"
    assert (await street.job()).work_orders[0].state == v1.WORK_ORDER_STATE_RUNNING


async def test_what_has_started_cannot_be_given_back_as_if_nothing_had_moved(street: Street) -> None:
    lena = Garage("lena")
    attempt = await street.started(lena)
    answer = await street.call(lena, event(release=v1.Release(attempt=attempt)))
    assert answer.receipts[0].refusal.reason.code == "attempt.started"


async def test_a_report_without_leave_to_start_is_refused(street: Street) -> None:
    lena = Garage("lena")
    await street.call(lena)
    await street.ask()
    await street.plan()
    (attempt,) = await street.accept_all(lena)
    answer = await street.call(lena, event(complete=v1.Complete(signed=lena.report(street, attempt, await street.job(), 5))))
    assert answer.receipts[0].refusal.reason.code == "attempt.not_started"


async def test_withdrawing_ends_what_has_not_started_and_stops_what_runs_and_keeps_what_was_made(street: Street) -> None:
    lena = Garage("lena")
    attempt = await street.started(lena)
    await street.board.cancel_job("job-0001")
    answer = await street.call(lena, held=(status(attempt, good=1),))
    assert answer.wishes[0].wish == v1.WISH_STOP

    receipt = (await street.call(lena, event(fail=v1.Fail(signed=lena.report(street, attempt, await street.job(), 1))))).receipts[0]

    assert not receipt.HasField("refusal")
    job = await street.job()
    assert (job.state, job.pieces_good, job.pieces_unplaced) == (v1.JOB_STATE_CANCELLED, 1, 0)
    assert await street.board.redis.xlen(street.board.key("done")) == 1


async def test_a_withdrawn_job_cannot_be_started(street: Street) -> None:
    lena = Garage("lena")
    await street.call(lena)
    await street.ask()
    await street.plan()
    (attempt,) = await street.accept_all(lena)
    await street.board.cancel_job("job-0001")
    answer = await street.call(lena, event(start=v1.Start(attempt=attempt)), held=(status(attempt, v1.ATTEMPT_PHASE_PREPARING),))
    assert answer.receipts[0].refusal.reason.code == "job.cancelled"
    assert answer.wishes[0].wish == v1.WISH_STOP


async def test_one_wish_sent_twice_is_one_job_and_two_wishes_are_two(street: Street) -> None:
    first = await street.ask(once="monday")
    assert await street.ask(once="monday") == first
    assert await street.ask(once="tuesday") != first
    assert await street.ask() != await street.ask()


async def test_the_same_key_of_another_requester_is_another_wish(street: Street) -> None:
    assert await street.ask(once="k", requester="anna") != await street.ask(once="k", requester="bert")


async def test_two_routers_that_plan_the_same_job_offer_each_piece_once(street: Street) -> None:
    garages = [Garage(f"shop-{number}") for number in range(4)]
    for garage in garages:
        await street.call(garage)
    await street.ask(10)
    await asyncio.gather(*(street.plan() for _ in range(4)))
    job = await street.job()
    assert sum(order.quantity for order in job.work_orders) == 10
    assert job.pieces_unplaced == 0


async def test_a_shop_that_comes_with_another_key_is_refused_and_changes_nothing_on_the_board(street: Street) -> None:
    await street.call(Garage("lena"))
    before = await street.shop("lena")
    with pytest.raises(Refused) as refused:
        await street.call(Garage("lena", closed="for ever"))
    assert refused.value.code == "shop.key_changed"
    assert await street.shop("lena") == before


async def test_a_redis_that_has_forgotten_the_scripts_is_told_them_again(street: Street) -> None:
    await street.call(Garage("lena"))
    await street.board.redis.script_flush()
    await street.ask()
    assert await street.plan() == [True]
