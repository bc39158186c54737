# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who says stop, or takes a machine out of service, has taken back what was said before; and a word that was said of one order moves no
other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from watched_shops import MILL, PRINTER, Shop, open_shop, says

from shop_agent.desk import actions
from shop_agent.journal import attempt_steps, words
from shop_agent.journal.records import Toolpath

__all__ = ["open_shop"]


@pytest.mark.parametrize("word", ["stop", "pause"])
async def test_who_says_start_and_then_stop_before_it_moves_is_not_surprised_by_it(open_shop: Callable[..., Shop], word: str) -> None:
    """The router's leave came a second later, and the word "start" was still young."""
    mill = open_shop(**MILL)
    order = mill.order("wo-1", leave=False)
    says(mill, "ready", "start", word)
    await mill.work()
    mill.leave(order.row)
    await mill.work(3)
    assert mill.machine.started == []
    says(mill, "ready", "start")
    await mill.work(2)
    assert mill.machine.started == [order.file_name(1)]


@pytest.mark.parametrize("word", ["stop", "pause"])
@pytest.mark.parametrize("keys", [MILL, PRINTER, {"starts_itself": True, "clears_itself": True}], ids=["mill", "printer", "automatic"])
async def test_stop_said_while_a_toolpath_is_brought_is_heard_before_anything_starts(
    open_shop: Callable[..., Shop], word: str, keys: dict[str, Any]
) -> None:
    one = open_shop(**keys)
    order = one.order("wo-1")
    if keys != {"starts_itself": True, "clears_itself": True}:
        says(one, "ready")
    if keys == MILL:
        says(one, "start")
    one.machine.meanwhile = lambda: says(one, word)
    await one.work(4)
    assert one.machine.started == [], one.machine.started
    assert "ready" in one.bench.waits[order.key] and words.unheard(one.journal, "mk3") == []


@pytest.mark.parametrize("word", ["stop", "pause"])
async def test_stop_that_comes_as_a_piece_ends_by_itself_holds_the_next_one_up(open_shop: Callable[..., Shop], word: str) -> None:
    printer = open_shop(starts_itself=True, clears_itself=True)
    order = printer.order("wo-1", quantity=2)
    await printer.work()
    assert printer.machine.started == [order.file_name(1)]
    printer.clock.advance(2)
    says(printer, word)
    await printer.work(3)
    assert printer.machine.started == [order.file_name(1)] and printer.journal.attempt(order.row).good == 1
    says(printer, "ready")
    await printer.work(2)
    assert printer.machine.started[1:] == [order.file_name(2)]


async def test_stop_takes_back_home_that_was_said_before_it(open_shop: Callable[..., Shop]) -> None:
    """A long upload kept the bench from hearing either; stop is heard first, and home must not follow it."""
    mill = open_shop(**MILL)
    mill.order("wo-1")
    says(mill, "home", "stop")
    await mill.work(2)
    assert mill.machine.homed == 0
    says(mill, "stop", "home")
    await mill.work(2)
    assert mill.machine.homed == 1


async def test_stop_is_not_lost_while_the_machine_does_not_answer(open_shop: Callable[..., Shop]) -> None:
    printer = open_shop()
    order = printer.order("wo-1")
    says(printer, "ready")
    await printer.work(2)
    assert printer.machine.started == [order.file_name(1)]
    printer.machine.away = True
    says(printer, "stop")
    await printer.work(2)
    printer.machine.away = False
    await printer.work(2)
    assert (await printer.machine.state("")).busy_with == ""


async def test_pause_is_not_lost_while_the_machine_does_not_answer(open_shop: Callable[..., Shop]) -> None:
    printer = open_shop()
    printer.order("wo-1")
    says(printer, "ready")
    await printer.work(2)
    printer.machine.away = True
    says(printer, "pause")
    await printer.work(2)
    printer.machine.away = False
    await printer.work(2)
    assert (await printer.machine.state(printer.machine.started[0])).paused


async def test_start_that_was_said_for_one_order_sends_no_other_off(open_shop: Callable[..., Shop]) -> None:
    """The requester withdrew the first at that very moment: on the table lie its stock and its tool."""
    mill = open_shop(**MILL)
    first, second = mill.order("wo-1", leave=False), mill.order("wo-2", leave=False)
    await mill.work()
    says(mill, "ready", "start")
    await mill.work()
    assert mill.journal.attempt(first.row).go_by == "Lena"
    attempt_steps.drop(mill.journal, mill.journal.attempt(first.row))
    await mill.work()
    mill.leave(second.row)
    await mill.work(3)
    assert mill.machine.started == []


async def test_start_that_was_said_over_an_empty_bench_sends_nothing_off_that_comes_later(open_shop: Callable[..., Shop]) -> None:
    mill = open_shop(**MILL)
    await mill.work()
    says(mill, "start")
    await mill.work()
    mill.order("wo-1")
    says(mill, "ready")
    await mill.work(2)
    assert mill.machine.started == []


