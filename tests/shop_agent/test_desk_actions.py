# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is said at a desk stands in the journal, and what is no sense changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from clocks import ManualClock
from desk_shops import PNG, accepted, bench, made, offered, said
from small_shop import offer

from commonfab.errors import Refused
from shop_agent.desk import actions
from shop_agent.desk.actions import Bench
from shop_agent.desk.view import look
from shop_agent.journal.records import PieceState
from shop_agent.people.accounts import account_of
from shop_agent.people.service_modes import Mode, service_of
from shop_agent.people.upkeep import upkeep_of

__all__ = ["bench"]


def test_an_offer_is_answered_once(bench: Bench) -> None:
    offered(bench.journal, offer(), offer("wo-2"))
    actions.accept(bench, "wo-1")
    actions.decline(bench, "wo-2", " on holiday ")
    events = bench.journal.unsettled()
    assert events[0].accept.work_order_id == "wo-1" and events[1].decline.note == "on holiday"
    with pytest.raises(Refused, match="no open offer"):
        actions.accept(bench, "wo-2")


def test_ready_never_says_go_and_go_is_good_for_a_minute(bench: Bench, manual_clock: ManualClock) -> None:
    actions.ready(bench, "mill", "  Lena  of the mill ", ["bed", "stock", "tool", "go"])
    ready = bench.journal.ready("mill")
    assert ready is not None and ready.confirms == {"bed", "stock", "tool"} and ready.who == "Lena of the mill"
    actions.start(bench, "mill", "Jo")
    ready = bench.journal.ready("mill")
    assert ready is not None and "go" in ready.confirms
    manual_clock.advance(61)
    ready = bench.journal.ready("mill")
    assert ready is not None and "go" not in ready.confirms


def test_a_machine_at_work_is_not_called_ready(bench: Bench) -> None:
    bench.journal.note_busy("mk3", "cf-x.gcode")
    for say in (actions.ready, actions.start):
        with pytest.raises(Refused, match="at work"):
            say(bench, "mk3", "Lena")


def test_words_reach_the_journal_with_who_said_them(bench: Bench) -> None:
    for say in (actions.pause, actions.resume, actions.stop):
        say(bench, "mk3", "Lena")
    actions.stop(bench, "mk3", " ")
    assert said(bench, "mk3") == ["pause 1 Lena", "resume 1 Lena", "stop 1 Lena", "stop 1 somebody"]


@pytest.mark.parametrize("action", [actions.ready, actions.start, actions.pause, actions.resume, actions.stop, actions.drain])
def test_a_machine_that_is_not_there_is_named(bench: Bench, action: object) -> None:
    with pytest.raises(Refused) as refused:
        action(bench, "lathe", "Lena")  # type: ignore[operator]
    assert refused.value.code == "command.machine" and "lathe" in str(refused.value)


def test_pieces_are_judged_and_corrected(bench: Bench) -> None:
    attempt = made(bench.journal, accepted(bench.journal, offer(quantity=3)), PieceState.MADE, PieceState.MADE)
    assert actions.judge(bench, "wo-1", True, "Jo") == 1
    assert actions.judge(bench, "wo-1", False, "Jo", piece=2) == 2
    assert actions.judge(bench, "wo-1", True, "Jo", piece=2) == 2
    now = bench.journal.attempt(attempt.row)
    assert (now.good, now.scrap, now.unjudged) == (2, 0, 0)
    with pytest.raises(Refused):
        actions.judge(bench, "wo-1", True, "Jo", piece=3)


def test_pieces_made_by_hand_are_told_and_those_of_a_printer_are_not(bench: Bench) -> None:
    made(bench.journal, accepted(bench.journal, offer(machine_id="saw", quantity=9)), PieceState.BEGUN)
    actions.made(bench, "wo-1", 3, 1, "Lena")
    assert said(bench, "saw") == ["good 3 Lena", "scrap 1 Lena"]
    for good, scrap in ((0, 0), (-1, 0), (10_001, 0)):
        with pytest.raises(Refused) as refused:
            actions.made(bench, "wo-1", good, scrap, "Lena")
        assert refused.value.code == "desk.number"
    with pytest.raises(Refused):
        actions.made(bench, "wo-9", 1, 0, "Lena")


def test_more_pieces_than_are_wanted_are_refused_with_how_many_are(bench: Bench) -> None:
    made(bench.journal, accepted(bench.journal, offer(machine_id="saw", quantity=4)), PieceState.GOOD, PieceState.BEGUN)
    with pytest.raises(Refused, match="4 more good pieces of wo-1 were told, and 3 are wanted") as refused:
        actions.made(bench, "wo-1", 4, 0, "Lena")
    assert refused.value.code == "shop.too_many" and said(bench, "saw") == []
    actions.made(bench, "wo-1", 2, 0, "Lena")  # the agent has not counted them yet
    with pytest.raises(Refused, match="1 are wanted"):
        actions.made(bench, "wo-1", 2, 0, "Lena")


