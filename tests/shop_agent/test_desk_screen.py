# SPDX-License-Identifier: AGPL-3.0-or-later
"""The bench on a terminal: what its keys say stands in the journal, as if it had been said on the page."""

from __future__ import annotations

from pathlib import Path

import pytest
from clocks import ManualClock
from desk_shops import accepted, alive, bench, heard, made, offered, said
from small_shop import offer, until
from test_reports_kept import SIGNED, answer, reported
from textual.widgets import DataTable, Input, Static

from commonfab.reasons import reason
from shop_agent.desk import walk_ins
from shop_agent.desk.actions import Bench
from shop_agent.desk.screen import BenchScreen
from shop_agent.desk.view import look
from shop_agent.journal import attempt_steps
from shop_agent.journal.given_back import given_back
from shop_agent.journal.records import PieceState
from shop_agent.live import LiveMachine
from shop_agent.people.accounts import account_of
from shop_agent.people.service_modes import Mode, service_of
from shop_agent.people.upkeep import upkeep_of
from shop_agent.people.walk_in import Wanted

__all__ = ["bench"]


def words_on(screen: BenchScreen, name: str) -> str:
    table = screen.query_one(f"#{name}", DataTable)
    return "\n".join(" | ".join(str(cell) for cell in table.get_row_at(row)) for row in range(table.row_count))


async def test_it_shows_machines_offers_benches_and_what_waits_to_be_sent(bench: Bench, manual_clock: ManualClock) -> None:
    attempt = made(bench.journal, accepted(bench.journal, offer(quantity=2)), PieceState.BEGUN)
    offered(bench.journal, offer("wo-2", title="Bike stand"))
    running = LiveMachine("mk3", "busy", busy_with="x", attempt=attempt.key, piece=1, progress=0.25, remaining_seconds=120)
    alive(bench.config, manual_clock, running, router_heard=manual_clock.now())
    screen = BenchScreen(bench, "Lena")
    async with screen.run_test(size=(140, 40)):
        assert "the printer | at work | gear of Coffee grinder 1/2 25%, 2 min left" in words_on(screen, "machines")
        assert "1 × gear of Bike stand | about 10 min | pla 4.5 g | 2.0" in words_on(screen, "offers")
        assert "gear of Coffee grinder | the printer | 0/2 good | piece 1 is on the machine" in words_on(screen, "benches")
        assert "was heard just now. Nothing waits" in str(screen.query_one("#outbox", Static).render())


async def test_its_keys_accept_and_decline_with_a_note(bench: Bench) -> None:
    offered(bench.journal, offer(), offer("wo-2"))
    screen = BenchScreen(bench, "Lena")
    async with screen.run_test(size=(140, 40)) as pilot:
        await pilot.press("a")
        await pilot.press("x", *"full", "enter")
        await pilot.pause()
    assert {one.offer.work_order_id: (one.answer, one.note) for one in bench.journal.offers()} == {
        "wo-1": ("accept", ""),
        "wo-2": ("decline", "full"),
    }


async def test_what_may_move_takes_a_second_key_and_stop_takes_one(bench: Bench) -> None:
    screen = BenchScreen(bench, "Lena")
    async with screen.run_test(size=(140, 40)) as pilot:
        screen.query_one("#machines", DataTable).move_cursor(row=1)
        await pilot.press("g", "escape")
        assert bench.journal.ready("mill") is None
        await pilot.press("r", "y")
        await pilot.press("g", "y")
        await pilot.pause()
        ready = bench.journal.ready("mill")
        assert ready is not None and ready.confirms == {"bed", "stock", "tool", "go"} and ready.who == "Lena"
        await pilot.press("s")
    assert said(bench, "mill") == ["stop 1 Lena"]


async def test_what_was_typed_stays_where_it_is_wrong(bench: Bench) -> None:
    attempt = accepted(bench.journal, offer())
    screen = BenchScreen(bench, "Lena")
    async with screen.run_test(size=(140, 40)) as pilot:
        await pilot.press("m", *"bore=8", "enter")
        await pilot.pause()
        assert screen.screen.query_one(Input).value == "bore=8"
        assert "bore=8.0/8.03" in str(screen.screen.query_one(".wrong", Static).render())
        await pilot.press(*"/8.1", "enter")
        await pilot.press("t", *"packing 2,5", "enter")
        await pilot.pause()
    account = account_of(bench.journal, attempt.row)
    assert [(one.name, one.measured_mm) for one in account.sizes] == [("bore", 8.1)]
    assert account.person_seconds == (("packing", 150.0),)


