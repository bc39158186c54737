# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whose turn it is on a machine, and what one word of readiness sends off."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from clocks import ManualClock
from small_shop import SHOP, offer, shop

from commonfab import v1
from shop_agent.bench.waiting import Leases, Starts
from shop_agent.bench.work import Bench, Shopfloor
from shop_agent.config import ShopConfig
from shop_agent.journal import attempt_steps
from shop_agent.journal.book import Journal, open_journal
from shop_agent.journal.records import AttemptRecord, Toolpath
from shop_agent.machines import machine_for
from shop_agent.people.bringing import NeedsPerson
from shop_agent.people.walk_in import Wanted, take

CHECKED = Toolpath("", "", 600, 5)


@pytest.fixture
def config(tmp_path: Path) -> ShopConfig:
    return shop(tmp_path, starts_itself=False, clears_itself=False)


@pytest.fixture
def journal(config: ShopConfig, manual_clock: ManualClock) -> Iterator[Journal]:
    with contextlib.closing(open_journal(config, manual_clock)) as opened:
        yield opened


@pytest.fixture
def bench(config: ShopConfig, journal: Journal) -> Bench:
    """A printer that waits for a word. Nothing can be prepared there: somebody must bring it."""

    async def prepare(attempt: AttemptRecord) -> Toolpath:
        raise NeedsPerson("somebody to bring a toolpath")

    async def no_sensors(_: object) -> None:
        return None

    def no_report(attempt: AttemptRecord) -> v1.SignedWork:
        raise AssertionError(f"nothing is finished, and {attempt.key} is not")

    floor = Shopfloor(
        journal,
        Leases(journal.clock),
        prepare,
        no_report,
        scrap_allowed=1,
        hurry=lambda: None,
        hours=lambda facts, seconds: "",
        starts=Starts(journal.clock),
        sensors=no_sensors,
    )
    return Bench(machine_for(config, config.machine[0], journal.clock), floor)


def accepted(journal: Journal, order: str) -> AttemptRecord:
    """Work of the router's, prepared."""
    with journal.change() as connection:
        row = connection.execute(
            "INSERT INTO attempts (work_order_id, number, epoch, offer, machine_id) VALUES (?, 1, 1, ?, 'mk3')",
            (order, offer(order).SerializeToString()),
        ).lastrowid
    assert row is not None
    attempt_steps.note_toolpath(journal, journal.attempt(row), CHECKED)
    return journal.attempt(row)


def walked_in(journal: Journal, config: ShopConfig) -> AttemptRecord:
    """Work of somebody at the door, prepared."""
    take(journal, config, config.machine[0], Wanted("a hook", 1))
    attempt_steps.note_toolpath(journal, journal.attempts()[-1], CHECKED)
    return journal.attempts()[-1]


def heard(bench: Bench, *orders: str) -> None:
    """The router was heard just now: it knows of these."""
    refs = [v1.AttemptRef(work_order_id=order, number=1, epoch=1) for order in orders]
    bench.floor.leases.renew(refs, bench.journal.clock.monotonic(), 60)


def line(bench: Bench) -> list[str]:
    return [attempt.ref.work_order_id.removesuffix(SHOP)[:7] for attempt in bench.line()]


async def test_a_word_that_sent_one_order_off_starts_no_other_when_that_one_comes_to_nothing(journal: Journal, bench: Bench) -> None:
    first, second = accepted(journal, "wo-1"), accepted(journal, "wo-2")
    heard(bench, "wo-1", "wo-2")
    journal.mark_ready("mk3", "Lena")
    await bench.work()
    assert [one.go_by for one in journal.attempts()] == ["Lena", ""]
    attempt_steps.drop(journal, journal.attempt(first.row))  # the router did not give leave
    await bench.work()
    assert journal.attempt(second.row).go_by == "" and "say go" in bench.waits[second.key]
    journal.mark_ready("mk3", "Jo")
    await bench.work()
    assert journal.attempt(second.row).go_by == "Jo"


async def test_work_for_which_nobody_brought_a_toolpath_yet_holds_up_nothing_behind_it(journal: Journal, bench: Bench) -> None:
    first, second = accepted(journal, "wo-1"), accepted(journal, "wo-2")
    heard(bench, "wo-1", "wo-2")
    attempt_steps.forget_toolpath(journal, first)
    await bench.work()
    await asyncio.sleep(0)  # it is found out that somebody must bring it
    await bench.work()
    assert line(bench) == ["wo-2", "wo-1"] and "say go" in bench.waits[second.key]
    attempt_steps.note_toolpath(journal, first, CHECKED)
    assert line(bench) == ["wo-1", "wo-2"]


def test_while_the_router_is_away_a_walk_in_does_not_wait_behind_what_needs_its_leave(
    journal: Journal, bench: Bench, config: ShopConfig, manual_clock: ManualClock
) -> None:
    accepted(journal, "wo-1")
    walked_in(journal, config)
    heard(bench, "wo-1")
    assert line(bench) == ["wo-1", "walk-in"]
    manual_clock.advance(61)
    assert line(bench) == ["walk-in", "wo-1"]
    with journal.change() as connection:
        connection.execute("UPDATE attempts SET leave = 1 WHERE walk_in = 0")
    assert line(bench) == ["wo-1", "walk-in"]  # it may have begun


def test_what_is_on_the_machine_comes_before_whatever_has_leave(journal: Journal, bench: Bench) -> None:
    accepted(journal, "wo-1")
    second = accepted(journal, "wo-2")
    with journal.change() as connection:
        connection.execute("UPDATE attempts SET leave = 1")
    attempt_steps.begin_piece(journal, second)
    assert line(bench) == ["wo-2", "wo-1"]
