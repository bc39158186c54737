# SPDX-License-Identifier: AGPL-3.0-or-later
"""A board that was restored from a backup believes the shops about what they took since: nothing is lost, nothing is made twice."""

from __future__ import annotations

import pytest
from board_backups import BoardBackup
from real_router import open_router
from router_street import Garage, Street, event, status

from commonfab import v1
from commonfab.identity import sign_work

PIECES = 5
MACHINE_RUNS, PREPARES = v1.ATTEMPT_PHASE_RUNNING, v1.ATTEMPT_PHASE_PREPARING


async def offered(street: Street, *garages: Garage) -> str:
    """A lot about which these shops are asked; answers its name."""
    for garage in garages:
        await street.call(garage)
    await street.ask(PIECES)
    await street.plan(at_once=len(garages))
    (order,) = await street.offered(garages[0].id)
    return order


async def taken(street: Street, garage: Garage) -> v1.AttemptRef:
    (attempt,) = await street.accept_all(garage)
    return attempt


async def say(street: Street, garage: Garage, *events: v1.ShopEvent, held: tuple[v1.AttemptStatus, ...] = ()) -> v1.SynchronizeResponse:
    """One call at the real desk."""
    told = v1.SynchronizeRequest(shop=garage.shop, agent_run="run", attempts=held, events=events)
    return await open_router(street).desk.synchronize(told, garage.id)


async def report(street: Street, garage: Garage, attempt: v1.AttemptRef, good: int = PIECES) -> v1.Receipt:
    """The shop's report, as its agent sends it: the attempt is still among those that it holds."""
    signed = garage.report(street, attempt, await street.job(), good)
    answer = await say(street, garage, event(complete=v1.Complete(signed=signed)), held=(status(attempt, MACHINE_RUNS, good),))
    return answer.receipts[0]


async def begun_and_forgotten(street: Street, garage: Garage, *others: Garage) -> v1.AttemptRef:
    """A lot that a shop took, and set its machine to work on, after the moment to which the board is then set back."""
    await offered(street, garage, *others)
    backup = await BoardBackup.taken(street.board)
    attempt = await taken(street, garage)
    await street.start(garage, attempt)
    await backup.restore()
    return attempt


async def ends_well(street: Street) -> None:
    """All pieces are made, once, and one report is on its way to the ledger."""
    job = await street.job()
    assert (job.state, job.pieces_good, job.pieces_unplaced) == (v1.JOB_STATE_DONE, PIECES, 0)
    assert await street.board.redis.xlen(street.board.key("done")) == 1
    assert not await street.board.redis.hgetall(street.board.key("placed"))


async def test_what_was_taken_since_the_backup_and_is_on_a_machine_goes_on_and_is_counted_once(street: Street) -> None:
    lena, shed = Garage("lena"), Garage("shed")
    attempt = await begun_and_forgotten(street, lena, shed)
    order = attempt.work_order_id

    answer = await say(street, lena, held=(status(attempt, MACHINE_RUNS, 2),))

    assert answer.wishes[0].wish == v1.WISH_GO_ON
    (lot,) = (await street.job()).work_orders
    assert (lot.id, lot.state, lot.attempt, lot.pieces_good) == (order, v1.WORK_ORDER_STATE_RUNNING, attempt, 2)
    assert await street.offered("shed") == [], "another shop was still asked to make it"
    assert not (await report(street, lena, attempt)).HasField("refusal")
    assert (await report(street, lena, attempt)).refusal.reason.code == "attempt.reported"
    await ends_well(street)


@pytest.mark.parametrize("kept", ["offered", "accepted", "running"])
async def test_a_report_is_taken_whatever_of_it_the_restored_board_still_knows(street: Street, kept: str) -> None:
    lena, backup = Garage("lena"), None
    await offered(street, lena)
    if kept == "offered":
        backup = await BoardBackup.taken(street.board)
    attempt = await taken(street, lena)
    backup = await BoardBackup.taken(street.board) if kept == "accepted" else backup
    await street.start(lena, attempt)
    backup = backup or await BoardBackup.taken(street.board)
    await backup.restore()
    assert not (await report(street, lena, attempt)).HasField("refusal")
    await ends_well(street)


async def test_what_was_only_taken_since_the_backup_asks_leave_under_its_own_fence(street: Street) -> None:
    lena = Garage("lena")
    await offered(street, lena)
    backup = await BoardBackup.taken(street.board)
    attempt = await taken(street, lena)
    await backup.restore()
    answer = await say(street, lena, event(start=v1.Start(attempt=attempt)), held=(status(attempt, PREPARES),))
    assert not answer.receipts[0].HasField("refusal") and answer.wishes[0].wish == v1.WISH_GO_ON
    assert not (await report(street, lena, attempt)).HasField("refusal")
    await ends_well(street)


async def test_offers_of_before_stand_long_enough_for_their_shops_to_say_that_they_took_them(street: Street) -> None:
    lena = Garage("lena")
    order = await offered(street, lena)
    backup = await BoardBackup.taken(street.board)
    attempt = await taken(street, lena)
    await street.start(lena, attempt)
    street.clock.advance(86_400)
    await backup.restore()
    await street.pass_time(1)  # the offer ran out yesterday
    assert await street.offered("lena") == [order]
    await say(street, lena, held=(status(attempt, MACHINE_RUNS),))
    assert (await street.job()).work_orders[0].state == v1.WORK_ORDER_STATE_RUNNING


