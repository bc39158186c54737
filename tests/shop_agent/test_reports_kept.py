# SPDX-License-Identifier: AGPL-3.0-or-later
"""A signed report is never lost: what the router refuses is shown with the reason, and any report can be sent again byte for byte."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from clocks import ManualClock
from desk_shops import accepted, bench, made
from small_shop import SmallRouter, offer, served, until
from test_desk_link import linked

from commonfab import v1
from commonfab.errors import Refused
from commonfab.reasons import refusal
from shop_agent.desk import actions
from shop_agent.desk.actions import Bench
from shop_agent.desk.cards import GivenBackCard
from shop_agent.desk.screen_tables import rows_of
from shop_agent.desk.view import look
from shop_agent.journal import attempt_steps
from shop_agent.journal.book import Journal, open_journal
from shop_agent.journal.given_back import SHOWN_SECONDS
from shop_agent.journal.records import AttemptRecord, PieceState
from shop_agent.journal.settling import note_offers, settle

__all__ = ["bench"]

SIGNED = v1.SignedWork(work=v1.CompletedWork(shop_id="garage").SerializeToString(), signature=b"by Lena")


def reported(journal: Journal, order: str = "wo-1") -> AttemptRecord:
    """Two of two pieces are made, and the report is in the outbox."""
    attempt = made(journal, accepted(journal, offer(order, quantity=2)), PieceState.GOOD, PieceState.GOOD)
    attempt_steps.complete(journal, attempt, SIGNED)
    return attempt


def answer(journal: Journal, code: str = "") -> v1.ShopEvent:
    """The router's answer to the one event that waits; empty where it took it."""
    (event,) = journal.unsettled()
    receipt = v1.Receipt(event_id=event.id, refusal=refusal(code, "wo-1") if code else None)
    with journal.change() as connection:
        settle(connection, receipt, journal.clock.now())
    return event


def shown(bench: Bench) -> tuple[GivenBackCard, ...]:
    return look(bench.config, bench.journal).given_back


def test_a_report_that_the_router_refuses_stays_in_sight_with_why_and_what_to_do(bench: Bench, manual_clock: ManualClock) -> None:
    reported(bench.journal)
    answer(bench.journal, "attempt.given_elsewhere")
    manual_clock.advance(3 * SHOWN_SECONDS)
    (card,) = shown(bench)
    assert (card.order, card.resends, card.ended) == ("wo-1", True, "the router did not take its report: 2 of 2 good")
    ((why, remedy),) = card.why
    assert "somebody else" in why and "commonfab shop resend wo-1" in remedy
    assert "commonfab shop resend wo-1" in rows_of(look(bench.config, bench.journal))["benches"][0].detail
    actions.dismiss(bench, "wo-1")
    assert shown(bench) == ()


def test_it_is_sent_again_byte_for_byte_and_shown_no_longer_once_it_is_taken(bench: Bench) -> None:
    reported(bench.journal)
    first = answer(bench.journal, "attempt.superseded")
    actions.resend(bench, "wo-1")
    assert shown(bench) == () and [one.stands for one in look(bench.config, bench.journal).benches] == ["done, not yet heard by the router"]
    again = answer(bench.journal)
    assert again.complete.signed == first.complete.signed == SIGNED
    assert shown(bench) == () and not bench.journal.attempts()


def test_what_is_refused_again_is_shown_again_also_after_it_was_dismissed(bench: Bench) -> None:
    reported(bench.journal)
    answer(bench.journal, "attempt.superseded")
    actions.dismiss(bench, "wo-1")
    actions.resend(bench, "wo-1")
    answer(bench.journal, "order.unknown")
    (card,) = shown(bench)
    assert card.resends


def test_an_answer_that_it_was_reported_before_is_a_receipt_that_was_lost(bench: Bench) -> None:
    reported(bench.journal)
    answer(bench.journal, "attempt.reported")
    assert shown(bench) == () and not bench.journal.attempts()


def test_a_report_that_was_taken_can_be_sent_again_and_one_that_never_was_cannot(bench: Bench) -> None:
    reported(bench.journal)
    for order in ("wo-1", "wo-2"):  # it still waits to be sent; there is none
        with pytest.raises(Refused) as refused:
            actions.resend(bench, order)
        assert refused.value.code == "shop.no_report"
    answer(bench.journal)
    actions.resend(bench, "wo-1")
    assert answer(bench.journal, "attempt.reported").complete.signed == SIGNED
    assert shown(bench) == ()


def test_what_is_offered_again_by_a_router_that_was_set_back_is_reported_again_and_not_made_again(bench: Bench) -> None:
    reported(bench.journal)
    answer(bench.journal)
    with bench.journal.change() as connection:
        (line,) = note_offers(connection, [offer("wo-1", quantity=2)], bench.journal.clock.now())
    assert "set back" in line
    (event,) = bench.journal.unsettled()
    assert event.complete.signed == SIGNED
    answer(bench.journal, "attempt.given_elsewhere")
    with bench.journal.change() as connection:
        assert note_offers(connection, [offer("wo-1", quantity=2)], bench.journal.clock.now()) == []
    assert bench.journal.unsettled() == [] and not bench.journal.unconsidered(), "it would be taken and made a second time"
    assert shown(bench)[0].resends


def test_leave_that_is_refused_says_why_and_what_to_do(bench: Bench) -> None:
    attempt = accepted(bench.journal, offer())
    attempt_steps.ask_to_start(bench.journal, attempt)
    answer(bench.journal, "attempt.given_elsewhere")
    (card,) = shown(bench)
    assert card.ended == "no longer ours" and "somebody else" in card.why[0][0] and not card.resends


async def test_a_router_that_knows_less_than_before_is_told_again_what_was_made_of_late(tmp_path: Path) -> None:
    router = SmallRouter()
    router.put_up(offer())
    async with served(router) as address, linked(tmp_path, address) as shop_side:
        journal = shop_side.journal
        await until(lambda: journal.offers() and router.held)
        journal.decide("wo-1", accept=True)
        await until(lambda: journal.attempts())
        attempt = made(journal, journal.attempts()[0], PieceState.GOOD)
        ref = router.attempts["wo-1"]
        router.started.add("wo-1")
        work = v1.CompletedWork(attempt=ref, shop_id="garage", pieces_good=1)
        attempt_steps.complete(journal, attempt, v1.SignedWork(work=work.SerializeToString()))
        await until(lambda: len(router.reports) == 1 and not journal.unsettled())
        await until(lambda: router.held)
        router.seen_events.clear()
        router.ended.clear()
        router.set_back()
        router.ring()
        await until(lambda: len(router.reports) == 2 and not journal.unsettled())
        assert router.reports[0] == router.reports[1]


def test_a_walk_in_whose_report_is_refused_is_kept_as_well(tmp_path: Path, bench: Bench) -> None:
    from shop_agent.desk import walk_ins
    from shop_agent.people.walk_in import Wanted

    order = walk_ins.take(bench, "saw", Wanted("a hook", 1))
    attempt = next(one for one in bench.journal.attempts() if one.ref.work_order_id == order)
    attempt_steps.complete(bench.journal, attempt, SIGNED)
    answer(bench.journal, "report.signature")
    (card,) = shown(bench)
    assert card.resends and card.order == order
    with closing(open_journal(bench.config)) as journal:  # another process
        actions.resend(Bench(bench.config, journal), order)
    (event,) = bench.journal.unsettled()
    assert event.walk_in.signed == SIGNED
