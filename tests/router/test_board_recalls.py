# SPDX-License-Identifier: AGPL-3.0-or-later
"""A revision is recalled: nothing more of it is offered or begun, and every shop that made it or holds work of it hears so."""

from __future__ import annotations

import pytest
from router_street import Garage, Street, event, gear, status

from commonfab import v1
from commonfab.errors import Refused
from commonfab.reasons import reason
from router import explain
from router.board import NewJob
from router.board_changes import read_shops
from router.board_reading import read_offers
from router.matching import Match
from router.recalls import notices

RECALL = v1.Recall(revision_digest="rev", reason="the hook breaks", instead="b" * 64)


async def recall(street: Street, **made: v1.RecallNotice) -> None:
    await street.board.recall(RECALL, "Gear", made)


async def told(street: Street, shop: str) -> list[v1.RecallNotice]:
    return list((await read_offers(street.board, shop)).recalls)


async def test_what_is_only_offered_vanishes_and_nothing_of_the_job_is_offered_again(street: Street) -> None:
    await street.call(Garage("lena"))
    await street.ask()
    await street.plan()
    assert await street.offered("lena")

    await recall(street)

    job = await street.job()
    assert (job.state, job.pieces_unplaced, job.work_orders[0].state) == (v1.JOB_STATE_HELD, 5, v1.WORK_ORDER_STATE_CANCELLED)
    assert [why.code for why in job.work_orders[0].reasons] == ["order.recalled"]
    await street.call(Garage("shed"))
    assert await street.offered("lena") == [] and await street.plan() == []
    assert await told(street, "lena") == []  # it took nothing


async def test_the_requester_is_told_why_and_what_to_ask_for_instead_and_can_only_withdraw(street: Street) -> None:
    await street.ask(questions=[reason("units.suspect_inch")])
    await recall(street)
    known = await street.known()
    assert known.job.recall.instead == "b" * 64
    (_, why) = explain.waiting_for(known, Match((), ()))
    assert (why.code, why.subject) == ("revision.recalled", f"the hook breaks; make revision {'b' * 64} instead")
    with pytest.raises(Refused) as refused:
        await street.board.confirm_job("job-0001")
    assert refused.value.code == "job.recalled"
    await street.board.cancel_job("job-0001")
    assert (await street.job()).state == v1.JOB_STATE_CANCELLED


async def test_what_was_accepted_is_told_to_stop_and_gets_no_leave_to_start(street: Street) -> None:
    lena = Garage("lena")
    attempt = await street.accepted(lena)
    before = (await read_offers(street.board, "lena")).version
    await recall(street)
    assert (await read_offers(street.board, "lena")).version > before  # so that a call that is held is answered
    answer = await street.call(lena, event(start=v1.Start(attempt=attempt)), held=(status(attempt, v1.ATTEMPT_PHASE_PREPARING),))
    assert answer.receipts[0].refusal.reason.code == "order.recalled"
    assert answer.wishes[0].wish == v1.WISH_STOP
    assert [one.recall.reason for one in await told(street, "lena")] == ["the hook breaks"]


async def test_what_runs_is_told_to_stop_and_may_still_report(street: Street) -> None:
    lena = Garage("lena")
    attempt = await street.started(lena)
    await recall(street)
    assert (await street.job()).work_orders[0].state == v1.WORK_ORDER_STATE_RUNNING
    answer = await street.call(lena, held=(status(attempt, good=2),))
    assert answer.wishes[0].wish == v1.WISH_STOP

    report = lena.report(street, attempt, await street.job(), 2)
    receipt = (await street.call(lena, event(fail=v1.Fail(signed=report)))).receipts[0]

    assert not receipt.HasField("refusal")
    job = await street.job()
    assert (job.state, job.pieces_good, job.pieces_unplaced) == (v1.JOB_STATE_HELD, 2, 3)
    await street.call(Garage("shed"))
    assert await street.plan() == []


async def test_a_job_whose_last_piece_was_made_while_it_was_stopped_is_done(street: Street) -> None:
    lena = Garage("lena")
    attempt = await street.started(lena)
    await recall(street)
    assert not (await street.complete(lena, attempt, 5)).HasField("refusal")
    job = await street.job()
    assert (job.state, job.recall.reason) == (v1.JOB_STATE_DONE, "the hook breaks")