async def test_an_offer_that_ran_out_all_the_same_comes_back_to_the_shop_that_made_it_while_nobody_else_has_it(street: Street) -> None:
    lena, shed = Garage("lena"), Garage("shed")
    attempt = await begun_and_forgotten(street, lena)
    order = attempt.work_order_id
    await street.pass_time(700)
    await street.pass_time(1000)
    await street.call(shed)
    await street.plan()
    (other,) = await street.offered("shed")
    assert other != order
    assert not (await report(street, lena, attempt)).HasField("refusal")
    assert await street.offered("shed") == []
    await ends_well(street)


async def test_what_somebody_else_has_taken_meanwhile_is_refused_and_says_so(street: Street) -> None:
    lena, shed = Garage("lena"), Garage("shed")
    attempt = await begun_and_forgotten(street, lena, shed)
    await street.pass_time(1)
    await street.pass_time(300)  # so long it waited for lena
    other = await taken(street, shed)
    assert other.epoch > attempt.epoch
    assert (await report(street, lena, attempt)).refusal.reason.code == "attempt.given_elsewhere"
    await street.start(shed, other)
    assert not (await report(street, shed, other)).HasField("refusal")
    await ends_well(street)


async def test_an_offer_of_before_is_kept_from_others_until_all_who_were_asked_could_say_that_they_took_it(street: Street) -> None:
    lena, shed = Garage("lena"), Garage("shed")
    order = await offered(street, lena, shed)
    street.clock.advance(2)
    backup = await BoardBackup.taken(street.board)
    attempt = await taken(street, lena)
    await street.start(lena, attempt)
    await backup.restore()

    await say(street, shed)
    accepted = v1.ShopEvent(id="yes", accept=v1.Accept(work_order_id=order))
    street.clock.advance(2)
    answer = await say(street, shed, accepted)
    assert answer.receipts[0].refusal.reason.code == "offer.gone" and not answer.offers

    assert (await say(street, lena, held=(status(attempt, MACHINE_RUNS),))).wishes[0].wish == v1.WISH_GO_ON
    assert not (await report(street, lena, attempt)).HasField("refusal")
    assert await street.offered("shed") == []
    await ends_well(street)


@pytest.mark.parametrize("lena_calls", [True, False])
async def test_an_offer_of_before_that_nobody_took_goes_to_whoever_wants_it_soon(street: Street, lena_calls: bool) -> None:
    lena, shed = Garage("lena"), Garage("shed")
    order = await offered(street, lena, shed)
    street.clock.advance(86_400)
    await (await BoardBackup.taken(street.board)).restore()
    await street.pass_time(1)
    assert await street.offered("shed") == []
    await street.pass_time(2 if lena_calls else 301)
    if lena_calls:
        await say(street, lena)
    assert await street.offered("shed") == [order]
    attempt = await taken(street, shed)
    await street.start(shed, attempt)
    assert not (await report(street, shed, attempt)).HasField("refusal")
    await ends_well(street)


async def test_what_was_accepted_before_the_backup_may_have_begun_and_is_offered_to_nobody_else(street: Street) -> None:
    lena, shed = Garage("lena"), Garage("shed")
    await offered(street, lena)
    attempt = await taken(street, lena)
    backup = await BoardBackup.taken(street.board)
    await street.start(lena, attempt)
    await backup.restore()
    await street.pass_time(86_400)
    assert (await street.job()).work_orders[0].state == v1.WORK_ORDER_STATE_UNCERTAIN
    await street.call(shed)
    assert await street.plan() == [] and await street.offered("shed") == []
    assert not (await report(street, lena, attempt)).HasField("refusal")
    await ends_well(street)


async def test_what_was_accepted_before_the_backup_and_never_begun_can_still_be_given_back(street: Street) -> None:
    lena = Garage("lena")
    await offered(street, lena)
    attempt = await taken(street, lena)
    backup = await BoardBackup.taken(street.board)
    await backup.restore()
    await street.pass_time(86_400)
    answer = await say(street, lena, event(release=v1.Release(attempt=attempt)))
    assert not answer.receipts[0].HasField("refusal") and (await street.job()).pieces_unplaced == PIECES


async def test_what_was_taken_since_the_backup_and_is_given_back_is_free_again(street: Street) -> None:
    lena = Garage("lena")
    await offered(street, lena)
    backup = await BoardBackup.taken(street.board)
    attempt = await taken(street, lena)
    await backup.restore()
    answer = await say(street, lena, event(release=v1.Release(attempt=attempt)), held=(status(attempt, PREPARES),))
    assert not answer.receipts[0].HasField("refusal")
    job = await street.job()
    assert (job.pieces_unplaced, job.work_orders[0].state) == (PIECES, v1.WORK_ORDER_STATE_RELEASED)


