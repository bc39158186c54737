# SPDX-License-Identifier: AGPL-3.0-or-later
"""Nothing moves because a machine or the agent is back, and what came to nothing meanwhile does not lie there to be started."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from watched_shops import CHECKED, MILL, Shop, open_shop, says

from shop_agent.desk import actions
from shop_agent.journal import attempt_steps, words

__all__ = ["open_shop"]


@pytest.mark.parametrize("trouble", ["away", "fault", "agent"])
async def test_nothing_starts_because_a_machine_or_the_agent_is_back(open_shop: Callable[..., Shop], trouble: str) -> None:
    """A router that was without power for ten seconds no longer knows where it stands; "start" was still young."""
    mill = open_shop(**MILL)
    order = mill.order("wo-1")
    await mill.work()
    says(mill, "ready", "start")
    if trouble == "agent":
        mill.bench = mill.new_bench()
        await mill.bench.reconcile()
    else:
        mill.machine.away, mill.machine.fault = trouble == "away", "ALARM:1" if trouble == "fault" else ""
        await mill.work()
        mill.machine.away, mill.machine.fault = False, ""
    await mill.work(3)
    assert mill.machine.started == [] and "commonfab shop start" in mill.bench.waits[order.key]
    says(mill, "start")
    await mill.work(2)
    assert mill.machine.started == [order.file_name(1)]


async def test_what_was_laid_ready_at_a_machine_and_came_to_nothing_does_not_stay_there(open_shop: Callable[..., Shop]) -> None:
    """Withdrawn, or recalled: in a controller's folder somebody would load it. What was made stays for whoever wants to look at it."""
    printer = open_shop()
    made, withdrawn = printer.order("wo-1"), printer.order("wo-2", leave=False)
    says(printer, "ready")
    await printer.work()
    printer.clock.advance(2)
    await printer.work(2)
    assert withdrawn.file_name(1) in printer.machine._read()["files"]
    actions.withdraw(printer.desk, "wo-2")
    await printer.work(2)
    assert list(printer.machine._read()["files"]) == [made.file_name(1)]


async def test_what_came_to_nothing_while_the_agent_was_away_does_not_stay_at_the_machine(open_shop: Callable[..., Shop]) -> None:
    """Nor where the agent ended between the withdrawal and its next look. What is at work, or is still to be made, is left alone."""
    printer = open_shop()
    made, withdrawn, waiting = printer.order("wo-1"), printer.order("wo-2"), printer.order("wo-3", leave=False)
    for order in (withdrawn, waiting):
        await printer.machine.prepare(CHECKED, order.file_name(1))
    says(printer, "ready")
    await printer.work(2)
    assert printer.machine.started == [made.file_name(1)]
    actions.withdraw(printer.desk, "wo-2")
    attempt_steps.release(printer.journal, withdrawn, ())
    attempt_steps.drop(printer.journal, made)
    printer.bench = printer.new_bench()
    printer.machine.away = True
    await printer.bench.reconcile()
    await printer.work()
    printer.machine.away = False
    await printer.work(4)
    assert sorted(printer.machine._read()["files"]) == [made.file_name(1), waiting.file_name(1)]
    assert (await printer.machine.state("")).busy_with == made.file_name(1)


@pytest.mark.parametrize("trouble", ["away", "seen away", "agent"])
@pytest.mark.parametrize("word", ["home", "unlock"])
async def test_nothing_is_homed_or_unlocked_because_a_machine_or_the_agent_is_back(
    open_shop: Callable[..., Shop], trouble: str, word: str
) -> None:
    """Somebody plugs it in again, with her hands at the axes, and the word is still young."""
    mill = open_shop(**MILL)
    await mill.work()
    if trouble == "agent":
        says(mill, word)
        mill.bench = mill.new_bench()
        await mill.bench.reconcile()
    else:
        mill.machine.away = True
        await mill.work()
        says(mill, word)
        if trouble == "away":
            await mill.work()
        mill.machine.away = False
    await mill.work(3)
    assert mill.machine.homed == 0 and words.unheard(mill.journal, "mk3") == []
    says(mill, word)
    await mill.work()
    assert mill.machine.homed == 1


@pytest.mark.parametrize("trouble", ["away", "seen away", "agent"])
async def test_what_is_paused_does_not_go_on_because_a_machine_or_the_agent_is_back(open_shop: Callable[..., Shop], trouble: str) -> None:
    printer = open_shop()
    printer.order("wo-1")
    says(printer, "ready")
    await printer.work(2)
    says(printer, "pause")
    await printer.work()
    if trouble == "agent":
        says(printer, "resume")
        printer.bench = printer.new_bench()
        await printer.bench.reconcile()
    else:
        printer.machine.away = True
        await printer.work()
        says(printer, "resume")
        if trouble == "away":
            await printer.work()
        printer.machine.away = False
    await printer.work(3)
    assert printer.machine.resumed == 0
    says(printer, "resume")
    await printer.work()
    assert printer.machine.resumed == 1


async def test_unlock_that_is_said_in_an_alarm_is_done(open_shop: Callable[..., Shop]) -> None:
    mill = open_shop(**MILL)
    mill.machine.fault = "ALARM:1"
    await mill.work(2)
    says(mill, "unlock")
    await mill.work()
    assert mill.machine.homed == 1


async def test_a_controller_that_came_up_anew_has_lost_its_zero(open_shop: Callable[..., Shop]) -> None:
    """A short failure of its supply: its bed is as clear as before, and its tool may go through the table."""
    mill = open_shop(**MILL)
    order = mill.order("wo-1")
    await mill.work()
    says(mill, "ready")
    await mill.work()
    mill.machine.came_up += 1
    await mill.work()
    says(mill, "start")
    await mill.work(2)
    assert mill.machine.started == [] and "set the tool of" in mill.bench.waits[order.key]
    assert "bed" not in mill.bench.waits[order.key]
    says(mill, "ready", "start")
    await mill.work(2)
    assert mill.machine.started == [order.file_name(1)]
