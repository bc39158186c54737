# SPDX-License-Identifier: AGPL-3.0-or-later
"""A lot is put before several shops: the first that accepts gets it, and nobody is asked on a plan that is out of date."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from router_street import Garage, Street, event, printer

from commonfab import v1
from commonfab.errors import Refused
from router.board import Lot

THREE = ("lena", "shed", "cellar")


async def three_asked(street: Street, pieces: int = 5) -> dict[str, Garage]:
    """One lot of one job, and three shops that are asked about it."""
    garages = {name: Garage(name) for name in THREE}
    for garage in garages.values():
        await street.call(garage)
    await street.ask(pieces)
    lot = await street.lot("order-1", THREE, pieces)
    assert (await street.offer("job-0001", replace(lot, standby="attic"))).placed == (True,)
    return garages


async def test_everybody_who_is_asked_sees_the_offer_and_the_requester_sees_whom_it_was_put_to(street: Street) -> None:
    await three_asked(street)
    order = (await street.job()).work_orders[0]
    assert [await street.offered(name) for name in THREE] == [["order-1"]] * 3
    assert (list(order.asked_shop_ids), order.shop_id, order.standby_shop_id) == (list(THREE), "lena", "attic")
    assert order.expected.ToTimedelta().total_seconds() == 5 * 30 * 60


async def test_the_first_that_accepts_gets_it_and_the_others_are_free_and_not_passed_over(street: Street) -> None:
    await three_asked(street)
    await street.board.accept("order-1", "cellar", 60_000)
    known = await street.known()
    order = known.job.work_orders[0]
    assert (order.shop_id, list(order.asked_shop_ids), known.passed) == ("cellar", [], {})
    assert [await street.offered(name) for name in THREE] == [[], [], []]
    assert [dict((await street.shop(name)).queued_minutes) for name in THREE] == [{}, {}, {"mk3": 150.0}]

    with pytest.raises(Refused) as late:
        await street.board.accept("order-1", "lena", 60_000)
    assert late.value.code == "offer.gone"


async def test_of_many_that_accept_at_once_one_gets_it(street: Street) -> None:
    await three_asked(street)
    answers = await asyncio.gather(*(street.board.accept("order-1", name, 60_000) for name in THREE * 3), return_exceptions=True)
    taken = {(answer.number, answer.epoch) for answer in answers if isinstance(answer, v1.AttemptRef)}
    assert len(taken) == 1
    assert sum(isinstance(answer, v1.AttemptRef) for answer in answers) == 3  # the same shop may ask as often as it likes


async def test_a_shop_that_was_not_asked_can_neither_take_nor_decline(street: Street) -> None:
    await three_asked(street)
    for answer in (street.board.accept("order-1", "attic", 60_000), street.board.decline("order-1", "attic")):
        with pytest.raises(Refused) as refused:
            await answer
        assert refused.value.code == "offer.other_shop"


async def test_one_that_declines_leaves_the_offer_with_the_others(street: Street) -> None:
    await three_asked(street)
    await street.board.decline("order-1", "lena")
    await street.board.decline("order-1", "lena")  # its receipt was lost
    known = await street.known()
    order = known.job.work_orders[0]
    assert (order.state, order.shop_id, list(order.asked_shop_ids)) == (v1.WORK_ORDER_STATE_OFFERED, "shed", ["shed", "cellar"])
    assert known.passed == {"lena": "declined"}
    assert (await street.shop("lena")).queued_minutes == {}
    with pytest.raises(Refused) as refused:
        await street.board.accept("order-1", "lena", 60_000)
    assert refused.value.code == "offer.gone"


async def test_when_the_last_has_declined_the_pieces_are_free_again(street: Street) -> None:
    await three_asked(street)
    for name in THREE:
        await street.board.decline("order-1", name)
    job = await street.job()
    assert (job.work_orders[0].state, job.pieces_unplaced) == (v1.WORK_ORDER_STATE_DECLINED, 5)
    await street.board.decline("order-1", "lena")  # late and twice: no error


async def test_when_nobody_answers_all_that_were_still_asked_are_noted_and_who_declined_stays_declined(street: Street) -> None:
    await three_asked(street)
    await street.board.decline("order-1", "shed")
    await street.pass_time(601)
    known = await street.known()
    assert known.job.work_orders[0].state == v1.WORK_ORDER_STATE_EXPIRED
    assert known.passed == {"lena": "unanswered", "shed": "declined", "cellar": "unanswered"}


async def test_who_declined_one_lot_and_let_another_run_out_has_still_declined(street: Street) -> None:
    await street.call(Garage("lena"))
    await street.ask(5)
    first, second = await street.lot("order-1", ["lena"], 2), await street.lot("order-2", ["lena"], 3)
    assert (await street.offer("job-0001", first, second)).placed == (True, True)
    await street.board.decline("order-1", "lena")
    await street.pass_time(601)
    assert (await street.known()).passed == {"lena": "declined"}


async def test_who_did_not_answer_is_asked_only_when_the_plan_says_so(street: Street) -> None:
    lena = Garage("lena")
    await street.call(lena)
    await street.ask()
    await street.offer("job-0001", await street.lot("order-1", ["lena"]))
    await street.pass_time(601)
    assert (await street.offer("job-0001", await street.lot("order-2", ["lena"]))).placed == (False,)
    assert (await street.offer("job-0001", await street.lot("order-3", ["lena"], again=True))).placed == (True,)


async def test_work_that_is_only_offered_counts_for_every_shop_that_is_asked_as_its_own_machine_would_take(street: Street) -> None:
    await street.call(Garage("lena"))
    await street.call(Garage("shed"))
    await street.ask(5)
    slow, fast = await street.lot("order-1", ["lena"], minutes=400.0), await street.lot("order-1", ["shed"], minutes=100.0)
    await street.offer("job-0001", Lot("order-1", 5, (*fast.asked, *slow.asked)))
    assert (await street.shop("lena")).queued_minutes == {"mk3": 400.0}
    assert (await street.shop("shed")).queued_minutes == {"mk3": 100.0}


async def test_of_two_plans_on_the_same_picture_the_second_is_out_of_date(street: Street) -> None:
    await street.call(Garage("lena"))
    await street.call(Garage("shed"))
    await street.ask(5)
    await street.ask(5)
    first = await street.lot("order-1", ["lena", "shed"], job_id="job-0001")
    second = await street.lot("order-2", ["shed"], job_id="job-0002")
    assert (await street.offer("job-0001", first)).placed == (True,)
    assert (await street.offer("job-0002", second)).placed == (False,)
    assert (await street.job("job-0002")).pieces_unplaced == 5
    assert (await street.offer("job-0002", await street.lot("order-3", ["shed"], job_id="job-0002"))).placed == (True,)


async def test_a_plan_goes_on_with_the_sequences_that_it_was_answered(street: Street) -> None:
    await street.call(Garage("lena"))
    await street.ask(5)
    await street.ask(5)
    second = await street.lot("order-2", ["lena"], job_id="job-0002")
    answer = await street.offer("job-0001", await street.lot("order-1", ["lena"]))
    fresh = replace(second, asked=(replace(second.asked[0], sequence=answer.sequences["lena"]),))
    assert (await street.offer("job-0002", fresh)).placed == (True,)


async def test_several_lots_of_one_plan_may_go_to_one_shop(street: Street) -> None:
    await street.call(Garage("lena", machines=[printer("mk3"), printer("mini")]))
    await street.ask(5)
    lots = (await street.lot("order-1", ["lena"], 3), await street.lot("order-2", ["lena"], 2, machine="mini"))
    answer = await street.offer("job-0001", *lots)
    assert answer.placed == (True, True)
    known = await street.shop("lena")
    assert known.queued_minutes == {"mk3": 90.0, "mini": 60.0}
    assert answer.sequences == {"lena": known.sequence}


async def test_no_more_is_offered_than_there_is(street: Street) -> None:
    await street.call(Garage("lena"))
    await street.call(Garage("shed"))
    await street.ask(5)
    lots = (await street.lot("order-1", ["lena"], 3), await street.lot("order-2", ["shed"], 3))
    assert (await street.offer("job-0001", *lots)).placed == (True, False)
    assert (await street.job()).pieces_unplaced == 2
    assert await street.offered("shed") == []


async def test_offering_again_because_the_answer_was_lost_offers_once(street: Street) -> None:
    await street.call(Garage("lena"))
    await street.ask(5)
    lot = await street.lot("order-1", ["lena"], 5)
    assert (await street.offer("job-0001", lot)).placed == (True,)
    assert (await street.offer("job-0001", lot)).placed == (True,)
    job = await street.job()
    assert (len(job.work_orders), job.pieces_unplaced) == (1, 0)


async def test_nothing_is_offered_of_a_job_that_is_not_there_nor_to_a_shop_that_never_called(street: Street) -> None:
    await street.call(Garage("lena"))
    await street.ask(5)
    lot = await street.lot("order-1", ["lena"], 5)
    assert (await street.offer("job-9", lot)).placed == (False,)
    stranger = replace(lot, asked=(replace(lot.asked[0], shop_id="attic"),))
    assert (await street.offer("job-0001", stranger)).placed == (False,)
    assert (await street.offer("job-0001", replace(lot, asked=()))).placed == (False,)


async def test_a_shop_that_closes_is_asked_no_more_and_keeps_what_it_accepted(street: Street) -> None:
    garages = await three_asked(street)
    await street.ask(2)
    await street.offer("job-0002", await street.lot("order-2", ["lena"], 2, "job-0002"))
    attempt = await street.board.accept("order-2", "lena", 60_000)
    garages["lena"].closed = "on holiday"
    answer = await street.call(garages["lena"])
    assert not answer.offers
    known = await street.known()
    assert (list(known.job.work_orders[0].asked_shop_ids), known.passed) == (["shed", "cellar"], {})
    assert (await street.job("job-0002")).work_orders[0].attempt == attempt
    assert (await street.offer("job-0001", await street.lot("order-3", ["lena"]))).placed == (False,)


async def test_when_the_only_one_asked_closes_the_offer_is_withdrawn_and_it_may_be_asked_again_when_it_opens(street: Street) -> None:
    lena = Garage("lena")
    await street.call(lena)
    await street.ask(5)
    await street.offer("job-0001", await street.lot("order-1", ["lena"]))
    lena.closed = "on holiday"
    await street.call(lena)
    job = await street.job()
    assert (job.work_orders[0].state, job.pieces_unplaced) == (v1.WORK_ORDER_STATE_EXPIRED, 5)
    assert [why.code for why in job.work_orders[0].reasons] == ["offer.withdrawn"]
    lena.closed = ""
    await street.call(lena)
    assert (await street.offer("job-0001", await street.lot("order-2", ["lena"]))).placed == (True,)


@pytest.mark.parametrize("state", [v1.MACHINE_STATE_OUT_OF_ORDER, v1.MACHINE_STATE_MAINTENANCE])
async def test_offers_for_a_machine_that_is_out_of_service_are_withdrawn_and_those_for_others_stand(
    street: Street, state: v1.MachineState.ValueType
) -> None:
    lena = Garage("lena", machines=[printer("mk3"), printer("mini")])
    await street.call(lena)
    await street.ask(5)
    await street.offer("job-0001", await street.lot("order-1", ["lena"], 3), await street.lot("order-2", ["lena"], 2, machine="mini"))
    lena.machines[0].state = state
    await street.call(lena)
    assert await street.offered("lena") == ["order-2"]
    assert (await street.job()).pieces_unplaced == 3


async def test_a_machine_that_is_only_away_for_a_moment_keeps_its_offers(street: Street) -> None:
    lena = Garage("lena")
    await street.call(lena)
    await street.ask(5)
    await street.offer("job-0001", await street.lot("order-1", ["lena"]))
    lena.machines[0].state = v1.MACHINE_STATE_OFFLINE
    await street.call(lena)
    assert await street.offered("lena") == ["order-1"]


async def test_an_accept_that_comes_after_the_shop_closed_finds_the_offer_gone(street: Street) -> None:
    garages = await three_asked(street)
    garages["lena"].closed = "on holiday"
    await street.call(garages["lena"])
    answer = await street.call(garages["lena"], event(accept=v1.Accept(work_order_id="order-1")))
    assert answer.receipts[0].refusal.reason.code == "offer.gone"
