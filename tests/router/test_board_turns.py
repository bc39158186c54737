# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which jobs wait, in which turn, and what lies with shops for each requester."""

from __future__ import annotations

import pytest
from google.protobuf.duration_pb2 import Duration
from router_street import Garage, Street, event

from commonfab import v1
from commonfab.errors import Refused
from commonfab.reasons import reason
from router.board import Lot
from router.board_reading import list_jobs, read_jobs

HOUR = 3600


async def turns(street: Street) -> list[str]:
    return [waiting.id for waiting in await street.waiting()]


async def placed(street: Street, requester: str = "anna") -> float:
    """Machine minutes that count for a requester, as the board tells them with a job that waits."""
    asked = await street.ask(1, requester=requester)
    (minutes,) = [waiting.placed_minutes for waiting in await street.waiting() if waiting.id == asked]
    await street.board.cancel_job(asked)
    return minutes


async def test_the_oldest_comes_first_and_an_urgent_one_passes_a_day_of_waiting_but_no_more(street: Street) -> None:
    old = await street.ask()
    street.clock.advance(23 * HOUR)
    urgent = await street.ask(urgency=v1.URGENCY_URGENT)
    assert await turns(street) == [urgent, old]
    street.clock.advance(2 * HOUR)
    late = await street.ask(urgency=v1.URGENCY_URGENT)
    assert await turns(street) == [urgent, old, late]


async def test_a_job_for_whenever_it_is_convenient_waits_three_days_and_then_no_longer(street: Street) -> None:
    whenever = await street.ask(urgency=v1.URGENCY_WHEN_CONVENIENT)
    street.clock.advance(71 * HOUR)
    usual = await street.ask()
    assert await turns(street) == [usual, whenever]
    street.clock.advance(2 * HOUR)
    later = await street.ask()
    assert await turns(street) == [usual, whenever, later]


async def test_a_waiting_job_says_all_that_its_turn_depends_on(street: Street) -> None:
    await street.ask(7, urgency=v1.URGENCY_URGENT, needed_in=Duration(seconds=2 * HOUR))
    (waiting,) = await street.waiting()
    now = int(street.clock.now() * 1000)
    assert (waiting.requester, waiting.requested_ms, waiting.urgency) == ("anna", now, v1.URGENCY_URGENT)
    assert (waiting.needed_ms, waiting.unplaced, waiting.placed_minutes) == (now + 2 * HOUR * 1000, 7, 0)
    known = await street.known()
    assert known.needed_ms == now + 2 * HOUR * 1000
    assert known.job.needed_by.ToMilliseconds() == known.needed_ms


async def test_a_job_without_a_deadline_has_none(street: Street) -> None:
    await street.ask()
    assert (await street.waiting())[0].needed_ms is None
    assert not (await street.job()).HasField("needed_by")


async def test_a_job_whose_pieces_all_have_a_shop_waits_no_more_until_some_come_back(street: Street) -> None:
    await street.call(Garage("lena"))
    await street.ask()
    await street.offer("job-0001", await street.lot("order-1", ["lena"], 3))
    assert [waiting.unplaced for waiting in await street.waiting()] == [2]
    await street.offer("job-0001", await street.lot("order-2", ["lena"], 2))
    assert await turns(street) == []
    await street.board.decline("order-2", "lena")
    assert [waiting.unplaced for waiting in await street.waiting()] == [2]


async def test_an_offered_order_counts_for_its_requester_with_the_minutes_of_the_best_placed_and_then_of_who_takes_it(
    street: Street,
) -> None:
    for name in ("lena", "shed", "cellar"):
        await street.call(Garage(name))
    await street.ask()
    minutes = {"lena": 100.0, "shed": 200.5, "cellar": 400.25}
    asked = [(await street.lot("order-1", [name], minutes=taken)).asked[0] for name, taken in minutes.items()]
    await street.offer("job-0001", Lot("order-1", 5, tuple(asked)))
    assert await placed(street) == 100.0
    assert await placed(street, "bert") == 0
    await street.board.decline("order-1", "lena")
    assert await placed(street) == 200.5
    await street.board.accept("order-1", "cellar", 60_000)
    assert await placed(street) == 400.25


@pytest.mark.parametrize("end", ["complete", "release", "silence", "withdraw", "cancel", "elsewhere"])
async def test_nothing_counts_for_a_requester_once_it_has_ended_however_it_ended(street: Street, end: str) -> None:
    lena = Garage("lena")
    attempt = await street.accepted(lena)
    assert await placed(street) == 150
    if end in ("complete", "elsewhere"):
        await street.start(lena, attempt)
    if end == "complete":
        await street.complete(lena, attempt, 5)
    elif end == "release":
        await street.call(lena, event(release=v1.Release(attempt=attempt)))
    elif end == "withdraw":
        await street.board.withdraw_order(attempt.work_order_id)
    elif end == "cancel":
        await street.board.cancel_job("job-0001")
    else:
        await street.pass_time(61)
    if end == "elsewhere":
        assert await placed(street) == 150
        await street.board.make_rest_elsewhere(attempt.work_order_id)
    assert await placed(street) == 0
    assert await street.board.redis.hgetall(street.board.key("placed")) == {}


async def test_jobs_are_read_many_at_once_in_the_order_asked_for_and_those_that_are_gone_are_left_out(street: Street) -> None:
    ids = [await street.ask() for _ in range(230)]
    found = await read_jobs(street.board, [*reversed(ids), "job-none"])
    assert list(found) == ids[::-1]
    assert await read_jobs(street.board, []) == {}


async def test_jobs_of_one_millisecond_are_listed_page_by_page_without_a_gap(street: Street) -> None:
    ids = [await street.ask() for _ in range(55)]
    listed: list[str] = []
    while page := await list_jobs(street.board, "anna", listed[-1] if listed else "", 7):
        listed += page
    assert sorted(listed) == ids and len(set(listed)) == 55
    with pytest.raises(Refused, match="page"):
        await list_jobs(street.board, "anna", "job-none", 7)


async def test_a_job_with_a_question_does_not_wait_for_shops_until_it_is_confirmed(street: Street) -> None:
    await street.ask(questions=[reason("job.cancelled")])
    known = await street.known()
    assert (known.job.state, [asked.code for asked in known.questions]) == (v1.JOB_STATE_HELD, ["job.cancelled"])
    assert await turns(street) == []
    await street.board.confirm_job("job-0001")
    assert await turns(street) == ["job-0001"]
    with pytest.raises(Refused) as refused:
        await street.board.confirm_job("job-0001")
    assert refused.value.code == "job.not_held"