def test_what_was_spoiled_on_the_way_to_the_last_piece_is_told_before_it(bench: Bench) -> None:
    """With the last good piece the report goes off."""
    made(bench.journal, accepted(bench.journal, offer(machine_id="saw", quantity=4)), PieceState.BEGUN)
    actions.made(bench, "wo-1", 4, 1, "Lena")
    assert said(bench, "saw") == ["good 3 Lena", "scrap 1 Lena", "good 1 Lena"]


def test_pieces_of_what_is_not_begun_are_refused_because_nobody_would_count_them(bench: Bench) -> None:
    accepted(bench.journal, offer(machine_id="saw", quantity=4))
    with pytest.raises(Refused) as refused:
        actions.made(bench, "wo-1", 1, 0, "Lena")
    assert refused.value.code == "shop.not_begun" and "shop ready" in refused.value.remedy and said(bench, "saw") == []


def test_a_printer_counts_for_itself(bench: Bench) -> None:
    accepted(bench.journal, offer())
    with pytest.raises(Refused, match="by itself"):
        actions.made(bench, "wo-1", 1, 0, "Lena")
    assert said(bench, "mk3") == []


def test_a_machine_is_taken_out_of_service_and_brought_back(bench: Bench) -> None:
    for action, mode in ((actions.drain, Mode.DRAIN), (actions.maintenance, Mode.MAINTENANCE), (actions.out_of_order, Mode.OUT_OF_ORDER)):
        action(bench, "mk3", "Lena", "belt")
        service = service_of(bench.journal, "mk3")
        assert service is not None and (service.mode, service.why, service.who) == (mode, "belt", "Lena")
    actions.back(bench, "mk3")
    assert service_of(bench.journal, "mk3") is None


def test_upkeep_that_was_done_counts_anew(bench: Bench) -> None:
    made(bench.journal, accepted(bench.journal, offer()), PieceState.GOOD)
    facts = bench.machine("mk3")
    assert upkeep_of(bench.journal, facts)[0].ran_hours == 1.0
    actions.maintained(bench, "mk3", "grease the rails", "Lena")
    assert upkeep_of(bench.journal, facts)[0].ran_hours == 0.0
    with pytest.raises(Refused, match="grease the rails"):
        actions.maintained(bench, "mk3", "oil it", "Lena")


def test_minutes_sizes_and_photographs_are_added_to_the_account(bench: Bench, tmp_path: Path) -> None:
    attempt = accepted(bench.journal, offer())
    actions.spent(bench, "wo-1", "finishing", 12)
    actions.spent(bench, "wo-1", "finishing", 0.5)
    actions.measured(bench, "wo-1", *actions.size_in("bore=8,0/8.03"))
    sha256 = actions.photograph_sent(bench, "wo-1", "IMG 1.JPG", PNG)
    account = account_of(bench.journal, attempt.row)
    assert account.person_seconds == (("finishing", 750.0),)
    assert [(size.name, size.nominal_mm, size.measured_mm) for size in account.sizes] == [("bore", 8.0, 8.03)]
    assert account.photographs[0].sha256 == sha256 and account.photographs[0].file.read_bytes() == PNG
    assert account.photographs[0].file.suffix == ".png"  # by what it is, whatever it was called


@pytest.mark.parametrize("text", ["", "bore", "bore=8", "=8/8.1", "bore=8/x", "bore=eight/8"])
def test_what_says_no_size_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(Refused, match=r"bore=8\.0/8\.03"):
        actions.size_in(text)


@pytest.mark.parametrize("minutes", [0.0, -1.0, float("nan"), float("inf"), 1e9])
def test_minutes_that_cannot_be_are_refused(bench: Bench, minutes: float) -> None:
    attempt = accepted(bench.journal, offer())
    with pytest.raises(Refused) as refused:
        actions.spent(bench, "wo-1", "packing", minutes)
    assert refused.value.code == "desk.number"
    assert account_of(bench.journal, attempt.row).person_seconds == ()


def test_what_is_not_on_the_bench_takes_no_account(bench: Bench) -> None:
    for say in (lambda: actions.spent(bench, "wo-9", "packing", 1), lambda: actions.photograph_sent(bench, "wo-9", "a.png", PNG)):
        with pytest.raises(Refused) as refused:
            say()
        assert refused.value.code == "shop.no_attempt"


def test_what_is_left_is_counted_and_shown(bench: Bench) -> None:
    actions.counted(bench, "mk3", "pla", 640, 0, "Lena")
    card = look(bench.config, bench.journal).machine("mk3")
    assert card is not None and card.stock == (("pla", 640.0, 0),)
    with pytest.raises(Refused) as refused:
        actions.counted(bench, "mk3", "pla", float("nan"), 0, "Lena")
    assert refused.value.code == "desk.number"
