# SPDX-License-Identifier: AGPL-3.0-or-later
"""Work by hand: a person begins, says how many are made, and is believed; on a real agent, against a router of its own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from clocks import ManualClock
from small_shop import SHOP, SmallRouter, offer, served, shop, until

from commonfab import v1
from commonfab.errors import Refused
from commonfab.identity import signature_holds
from shop_agent import agent
from shop_agent.config import ShopConfig
from shop_agent.desk import actions
from shop_agent.journal import words
from shop_agent.journal.book import Journal, open_journal
from shop_agent.journal.records import Toolpath
from shop_agent.journal.words import Kind
from shop_agent.machines import Standing
from shop_agent.machines.by_hand import ByHand
from shop_agent.machines.worked_time import LONGEST_GAP_SECONDS, LONGEST_PIECE_SECONDS

BRACKET = Toolpath("", "", 600, 0)
DRILL: dict[str, object] = {
    "control": "by_hand",
    "process": "drilling",
    "materials": ["aluminium"],
    "starts_itself": False,
    "clears_itself": False,
}


class SetClock(ManualClock):
    """One whose time on the wall is set by somebody."""

    wrong_by = 0.0

    def now(self) -> float:
        return super().now() + self.wrong_by


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


def drill_press(folder: Path, clock: ManualClock) -> ByHand:
    return ByHand(shop(folder, **DRILL).machine[0], folder, clock)


async def begun(folder: Path, clock: ManualClock, name: str = "a") -> ByHand:
    drill = drill_press(folder, clock)
    await drill.prepare(BRACKET, name)
    await drill.start(name)
    return drill


@pytest.mark.parametrize(("good", "standing"), [(True, Standing.DONE), (False, Standing.FAILED)])
async def test_a_person_says_when_a_piece_is_done_and_whether_it_is_good(
    tmp_path: Path, clock: SetClock, good: bool, standing: Standing
) -> None:
    drill = drill_press(tmp_path, clock)
    assert (await drill.state("a")).standing is Standing.NOT_HERE
    await drill.prepare(BRACKET, "a")
    assert (await drill.state("a")).standing is Standing.HERE and (await drill.state("a")).free
    await drill.start("a")
    clock.advance(150)
    look = await drill.state("a")
    assert (look.standing, look.busy_with, look.progress, look.remaining_seconds) == (Standing.RUNNING, "a", pytest.approx(0.25), 450)
    clock.advance(5000)
    assert (await drill.state("a")).standing is Standing.RUNNING  # however long it takes
    await drill.told("a", good)
    look = await drill.state("a")
    assert (look.standing, look.seconds, look.judged, look.free) == (standing, 5150, True, True)
    with pytest.raises(Refused):
        await drill.start("a")


async def test_a_break_is_not_work(tmp_path: Path, clock: SetClock) -> None:
    drill = await begun(tmp_path, clock)
    clock.advance(100)
    await drill.pause("a")
    clock.advance(3000)
    assert (await drill.state("a")).paused
    await drill_press(tmp_path, clock).pause("a")  # said again, after a restart
    await drill.resume("a")
    clock.advance(20)
    await drill.told("a", True)
    assert (await drill.state("a")).seconds == 120


async def test_what_is_begun_outlives_the_agent_and_nothing_else_begins_meanwhile(tmp_path: Path, clock: SetClock) -> None:
    await begun(tmp_path, clock)
    clock.advance(200)
    drill = drill_press(tmp_path, clock)
    look = await drill.reconcile("a")
    assert (look.standing, look.seconds) == (Standing.RUNNING, 200)
    await drill.prepare(BRACKET, "b")
    with pytest.raises(Refused) as refused:
        await drill.start("b")
    assert refused.value.code == "machine.busy" and (await drill.state("b")).busy_with == "a"


@pytest.mark.parametrize("jump", [86_400.0, -86_400.0])
async def test_a_clock_that_jumps_by_a_day_changes_no_seconds_while_the_agent_runs(tmp_path: Path, clock: SetClock, jump: float) -> None:
    drill = await begun(tmp_path, clock)
    clock.advance(300)
    await drill.state("a")
    clock.wrong_by = jump
    clock.advance(60)
    await drill.told("a", True)
    assert (await drill.state("a")).seconds == 360


@pytest.mark.parametrize(("jump", "seconds"), [(86_400.0, LONGEST_GAP_SECONDS), (-86_400.0, 0.0)])
async def test_a_clock_that_jumped_while_the_agent_was_away_adds_an_hour_at_most_and_takes_nothing(
    tmp_path: Path, clock: SetClock, jump: float, seconds: float
) -> None:
    drill = await begun(tmp_path, clock)
    clock.advance(120)
    await drill.state("a")  # written down
    clock.wrong_by = jump
    drill = drill_press(tmp_path, clock)
    await drill.reconcile("a")
    clock.advance(10)
    await drill.told("a", True)
    assert (await drill.state("a")).seconds == 120 + seconds + 10


async def test_a_piece_that_was_forgotten_over_a_holiday_counts_a_day(tmp_path: Path, clock: SetClock) -> None:
    drill = await begun(tmp_path, clock)
    clock.advance(20 * 86_400)
    await drill.told("a", True)
    assert (await drill.state("a")).seconds == LONGEST_PIECE_SECONDS


async def test_what_was_never_begun_cannot_be_told(tmp_path: Path, clock: SetClock) -> None:
    drill = drill_press(tmp_path, clock)
    await drill.prepare(BRACKET, "a")
    await drill.told("a", True)
    await drill.stop("a")
    assert (await drill.state("a")).standing is Standing.HERE


async def test_the_state_file_does_not_grow_with_the_years(tmp_path: Path, clock: SetClock) -> None:
    drill = drill_press(tmp_path, clock)
    for number in range(220):
        await drill.prepare(BRACKET, f"p{number}")
        await drill.start(f"p{number}")
        await drill.told(f"p{number}", True)
        await drill.forget(f"p{number}")
    (file,) = tmp_path.glob("by-hand-*.json")
    assert file.stat().st_size < 20_000 and (await drill.state("p219")).standing is Standing.DONE


@contextlib.asynccontextmanager
async def at_work(folder: Path, router: SmallRouter, **machine: object) -> AsyncIterator[tuple[ShopConfig, Journal]]:
    """A real agent on the small router; and the journal, as a desk opens it."""
    async with served(router) as address:
        config = shop(folder, node=address, accept="always", **(DRILL | machine))
        task = asyncio.create_task(agent.run(config))
        await until(lambda: router.requests or task.done())
        with contextlib.closing(open_journal(config)) as journal:
            try:
                yield config, journal
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)


def brackets(quantity: int, order: str = "wo-1") -> v1.Offer:
    needs = v1.Requirement(process="drilling", material="aluminium", size_mm=v1.Size(x=20, y=20, z=10))
    return offer(order, quantity=quantity, requirement=needs)


async def ready(journal: Journal, order: str) -> None:
    """Lena says that she begins, once it is on the bench and prepared."""
    await until(lambda: any(attempt.ref.work_order_id == order and attempt.toolpath for attempt in journal.attempts()))
    journal.mark_ready("mk3", "Lena")


def pieces(router: SmallRouter) -> tuple[int, int]:
    told = [(status.pieces_good, status.pieces_scrap) for request in router.requests for status in request.attempts]
    return told[-1] if told else (0, 0)


async def test_an_order_of_twelve_is_made_by_hand_and_reported_signed(tmp_path: Path) -> None:
    router = SmallRouter()
    async with at_work(tmp_path, router) as (_, journal):
        router.put_up(brackets(12))
        await until(lambda: router.attempts)
        waiting = v1.ATTEMPT_PHASE_WAITING_FOR_PERSON
        await until(lambda: any(status.phase == waiting for request in router.requests for status in request.attempts))
        assert not router.started  # it waits for the person
        journal.mark_ready("mk3", "Lena")
        await until(lambda: router.started)
        words.say(journal, "mk3", Kind.GOOD, "Lena", 5)
        await until(lambda: pieces(router) == (5, 0))
        words.say(journal, "mk3", Kind.SCRAP, "Lena")
        await until(lambda: pieces(router) == (5, 1))
        words.say(journal, "mk3", Kind.GOOD, "Lena", 7)
        await until(lambda: router.ended.get("wo-1") == "complete")
        (signed,) = router.reports
        work = v1.CompletedWork.FromString(signed.work)
        assert signature_holds(signed)
        assert (work.shop_id, work.control, work.pieces_good, work.pieces_scrap) == (SHOP, "by_hand", 12, 1)
        assert work.toolpath_sha256 == "" and not words.unheard(journal, "mk3")


async def test_spoiled_pieces_told_with_the_last_good_ones_cost_the_order_none_of_them(tmp_path: Path) -> None:
    """One spoiled piece is put up with. What was made all the same is counted before the order could be given up over the others."""
    router = SmallRouter()
    async with at_work(tmp_path, router) as (config, journal):
        router.put_up(brackets(3))
        await ready(journal, "wo-1")
        await until(lambda: any(attempt.leave for attempt in journal.attempts()))  # the router says so before the agent hears it
        actions.made(actions.Bench(config, journal), "wo-1", good=3, scrap=2, who="Lena")
        await until(lambda: router.ended)
        assert router.ended == {"wo-1": "complete"}
        work = v1.CompletedWork.FromString(router.reports[0].work)
        assert (work.pieces_good, work.pieces_scrap) == (3, 2)


async def test_pieces_told_beyond_the_order_are_not_counted_for_the_next_one(tmp_path: Path) -> None:
    router = SmallRouter()
    async with at_work(tmp_path, router) as (_, journal):
        router.put_up(brackets(2, "wo-1"))
        await ready(journal, "wo-1")
        await until(lambda: router.started)
        router.put_up(brackets(3, "wo-2"))
        words.say(journal, "mk3", Kind.GOOD, "Lena", 5)
        await until(lambda: router.ended.get("wo-1") == "complete")
        await until(lambda: not words.unheard(journal, "mk3"))
        await ready(journal, "wo-2")
        await until(lambda: "wo-2" in router.started)
        await until(lambda: any(attempt.piece_begun for attempt in journal.attempts()))
        assert pieces(router) == (0, 0)


async def test_a_piece_told_good_is_not_asked_about_again_where_a_person_judges(tmp_path: Path) -> None:
    router = SmallRouter()
    async with at_work(tmp_path, router, judged_by="person") as (_, journal):
        router.put_up(brackets(1))
        await ready(journal, "wo-1")
        await until(lambda: router.started)
        words.say(journal, "mk3", Kind.GOOD, "Lena")
        await until(lambda: router.ended.get("wo-1") == "complete")


async def test_work_that_is_cancelled_is_stopped_by_the_person_who_does_it(tmp_path: Path) -> None:
    """The agent cannot take the piece out of somebody's hands: it asks, and what was made until then is reported."""
    router = SmallRouter()
    async with at_work(tmp_path, router) as (_, journal):
        router.put_up(brackets(3))
        await ready(journal, "wo-1")
        await until(lambda: router.started)
        words.say(journal, "mk3", Kind.GOOD, "Lena")
        await until(lambda: pieces(router) == (1, 0))
        router.wish("wo-1", v1.WISH_STOP)
        waiting = lambda: any(attempt.piece_begun and attempt.wish == v1.WISH_STOP for attempt in journal.attempts())  # noqa: E731
        await until(waiting)
        assert "wo-1" not in router.ended
        words.say(journal, "mk3", Kind.STOP, "Lena")
        await until(lambda: router.ended.get("wo-1") == "fail")
        work = v1.CompletedWork.FromString(router.reports[0].work)
        assert (work.pieces_good, work.pieces_scrap) == (1, 1)


async def test_after_a_restart_the_piece_is_still_begun_and_is_told_once(tmp_path: Path) -> None:
    router = SmallRouter()
    async with at_work(tmp_path, router) as (_, journal):
        router.put_up(brackets(2))
        await ready(journal, "wo-1")
        await until(lambda: any(attempt.piece_begun for attempt in journal.attempts()))
    async with at_work(tmp_path, router) as (_, journal):
        words.say(journal, "mk3", Kind.GOOD, "Lena", 2)
        await until(lambda: router.ended.get("wo-1") == "complete")
        assert v1.CompletedWork.FromString(router.reports[0].work).pieces_good == 2