@pytest.mark.parametrize("how", ["out_of_order", "maintenance"])
@pytest.mark.parametrize("itself", [True, False])
async def test_what_was_said_before_a_machine_was_taken_apart_says_nothing_afterwards(
    open_shop: Callable[..., Shop], how: str, itself: bool
) -> None:
    printer = open_shop(starts_itself=itself, clears_itself=itself)
    says(printer, "ready")
    getattr(actions, how)(printer.desk, "mk3", "Lena", "the hot end leaks")
    order = printer.order("wo-1")
    await printer.work()
    actions.back(printer.desk, "mk3")
    await printer.work(2)
    assert printer.machine.started == [] and "commonfab shop ready" in printer.bench.waits[order.key]
    says(printer, "ready")
    await printer.work(2)
    assert printer.machine.started == [order.file_name(1)]


async def test_a_machine_that_drains_keeps_what_was_said(open_shop: Callable[..., Shop]) -> None:
    printer = open_shop()
    says(printer, "ready")
    actions.drain(printer.desk, "mk3", "Lena")
    order = printer.order("wo-1")
    await printer.work(2)
    assert printer.machine.started == [order.file_name(1)]


async def test_what_shop_toml_takes_out_of_service_needs_a_new_word_too(open_shop: Callable[..., Shop]) -> None:
    printer = open_shop(starts_itself=True)
    says(printer, "ready")
    order = printer.order("wo-1")
    printer.machine._facts = printer.machine._facts.model_copy(update={"maintenance": "new belts"})
    printer.bench = printer.new_bench()
    await printer.bench.reconcile()
    printer.machine._facts = printer.machine._facts.model_copy(update={"maintenance": ""})
    printer.bench = printer.new_bench()
    await printer.bench.reconcile()
    await printer.work(2)
    assert printer.machine.started == [] and "commonfab shop ready" in printer.bench.waits[order.key]


async def test_a_sensor_is_asked_again_after_a_long_upload(open_shop: Callable[..., Shop]) -> None:
    """Somebody put a piece of his own on the bed in those minutes."""
    printer = open_shop(starts_itself=True, confirm=["bed"])
    printer.order("wo-1")
    printer.journal.mark_ready("mk3", "sensor", ("bed",), by_sensor=True)

    def laid() -> None:
        printer.sensors.append(lambda: printer.journal.unsay("mk3", "bed"))

    printer.machine.meanwhile = laid
    await printer.work(3)
    assert printer.machine.started == []


async def test_a_toolpath_that_is_swapped_after_it_was_brought_is_the_one_that_runs(open_shop: Callable[..., Shop]) -> None:
    printer = open_shop()
    order = printer.order("wo-1", leave=False)
    await printer.work()
    other = Toolpath("", "b" * 64, 300, 5)
    attempt_steps.note_toolpath(printer.journal, order, other)
    printer.leave(order.row)
    says(printer, "ready")
    await printer.work(2)
    assert printer.machine._read()["files"][order.file_name(1)]["sha256"] == other.sha256
    assert printer.machine.started == [order.file_name(1)]


async def test_who_loads_a_printer_that_is_away_has_not_said_what_became_of_its_piece(open_shop: Callable[..., Shop]) -> None:
    """It prints on, and would be called scrap and made a second time."""
    printer = open_shop()
    order = printer.order("wo-1")
    says(printer, "ready")
    await printer.work(2)
    printer.machine.away = True
    await printer.work()
    actions.ready(printer.desk, "mk3", "Lena", ["stock"])
    await printer.work(2)
    assert [piece.state for piece in printer.journal.attempt(order.row).pieces] == ["begun"]
    actions.ready(printer.desk, "mk3", "Lena")
    await printer.work()
    assert [piece.state for piece in printer.journal.attempt(order.row).pieces] == ["scrap"]


async def test_two_who_say_start_at_once_start_one_piece(open_shop: Callable[..., Shop]) -> None:
    mill = open_shop(**MILL)
    mill.order("wo-1", quantity=2)
    await mill.work()
    says(mill, "ready", "start", "start")
    await mill.work(2)
    assert len(mill.machine.started) == 1
    mill.clock.advance(30)
    await mill.work()
    says(mill, "ready")
    await mill.work(3)
    assert len(mill.machine.started) == 1, "the second word was of the first piece"


async def test_start_that_comes_a_moment_after_the_piece_began_is_none_for_the_next(open_shop: Callable[..., Shop]) -> None:
    """The second browser still shows the button."""
    mill = open_shop(**MILL)
    order = mill.order("wo-1", quantity=2)
    await mill.work()
    says(mill, "ready", "start")
    mill.machine.begun = lambda: says(mill, "start")
    await mill.work(2)
    await mill.machine.stop(order.file_name(1))
    await mill.work(2)
    says(mill, "ready")
    await mill.work(3)
    assert len(mill.machine.started) == 1


async def test_work_that_is_withdrawn_while_its_printer_is_away_is_stopped_when_that_is_back(open_shop: Callable[..., Shop]) -> None:
    printer = open_shop()
    order = printer.order("wo-1")
    says(printer, "ready")
    await printer.work(2)
    printer.machine.away = True
    actions.withdraw(printer.desk, "wo-1", "too loud")
    await printer.work(2)
    printer.machine.away = False
    await printer.work(3)
    assert (await printer.machine.state("")).busy_with == "" and printer.journal.attempt(order.row).ended == "fail"
