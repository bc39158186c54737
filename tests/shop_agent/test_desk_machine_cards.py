# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a machine's card says to its owner: whether she is called, to do what, and what lies there."""

from __future__ import annotations

import pytest
from clocks import ManualClock
from desk_shops import accepted, alive, bench, made, offer

from commonfab.errors import Refused
from shop_agent.desk import actions
from shop_agent.desk.actions import Bench
from shop_agent.desk.cards import MachineCard
from shop_agent.desk.of_machines import lies_there
from shop_agent.desk.plain import due_text
from shop_agent.desk.screen_tables import rows_of
from shop_agent.desk.view import look
from shop_agent.journal.records import PieceState
from shop_agent.live import LiveMachine

__all__ = ["bench"]


def card(bench: Bench, machine: str = "mk3") -> MachineCard:
    found = look(bench.config, bench.journal).machine(machine)
    assert found is not None
    return found


def test_a_machine_for_which_nothing_waits_calls_nobody_though_nobody_has_said_that_it_is_ready(
    bench: Bench, manual_clock: ManualClock
) -> None:
    alive(bench.config, manual_clock, LiveMachine("mk3", "needs_person", why="nobody has said that it is ready"))
    assert (card(bench).state, card(bench).tone, card(bench).needs_person) == ("not ready", "off", False)
    waits = {"wo-1-a1-e7": "somebody to look at mk3 and say go: commonfab shop ready mk3"}
    alive(bench.config, manual_clock, LiveMachine("mk3", "needs_person", waits=waits, waits_for_person=tuple(waits)))
    assert (card(bench).state, card(bench).tone, card(bench).needs_person) == ("needs somebody", "person", True)
    alive(bench.config, manual_clock, LiveMachine("mk3", "needs_person", fault="the door is open"))
    assert (card(bench).state, card(bench).needs_person) == ("needs somebody", True)


def test_what_to_do_before_a_start_is_said_in_the_shops_own_words_and_not_by_the_machines_id(
    bench: Bench, manual_clock: ManualClock
) -> None:
    def waiting(machine: str) -> LiveMachine:
        key = f"wo-{machine}-a1-e7"
        why = f"somebody to look at {machine} and say go: commonfab shop ready {machine}"
        return LiveMachine(machine, "needs_person", waits={key: why}, waits_for_person=(key,))

    alive(bench.config, manual_clock, waiting("mk3"), waiting("saw"))
    assert [one.text for one in card(bench).waits] == ["somebody to clear the bed and load the stock"]
    (by_hand,) = card(bench, "saw").waits
    assert (by_hand.text, by_hand.button) == ("somebody to look at it and say that it is ready", "ready")


def test_what_is_left_is_shown_to_the_gram_and_what_is_used_up_is_not_shown_as_being_there(bench: Bench) -> None:
    assert list(lies_there(card(bench))) == ["pla"]  # nobody has said how much
    actions.counted(bench, "mk3", "pla", 60, 0, "Lena")
    made(bench.journal, accepted(bench.journal, offer()), PieceState.GOOD)  # of 4 g
    assert list(lies_there(card(bench))) == ["56 g pla"] and card(bench).used_up == ()
    actions.counted(bench, "mk3", "pla", 0, 0, "Lena")
    assert list(lies_there(card(bench))) == ["no pla left"] and card(bench).used_up == ("pla",)
    assert "There: no pla left." in rows_of(look(bench.config, bench.journal))["machines"][0].detail
    actions.counted(bench, "mk3", "pla", 750, 0, "Lena")
    assert list(lies_there(card(bench))) == ["750 g pla"] and card(bench).used_up == ()


def test_lines_that_were_left_empty_do_not_say_that_nothing_is_left() -> None:
    assert actions.left_in("640,5", "") == (640.5, 0) and actions.left_in("", " 3 ") == (0.0, 3) and actions.left_in("0", "") == (0.0, 0)
    with pytest.raises(Refused) as refused:
        actions.left_in(" ", "")
    assert refused.value.code == "desk.number"


def test_upkeep_that_is_far_off_is_said_in_whole_hours() -> None:
    assert [due_text(hours) for hours in (199.97, 9.5, -12.2)] == [
        "in 200 h of running",
        "in 9 h 30 min of running",
        "overdue by 12 h of running",
    ]