async def test_a_board_that_was_set_back_says_less_than_before_however_much_has_happened_since(street: Street) -> None:
    lena = Garage("lena")
    await say(street, lena)
    backup = await BoardBackup.taken(street.board)
    before = await taken_version(street, lena)
    for _ in range(2):
        await backup.restore()
        after = [await taken_version(street, lena) for _ in range(3)]
        assert after == sorted(set(after)) and after[-1] < before
        before, backup = after[0], await BoardBackup.taken(street.board)


async def taken_version(street: Street, garage: Garage) -> int:
    """Something more happens at a shop; answers what it is told then."""
    await street.ask(1)
    await street.plan()
    await street.accept_all(garage)
    return (await say(street, garage)).version


@pytest.mark.parametrize("restored", [True, False])
async def test_an_order_that_the_board_does_not_know_was_forgotten_only_where_the_board_was_set_back(
    street: Street, restored: bool
) -> None:
    lena = Garage("lena")
    backup = await BoardBackup.taken(street.board)
    attempt = await street.started(lena)
    work = lena.report(street, attempt, await street.job(), PIECES)
    if restored:
        await backup.restore()
    else:
        attempt = v1.AttemptRef(work_order_id="order-of-another", number=1, epoch=7_000_000)
        said = v1.CompletedWork.FromString(work.work)
        said.attempt.CopyFrom(attempt)
        work = sign_work(said, lena.key)
    start, complete = event(start=v1.Start(attempt=attempt)), event(complete=v1.Complete(signed=work))
    answer = await say(street, lena, start, complete, held=(status(attempt, MACHINE_RUNS),))
    code = "attempt.forgotten" if restored else "order.unknown"
    assert [receipt.refusal.reason.code for receipt in answer.receipts] == [code, code]
    (wished,) = answer.wishes
    assert (wished.wish, wished.reason.code) == (v1.WISH_DROP, "attempt.forgotten" if restored else "attempt.superseded")
    assert not await street.board.redis.xlen(street.board.key("done"))


async def test_who_calls_late_is_told_that_somebody_else_has_it_whether_or_not_it_has_a_report_yet(street: Street) -> None:
    lena, shed = Garage("lena"), Garage("shed")
    attempt = await begun_and_forgotten(street, lena, shed)
    await street.pass_time(1)
    await street.pass_time(300)
    await taken(street, shed)
    (wished,) = (await say(street, lena, held=(status(attempt, MACHINE_RUNS),))).wishes
    assert (wished.wish, wished.reason.code) == (v1.WISH_DROP, "attempt.given_elsewhere")


async def test_redis_that_lost_its_last_second_does_not_lose_what_was_taken_in_it(street: Street) -> None:
    lena = Garage("lena")
    await offered(street, lena)
    backup = await BoardBackup.taken(street.board)
    attempt = await taken(street, lena)
    await backup.restore()
    await street.board.redis.delete(street.board.key("epoch"))
    answer = await say(street, lena, held=(status(attempt, PREPARES),))
    assert answer.wishes[0].wish == v1.WISH_GO_ON
    await street.ask(1)
    await street.plan()
    assert (await taken(street, lena)).epoch > attempt.epoch


@pytest.mark.parametrize("epoch", [0, 7_000_000, 2**63])
async def test_a_fence_that_no_board_can_have_given_is_not_believed(street: Street, epoch: int) -> None:
    lena = Garage("lena")
    order = await offered(street, lena)
    claimed = v1.AttemptRef(work_order_id=order, number=1, epoch=epoch)
    assert (await say(street, lena, held=(status(claimed, MACHINE_RUNS),))).wishes[0].wish == v1.WISH_DROP
    assert await street.offered("lena") == [order]


async def test_who_was_never_asked_is_not_believed_after_a_restoring(street: Street) -> None:
    lena, shed = Garage("lena"), Garage("shed")
    order = await offered(street, lena)
    await street.call(shed)
    await (await BoardBackup.taken(street.board)).restore()
    claimed = v1.AttemptRef(work_order_id=order, number=1, epoch=3)
    assert (await say(street, shed, held=(status(claimed, MACHINE_RUNS),))).wishes[0].wish == v1.WISH_DROP
    assert (await report(street, shed, claimed)).refusal.reason.code == "attempt.superseded"
    assert await street.offered("lena") == [order]


async def test_what_a_shop_took_before_and_again_since_are_two_attempts_though_each_is_its_first(street: Street) -> None:
    """Its agent came back without its journal, and a letter of the one before is still on its way."""
    lena = Garage("lena")
    await offered(street, lena)
    backup = await BoardBackup.taken(street.board)
    before = await taken(street, lena)
    await backup.restore()
    await street.pass_time(1)
    since = await taken(street, lena)
    assert (since.work_order_id, since.number) == (before.work_order_id, before.number) and since.epoch > before.epoch
    (wished,) = (await say(street, lena, held=(status(before, MACHINE_RUNS),))).wishes
    assert wished.wish == v1.WISH_DROP
    await street.start(lena, since)
    assert (await report(street, lena, before)).HasField("refusal")
    assert not (await report(street, lena, since)).HasField("refusal")
    await ends_well(street)
