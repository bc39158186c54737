# SPDX-License-Identifier: AGPL-3.0-or-later
"""A garage works for years on one card: what nobody needs any more goes, and what anybody may still need stays."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from clocks import ManualClock
from small_shop import offer, shop

from commonfab import v1
from shop_agent.bench.waiting import Bell
from shop_agent.housekeeping import FIRST_SECONDS, keep_house
from shop_agent.journal import attempt_steps, words
from shop_agent.journal.book import Journal, open_journal
from shop_agent.journal.given_back import given_back
from shop_agent.journal.settling import note_offers, settle
from shop_agent.loop import Agent
from shop_agent.people.accounts import note_photograph
from shop_agent.people.promised import promised_grams
from shop_agent.photographs import PhotographSender

DAY = 86_400.0
TABLES = ("offers", "readiness", "words", "given_back", "photographs", "events")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def journal(tmp_path: Path, clock: ManualClock) -> Iterator[Journal]:
    with contextlib.closing(open_journal(shop(tmp_path), clock)) as opened:
        opened.connection.execute("PRAGMA synchronous = OFF")
        yield opened


def counts(journal: Journal) -> dict[str, int]:
    return {table: journal.connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES}


def stand(journal: Journal, *orders: str) -> None:
    with journal.change() as connection:
        note_offers(connection, [offer(order) for order in orders], journal.clock.now())


def receive(journal: Journal) -> None:
    """The router has heard everything, and what was accepted lies on the bench."""
    with journal.change() as connection:
        for event in journal.unsettled():
            receipt = v1.Receipt(event_id=event.id)
            if event.HasField("accept"):
                receipt.attempt.CopyFrom(v1.AttemptRef(work_order_id=event.accept.work_order_id, number=1, epoch=1))
            settle(connection, receipt)


def picture(journal: Journal, folder: Path, order: str, age: float = DAY) -> Path:
    """A photograph of an order, brought so long ago."""
    brought = folder / f"{order}.png"
    brought.write_bytes(order.encode())
    sha256 = note_photograph(journal, order, brought, folder / "shop-data")
    kept = folder / "shop-data" / "photographs" / f"{sha256}.png"
    os.utime(kept, (journal.clock.now() - age,) * 2)
    return kept


def live_a_day(journal: Journal, folder: Path, number: int) -> None:
    """An order that is made and photographed, one that is declined, one that lapses, and one that is given back."""
    made, declined, lapsed, back = (f"{what}-{number}" for what in ("made", "declined", "lapsed", "back"))
    stand(journal, made, declined, lapsed, back)
    journal.decide(made, accept=True)
    journal.decide(back, accept=True)
    journal.decide(declined, accept=False)
    receive(journal)
    journal.mark_ready("mk3", "Lena")
    words.say(journal, "mk3", words.Kind.PAUSE, "Lena")
    words.heard(journal, words.unheard(journal, "mk3")[0])
    for attempt in journal.attempts():
        picture(journal, folder, attempt.ref.work_order_id)
        if attempt.ref.work_order_id == back:
            attempt_steps.release(journal, attempt, [v1.Reason(code="machine.away", message="it was away")])
        else:
            with journal.change() as connection:
                connection.execute("UPDATE attempts SET start_asked = 1, leave = 1 WHERE row = ?", (attempt.row,))
            assert attempt_steps.begin_piece(journal, journal.attempt(attempt.row))
            attempt_steps.take_back_piece(journal, attempt, 1)
            journal.note_busy("mk3", "the owner's own work")
            journal.note_busy("mk3", "")
            attempt_steps.complete(journal, journal.attempt(attempt.row), v1.SignedWork())
    receive(journal)
    stand(journal)


async def test_a_year_leaves_no_more_than_its_last_month_and_the_record_of_what_was_made(
    journal: Journal, clock: ManualClock, tmp_path: Path
) -> None:
    kept: list[Path] = []

    async def upload(file: Path) -> None:
        kept.append(file)

    sender = PhotographSender(journal, upload, Bell(clock))
    for number in range(365):
        live_a_day(journal, tmp_path, number)
        assert await sender.send_all()
        keep_house(journal, tmp_path / "shop-data")
        clock.advance(DAY)
    keep_house(journal, tmp_path / "shop-data")
    left = counts(journal)
    assert left["offers"] <= 4 * 31
    assert {table: left[table] for table in ("readiness", "words", "given_back", "photographs", "events")} == {
        "readiness": 1,
        "words": 1,
        "given_back": 1,
        "photographs": 0,
        "events": 0,
    }
    assert len(kept) == 365 and not list((tmp_path / "shop-data" / "photographs").iterdir())
    assert len(journal.history()) == 2 * 365


def test_an_offer_stays_as_long_as_anything_hangs_on_it(journal: Journal, clock: ManualClock, tmp_path: Path) -> None:
    stand(journal, "standing", "on-the-way", "on-the-bench", "declined-unheard", "over", "lapsed")
    for order in ("on-the-bench", "over"):
        journal.decide(order, accept=True)
    receive(journal)
    attempt_steps.release(journal, next(one for one in journal.attempts() if one.ref.work_order_id == "over"), [])
    receive(journal)
    journal.decide("on-the-way", accept=True)
    journal.decide("declined-unheard", accept=False)
    stand(journal, "standing")
    clock.advance(31 * DAY)
    promised = promised_grams(journal, shop(tmp_path).machine[0])
    keep_house(journal, tmp_path / "shop-data")
    found = {row[0] for row in journal.connection.execute("SELECT work_order_id FROM offers")}
    assert found == {"standing", "on-the-way", "on-the-bench", "declined-unheard"}
    assert promised_grams(journal, shop(tmp_path).machine[0]) == promised == {"pla": 9.0}
    receive(journal)  # its receipt still finds what was accepted
    assert {one.ref.work_order_id for one in journal.attempts()} == {"on-the-bench", "on-the-way"}


def test_words_that_still_hold_stay_and_an_older_word_never_counts_as_a_newer_one(
    journal: Journal, clock: ManualClock, tmp_path: Path
) -> None:
    journal.mark_ready("mk3", "Lena")
    said = journal.ready("mk3")
    words.say(journal, "mk3", words.Kind.PAUSE, "Lena")
    clock.advance(40 * DAY)
    keep_house(journal, tmp_path / "shop-data")
    assert journal.ready("mk3") == said is not None and len(words.unheard(journal, "mk3")) == 1
    journal.note_busy("mk3", "something")
    journal.note_busy("mk3", "")
    keep_house(journal, tmp_path / "shop-data")
    assert counts(journal)["readiness"] == 0
    journal.mark_ready("mk3", "Jo")
    later = journal.ready("mk3")
    assert later is not None and later.sequence > said.sequence


def test_what_came_to_nothing_is_shown_for_its_day(journal: Journal, clock: ManualClock, tmp_path: Path) -> None:
    stand(journal, "wo-1")
    journal.decide("wo-1", accept=True)
    receive(journal)
    attempt_steps.release(journal, journal.attempts()[0], [v1.Reason(code="machine.away", message="it was away")])
    clock.advance(DAY - 1)
    keep_house(journal, tmp_path / "shop-data")
    assert len(given_back(journal)) == 1


def test_pictures_of_work_that_came_to_nothing_go_and_those_that_are_waited_for_stay(
    journal: Journal, clock: ManualClock, tmp_path: Path
) -> None:
    stand(journal, "wo-1", "wo-2")
    for order in ("wo-1", "wo-2"):
        journal.decide(order, accept=True)
    receive(journal)
    dropped, waits = picture(journal, tmp_path, "wo-1"), picture(journal, tmp_path, "wo-2")
    attempt_steps.drop(journal, journal.attempts()[0])
    folder = dropped.parent
    cut_off, just_brought = folder / "old.png", folder / f"{hashlib.sha256(b'new').hexdigest()}.png"
    for file, age in ((cut_off, 2 * 3600.0), (just_brought, 10.0)):
        file.write_bytes(b"")
        os.utime(file, (clock.now() - age,) * 2)
    keep_house(journal, tmp_path / "shop-data")
    assert set(folder.iterdir()) == {waits, just_brought}


async def test_an_agent_clears_away_each_day_and_not_before_it_can_know_the_day(
    clock: ManualClock, journal: Journal, tmp_path: Path
) -> None:
    stand(journal, "wo-1")
    journal.decide("wo-1", accept=False)
    receive(journal)
    stand(journal)
    agent = Agent(shop(tmp_path), journal, [], None, b"", Bell(clock), None, None)  # type: ignore[arg-type]
    keeping = asyncio.create_task(agent._keep_house())
    left = []
    for seconds in (0.0, FIRST_SECONDS, 29 * DAY, DAY, DAY):
        clock.advance(seconds)
        for _ in range(5):
            await asyncio.sleep(0)
        left.append(counts(journal)["offers"])
    keeping.cancel()
    assert left == [1, 1, 1, 0, 0]