async def test_pieces_are_judged_and_made_by_hand(bench: Bench) -> None:
    attempt = made(bench.journal, accepted(bench.journal, offer(quantity=3)), PieceState.MADE, PieceState.MADE)
    screen = BenchScreen(bench, "Lena")
    async with screen.run_test(size=(140, 40)) as pilot:
        await pilot.press("plus", "minus")
        await pilot.pause()
        now = bench.journal.attempt(attempt.row)
        assert (now.good, now.scrap) == (1, 1)
        await pilot.press("h", *"3/1", "enter")
        await pilot.pause()
        assert "by itself" in str(screen.screen.query_one(".wrong", Static).render())


def shown_lines(screen: BenchScreen) -> list[str]:
    """What stands on the terminal, line by line."""
    return ["".join(segment.text for segment in strip).rstrip() for strip in screen.screen._compositor.render_strips()]


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_nothing_is_cut_off_however_many_machines_there_are_and_however_long_their_names(
    bench: Bench, manual_clock: ManualClock, size: tuple[int, int]
) -> None:
    long = "the small printer by the window with a very long name that somebody gave it"
    machines = tuple(bench.config.machine[0].model_copy(update={"id": f"m{n}", "name": f"{long} {n}"}) for n in range(12))
    crowded = Bench(bench.config.model_copy(update={"machine": machines}), bench.journal)
    alive(crowded.config, manual_clock)
    screen = BenchScreen(crowded, "Lena")
    async with screen.run_test(size=size) as pilot:
        await pilot.pause()
        lines = shown_lines(screen)
    told = " ".join(line.strip() for line in lines)
    for expected in (
        "Machines (12)",
        "waits for",
        "Offers (0)",
        "On the benches (0)",
        "s STOP",
        "b back",
        "n walk-in",
        f"{long} 0: ready.",
    ):
        assert expected in told, told
    assert len(lines) == size[1] and all(len(line) <= size[0] for line in lines)


async def test_on_a_small_terminal_a_key_says_nothing_of_a_row_that_cannot_be_seen(bench: Bench) -> None:
    offered(bench.journal, offer())
    screen = BenchScreen(bench, "Lena")
    async with screen.run_test(size=(80, 24)) as pilot:
        await pilot.press("a")
        await pilot.pause()
        assert screen.now == "offers" and bench.journal.offers()[0].answer == ""
        await pilot.press("a")
        await pilot.pause()
        assert bench.journal.offers()[0].answer == "accept"
        await pilot.press("tab")
        assert screen.now == "benches"


async def test_a_walk_in_is_taken_and_what_is_wrong_with_it_keeps_the_lines(bench: Bench) -> None:
    screen = BenchScreen(bench, "Lena")
    async with screen.run_test(size=(80, 24)) as pilot:
        await pilot.press("down", "down", "n", *"a shelf", "enter", "enter", "backspace", *"two")
        for _ in range(4):
            await pilot.press("enter")
        await until(lambda: "two" in str(screen.screen.query_one(".wrong", Static).render()))
        screen.screen.query(Input)[2].value = "2"
        await pilot.press("enter")
        await until(lambda: bench.journal.attempts())
    (attempt,) = bench.journal.attempts()
    assert attempt.walk_in and attempt.machine_id == "saw" and (attempt.offer.title, attempt.offer.quantity) == ("a shelf", 2)


async def test_what_the_gate_refuses_is_told_line_by_line(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "bad.nc").write_text("G21\nG90\nM500\nM502\n", encoding="utf-8")
    attempt = accepted(bench.journal, offer(machine_id="mill"))
    screen = BenchScreen(bench, "Lena")
    async with screen.run_test(size=(140, 40)) as pilot:
        await pilot.press("l")
        screen.screen.query_one(Input).value = str(tmp_path / "bad.nc")
        await pilot.press("enter")
        await until(lambda: "M500" in str(screen.screen.query_one(".wrong", Static).render()))
        assert len(str(screen.screen.query_one(".wrong", Static).render()).splitlines()) > 1
    assert bench.journal.attempt(attempt.row).toolpath is None


async def test_an_alarm_is_helped_with_two_keys(bench: Bench) -> None:
    cnc = bench.config.machine[1].model_copy(update={"id": "cnc", "control": "grbl", "port": "/dev/null"})
    at_cnc = Bench(bench.config.model_copy(update={"machine": (cnc,)}), bench.journal)
    screen = BenchScreen(at_cnc, "Lena")
    async with screen.run_test(size=(80, 24)) as pilot:
        await pilot.press("k", "escape", "z", "y")
        await pilot.pause()
    assert said(at_cnc, "cnc") == ["home 1 Lena"]