async def test_who_is_silent_while_it_may_be_running_is_told_to_stop_when_it_is_back(street: Street) -> None:
    lena = Garage("lena")
    attempt = await street.started(lena)
    await street.pass_time(61)
    await recall(street)
    await street.pass_time(14 * 24 * 3600)
    assert (await street.job()).work_orders[0].state == v1.WORK_ORDER_STATE_UNCERTAIN
    with pytest.raises(Refused) as refused:  # it must hear that it has to stop, so it keeps the lot
        await street.board.make_rest_elsewhere(attempt.work_order_id)
    assert refused.value.code == "order.recalled"
    assert (await street.call(lena, held=(status(attempt),))).wishes[0].wish == v1.WISH_STOP
    assert len(await told(street, "lena")) == 1


async def test_the_requester_of_what_is_done_is_told_too_and_so_is_the_shop_until_it_has_seen_it(street: Street) -> None:
    lena = Garage("lena")
    await street.complete(lena, await street.started(lena), 5)
    work = v1.CompletedWork(
        attempt=v1.AttemptRef(work_order_id="order-1"), job_id="job-0001", shop_id="lena", part_name="gear", pieces_good=5
    )
    await recall(street, **notices(RECALL, "Gear", [work]))

    known = await street.known()
    assert known.job.state == v1.JOB_STATE_DONE
    assert [why.code for why in explain.waiting_for(known, Match((), ()))] == ["revision.recalled"]
    (notice,) = await told(street, "lena")
    assert [(one.job_id, one.pieces_good) for one in notice.made] == [("job-0001", 5)]

    await street.board.seen_recalls("lena", ["rev"])
    assert await told(street, "lena") == []
    await recall(street, **notices(RECALL, "Gear", [work]))  # another router, or the same after a restart
    assert await told(street, "lena") == []


async def test_a_shop_that_this_board_never_heard_is_told_when_it_first_calls(street: Street) -> None:
    await recall(street, old=v1.RecallNotice(recall=RECALL))
    assert await read_shops(street.board) == []  # nobody plans with a shop that is only a name in the ledger
    await street.call(Garage("old"))
    assert len(await told(street, "old")) == 1
    assert (await street.shop("old")).shop.id == "old"


async def test_no_job_is_taken_of_what_was_recalled_since_the_registry_was_asked(street: Street) -> None:
    await street.ask(once="monday")
    await recall(street)
    with pytest.raises(Refused) as refused:
        await street.ask(once="tuesday")
    assert (refused.value.code, refused.value.status.name) == ("revision.recalled", "FAILED_PRECONDITION")
    assert await street.ask(once="monday") == "job-0001"  # it was asked for before, and is told so


async def test_a_product_is_held_with_all_its_parts(street: Street) -> None:
    await street.ask_for_product({"lid": 1, "box": 2}, assembled=True)
    await recall(street)
    assert {(await street.job(name)).state for name in ("job-0001", "lid", "box")} == {v1.JOB_STATE_HELD}


async def test_a_product_that_only_holds_its_parts_is_done_when_the_last_of_them_was_made_while_it_was_stopped(street: Street) -> None:
    lena = Garage("lena")
    await street.ask_for_product({"lid": 1})
    await street.call(lena)
    await street.plan()
    (attempt,) = await street.accept_all(lena)
    await street.start(lena, attempt)
    await recall(street)
    assert not (await street.complete(lena, attempt, 1, job_id="lid")).HasField("refusal")
    assert {(await street.job(name)).state for name in ("job-0001", "lid")} == {v1.JOB_STATE_DONE}


async def test_jobs_of_other_revisions_go_on(street: Street) -> None:
    other = gear()
    other.revision_digest = "other"
    await street.board.post("anna", "", [NewJob("job-9", v1.JobRequest(revision="other", quantity=1), other, 1)])
    await recall(street)
    assert (await street.job("job-9")).state == v1.JOB_STATE_WAITING
    assert await street.board.recalled(["rev", "other"]) == {"rev"}


async def test_more_jobs_than_one_script_holds_are_all_held(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("router.board.HELD_AT_ONCE", 2)
    for _ in range(5):
        await street.ask()
    await recall(street)
    assert await street.waiting() == []


async def test_what_was_confirmed_stays_with_the_job(street: Street) -> None:
    question = reason("units.suspect_inch")
    await street.ask(questions=[question])
    await street.board.confirm_job("job-0001")
    assert (await street.job()).answered == [question]
