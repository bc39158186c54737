# SPDX-License-Identifier: AGPL-3.0-or-later
"""One piece is made and looked at before the rest."""

from __future__ import annotations

import pytest
from router_street import Garage, Street, event, gear

from commonfab import v1
from commonfab.errors import Refused
from router.board import NewJob


async def test_only_one_piece_goes_out_until_the_requester_has_approved_of_it(street: Street) -> None:
    lena, shed = Garage("lena"), Garage("shed")
    await street.call(lena)
    await street.call(shed)
    job_id = await street.ask(5, first_article=True)
    assert (await street.job()).first_article == v1.FIRST_ARTICLE_WANTED
    assert (await street.offer(job_id, await street.lot("order-a", ["lena"], 5))).placed == (False,)
    assert (await street.offer(job_id, await street.lot("order-b", ["lena"], 2))).placed == (False,)
    two = (await street.lot("order-c", ["lena"], 1), await street.lot("order-d", ["shed"], 1))
    assert (await street.offer(job_id, *two)).placed == (True, False)
    assert await street.waiting() == []  # nothing more to offer while it is out

    attempt = await street.board.accept("order-c", "lena", 60_000)
    await street.start(lena, attempt)
    await street.complete(lena, attempt, 1)
    known = await street.known()
    assert (known.first, known.job.first_article, known.job.pieces_unplaced) == ("made", v1.FIRST_ARTICLE_MADE, 4)
    assert await street.waiting() == []
    assert (await street.offer(job_id, await street.lot("order-e", ["lena"], 1))).placed == (False,)

    await street.board.approve_first(job_id)
    await street.board.approve_first(job_id)  # twice is no error
    assert (await street.job()).first_article == v1.FIRST_ARTICLE_APPROVED
    assert [waiting.unplaced for waiting in await street.waiting()] == [4]
    await street.make(lena, job_id)
    assert (await street.job()).state == v1.JOB_STATE_DONE


async def test_a_first_article_that_was_declined_or_spoiled_is_still_wanted(street: Street) -> None:
    lena, shed = Garage("lena"), Garage("shed")
    await street.call(lena)
    job_id = await street.ask(5, first_article=True)
    await street.plan()
    await street.board.decline((await street.offered("lena"))[0], "lena")
    assert (await street.known()).first == "wanted"
    await street.call(shed)
    await street.plan()
    (attempt,) = await street.accept_all(shed)
    await street.start(shed, attempt)
    report = shed.report(street, attempt, await street.job(), 0, scrap=1)
    await street.call(shed, event(fail=v1.Fail(signed=report)))
    assert (await street.known()).first == "wanted"
    assert [waiting.id for waiting in await street.waiting()] == [job_id]


async def test_a_single_piece_has_no_first_article(street: Street) -> None:
    await street.ask(1, first_article=True)
    assert (await street.job()).first_article == v1.FIRST_ARTICLE_UNSPECIFIED
    await street.make(Garage("lena"), "job-0001")
    assert (await street.job()).state == v1.JOB_STATE_DONE


@pytest.mark.parametrize(("first", "code"), [(True, "job.first_not_made"), (False, "job.no_first_article")])
async def test_nothing_can_be_approved_that_is_not_there(street: Street, first: bool, code: str) -> None:
    job_id = await street.ask(5, first_article=first)
    with pytest.raises(Refused) as refused:
        await street.board.approve_first(job_id)
    assert refused.value.code == code


async def test_a_withdrawn_job_cannot_be_approved_and_an_unknown_one_is_unknown(street: Street) -> None:
    job_id = await street.ask(5, first_article=True)
    await street.board.cancel_job(job_id)
    for asked, code in ((job_id, "job.ended"), ("job-9", "job.unknown")):
        with pytest.raises(Refused) as refused:
            await street.board.approve_first(asked)
        assert refused.value.code == code


async def test_a_first_article_whose_shop_fell_silent_after_making_it_is_made(street: Street) -> None:
    lena = Garage("lena")
    await street.call(lena)
    job_id = await street.ask(5, first_article=True)
    await street.plan()
    (attempt,) = await street.accept_all(lena)
    await street.start(lena, attempt)
    shown = v1.AttemptStatus(attempt=attempt, phase=v1.ATTEMPT_PHASE_RUNNING, pieces_good=1)
    await street.call(lena, held=(shown,))
    await street.pass_time(61)
    await street.board.make_rest_elsewhere(attempt.work_order_id)
    assert (await street.known(job_id)).first == "made"


async def test_what_only_holds_parts_together_has_no_first_article(street: Street) -> None:
    request = v1.JobRequest(revision="rev", quantity=3, whole_product=True, first_article=True)
    part = NewJob("job-part", v1.JobRequest(revision="rev", quantity=3, first_article=True), gear(), 3, product="job-all")
    await street.board.post("anna", "", [NewJob("job-all", request, gear(), 3, parts=("job-part",), needs_work=False), part])
    assert [(await street.known(job_id)).first for job_id in ("job-all", "job-part")] == ["", "wanted"]