async def test_what_came_to_nothing_is_read_below_its_row_and_d_puts_it_away(bench: Bench) -> None:
    order = walk_ins.take(bench, "saw", Wanted("a hook", 1))
    attempt_steps.release(bench.journal, bench.journal.attempts()[0], [reason("slicer.failed", "nothing touches the bed")])
    screen = BenchScreen(bench, "Lena")
    async with screen.run_test(size=(80, 24)) as pilot:
        await pilot.press("tab", "tab")
        await pilot.pause()
        shown = " ".join(line.strip() for line in shown_lines(screen))
        assert "walk-in: a hook" in shown and "could not be made" in shown and "d read" in shown
        detail = str(screen.query_one("#detail", Static).render())
        assert order in detail and "nothing touches the bed. Look at the part" in detail and "Press d once you have read it" in detail
        await pilot.press("plus")  # nothing of it can be judged any more, and the screen says so and goes on
        await pilot.press("d")
        await pilot.pause()
        assert words_on(screen, "benches") == ""
        await pilot.press("d")
    assert given_back(bench.journal) == []


async def test_an_order_that_came_to_nothing_and_was_taken_again_has_a_row_for_each(bench: Bench) -> None:
    first = accepted(bench.journal, offer())
    attempt_steps.release(bench.journal, first, [reason("slicer.failed", "nothing touches the bed")])
    heard(bench.journal)
    accepted(bench.journal, offer(), 2)
    screen = BenchScreen(bench, "Lena")
    async with screen.run_test(size=(140, 40)) as pilot:
        await pilot.pause()
        assert words_on(screen, "benches").count("gear of Coffee grinder") == 2
        await pilot.press("d")
        await pilot.pause()
        assert words_on(screen, "benches").count("gear of Coffee grinder") == 1
    assert given_back(bench.journal) == [] and len(bench.journal.attempts()) == 1


async def test_a_report_that_the_router_did_not_take_is_sent_again_with_one_key(bench: Bench) -> None:
    reported(bench.journal)
    answer(bench.journal, "attempt.given_elsewhere")
    screen = BenchScreen(bench, "Lena")
    async with screen.run_test(size=(80, 24)) as pilot:
        await pilot.press("tab", "tab")
        await pilot.pause()
        shown = " ".join(line.strip() for line in shown_lines(screen))
        assert "the router did not take its report" in shown and "e send again" in shown
        assert "e sends it again" in str(screen.query_one("#detail", Static).render())
        await pilot.press("e")
        await pilot.pause()
    (event,) = bench.journal.unsettled()
    assert event.complete.signed == SIGNED


async def test_a_machine_is_looked_after_drained_counted_and_maintained_with_keys(bench: Bench) -> None:
    made(bench.journal, accepted(bench.journal, offer()), PieceState.GOOD)
    screen = BenchScreen(bench, "Lena")
    async with screen.run_test(size=(80, 24)) as pilot:
        await pilot.press("v", *"away", "enter")
        await pilot.pause()
        service = service_of(bench.journal, "mk3")
        assert service is not None and (service.mode, service.why, service.who) == (Mode.DRAIN, "away", "Lena")
        await pilot.press("i", "enter")
        await pilot.pause()
        service = service_of(bench.journal, "mk3")
        assert service is not None and service.mode is Mode.MAINTENANCE
        await pilot.press("b")
        assert service_of(bench.journal, "mk3") is None
        await pilot.press("y")
        assert "in 199 h of running" in str(screen.screen.query(Static)[0].render())
        await pilot.press("enter")  # what is due first stands there already
        await pilot.pause()
        assert upkeep_of(bench.journal, bench.machine("mk3"))[0].ran_hours == 0.0
        await pilot.press("c", "enter", "enter", "enter")  # a touch too early is not "nothing is left"
        await pilot.pause()
        assert screen.screen.query_one(".wrong", Static).render()
        await pilot.press("shift+tab", *"much", "enter", "enter")
        await pilot.pause()
        assert "'much'" in str(screen.screen.query_one(".wrong", Static).render())
        screen.screen.query(Input)[1].value = "640"
        await pilot.press("enter")
        await pilot.pause()
    card = look(bench.config, bench.journal).machine("mk3")
    assert card is not None and card.stock == (("pla", 640.0, 0),)
