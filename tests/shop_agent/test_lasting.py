# SPDX-License-Identifier: AGPL-3.0-or-later
"""A year in a garage: the journal grows and the agent stays as quick, clocks come round to the same minute again, disks are full while the
router speaks, and what one record lacks holds up no other."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import grpc
import pytest
from clocks import ManualClock
from small_disks import disk_of, fill
from small_shop import SmallRouter, offer, served, shop, until, write_shop
from test_surviving import PIECE, JumpingClock, garage, made, names, resin

from commonfab import v1
from commonfab.errors import Refused, status_of
from shop_agent.bench.preparation import Preparation
from shop_agent.bench.waiting import Bell
from shop_agent.config import load_config
from shop_agent.journal import attempt_steps, freshness, outbox, words
from shop_agent.journal.book import Journal, open_journal
from shop_agent.journal.records import PieceRecord, PieceState, Toolpath
from shop_agent.journal.sums import seconds_run, sum_up, used_by
from shop_agent.loop import Agent
from shop_agent.photographs import PhotographSender

HOUR = 3600.0


@pytest.fixture
def clock() -> JumpingClock:
    return JumpingClock()


@pytest.fixture
def journal(tmp_path: Path, clock: JumpingClock) -> Journal:
    return open_journal(shop(tmp_path), clock)


def lay(journal: Journal, order: str, ended: str = "", pieces: int = 0) -> int:
    """An order on the bench of mk3; where it has ended, the router has heard it."""
    with journal.change() as connection:
        row: int = connection.execute(
            "INSERT INTO attempts (work_order_id, number, epoch, offer, machine_id, start_asked, leave, ended, settled)"
            " VALUES (?, 1, 1, ?, 'mk3', 1, 1, ?, ?) RETURNING row",
            (order, offer(order, quantity=9).SerializeToString(), ended, bool(ended)),
        ).fetchone()[0]
        for number in range(1, pieces + 1):
            connection.execute(
                "INSERT INTO pieces (attempt, number, state, began_at, seconds, grams) VALUES (?, ?, 'good', 1, 60, 2)", (row, number)
            )
    return row


# Clocks.


def test_go_is_not_good_again_when_a_clock_that_was_set_back_comes_round(journal: Journal, clock: JumpingClock) -> None:
    journal.mark_ready("mk3", "Lena", ("go",))
    said = journal.ready("mk3")
    assert said is not None and said.confirms == {"go"}
    clock.wall -= HOUR
    clock.passed += HOUR
    later = journal.ready("mk3")
    assert later is not None and later.confirms == frozenset()


def test_go_is_not_good_after_a_power_cut_whatever_the_clock_says(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Raspberry Pi without a battery begins with the time at which it was switched off, or an hour before."""
    journal.mark_ready("mk3", "Lena", ("go",))
    words.say(journal, "mk3", words.Kind.RESUME, "Lena")
    (tmp_path / "boot_id").write_text("another start of this computer\n", encoding="utf-8")
    monkeypatch.setattr(freshness, "BOOT_ID", tmp_path / "boot_id")
    said = journal.ready("mk3")
    assert said is not None and said.confirms == frozenset()
    assert words.too_late(journal, words.unheard(journal, "mk3")[0])


def test_resume_is_not_carried_out_when_a_clock_that_was_set_back_comes_round(journal: Journal, clock: JumpingClock) -> None:
    words.say(journal, "mk3", words.Kind.RESUME, "Lena")
    assert not words.too_late(journal, words.unheard(journal, "mk3")[0])
    clock.wall -= HOUR
    clock.passed += HOUR
    assert words.too_late(journal, words.unheard(journal, "mk3")[0])


def test_a_spoiled_piece_lies_on_the_bed_though_the_clock_was_set_back_meanwhile(journal: Journal, clock: JumpingClock) -> None:
    row = lay(journal, "wo-1")
    for number, state in ((1, PieceState.GOOD), (2, PieceState.SCRAP)):
        assert attempt_steps.begin_piece(journal, journal.attempt(row))
        attempt_steps.finish_piece(journal, journal.attempt(row), PieceRecord(number, state, 1, 1))
        clock.wall -= 24 * HOUR
    assert journal.bed_in_doubt("mk3")


# Disks, and programs that hold the journal.


async def test_a_full_disk_while_the_router_speaks_does_not_close_the_shop(tmp_path: Path) -> None:
    """What the router said and could not be written down is told again."""
    router = SmallRouter()
    with disk_of(4 * 1024 * 1024, tmp_path / "card") as card:
        async with served(router) as address, garage(write_shop(card, address, speed_factor=600, **PIECE)) as kept:
            await until(lambda: router.requests)
            ballast = fill(card)
            router.put_up(resin())
            await asyncio.sleep(1)
            assert not kept.running.done(), "the agent lives on"
            ballast.unlink()
            await until(lambda: router.ended.get("wo-1") == "complete")
            assert made(kept.config) == names(1)


@pytest.mark.slow
async def test_a_journal_that_another_program_holds_does_not_close_the_shop(tmp_path: Path) -> None:
    router = SmallRouter()
    async with served(router) as address, garage(write_shop(tmp_path, address, speed_factor=600, **PIECE)) as kept:
        await until(lambda: router.requests)
        other = sqlite3.connect(kept.config.data_dir / "agent.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        router.put_up(resin())
        await asyncio.sleep(11)  # longer than SQLite waits for its turn
        other.execute("ROLLBACK")
        await until(lambda: router.ended.get("wo-1") == "complete")
        assert not kept.running.done() and made(kept.config) == names(1)


async def test_a_trouble_that_lasts_is_logged_once_and_a_refusal_ends_the_part(
    manual_clock: ManualClock, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    tries = 0

    async def part() -> None:
        nonlocal tries
        tries += 1
        if tries > 5:
            raise Refused("shop.replaced", "garage")
        raise sqlite3.OperationalError("database or disk is full")

    journal = open_journal(shop(tmp_path), manual_clock)
    agent = Agent(shop(tmp_path), journal, [], None, b"", Bell(manual_clock), None, None)  # type: ignore[arg-type]
    with caplog.at_level(logging.ERROR):
        working = asyncio.create_task(agent._lives_on("speaking", part))
        while not working.done():
            await asyncio.sleep(0)
            manual_clock.advance(1)
    with pytest.raises(Refused):
        working.result()
    assert tries == 6 and len(caplog.records) == 1


# One record, and all the others.


async def test_an_outbox_of_many_weeks_reaches_the_router_in_several_calls(tmp_path: Path) -> None:
    """gRPC takes messages of at most 4 MB: an outbox that has grown larger must not stand still for ever."""
    router = SmallRouter()
    async with served(router) as address, garage(write_shop(tmp_path, address, speed_factor=600, **PIECE)) as kept:
        await until(lambda: router.requests)
        signed = v1.SignedWork(work=b"w" * 60_000)
        with kept.journal.change() as connection:
            for number in range(100):
                outbox.put(connection, v1.ShopEvent(id=f"event-{number}", walk_in=v1.WalkIn(signed=signed)))
        await until(lambda: not kept.journal.unsettled())
        assert [event for event in router.seen_events if event.startswith("event-")] == [f"event-{number}" for number in range(100)]


async def test_work_on_a_machine_that_was_sold_and_that_the_router_gave_to_others_is_no_reason_to_call_all_the_time(tmp_path: Path) -> None:
    router = SmallRouter()
    async with served(router) as address:
        file = write_shop(tmp_path, address)
        with contextlib.closing(open_journal(load_config(file))) as before:
            lay(before, "wo-9")
            before.connection.execute("UPDATE attempts SET machine_id = 'sold'")
        async with garage(file) as kept:
            await until(lambda: router.held)  # it is content to wait for news
            assert [one.work_order_id for one in (held.attempt for request in router.requests for held in request.attempts)] == ["wo-9"]
            assert [one.key for one in kept.journal.attempts()] == ["wo-9-a1-e1"], "it stays until its machine can say what became of it"


class _Choosy:
    """A node that refuses one photograph, for good."""

    def __init__(self, refused: bytes) -> None:
        self.refused = refused
        self.has: list[bytes] = []

    async def upload(self, file: Path) -> None:
        content = await asyncio.to_thread(file.read_bytes)
        if content == self.refused:
            told = status_of(Refused("quota.full", "garage", has=1, more=1, limit=1))
            metadata = grpc.aio.Metadata(*told.trailing_metadata)
            raise grpc.aio.AioRpcError(told.code, grpc.aio.Metadata(), metadata, told.details)
        self.has.append(content)


async def test_a_photograph_that_the_node_refuses_holds_up_no_other(journal: Journal, tmp_path: Path) -> None:
    node, row = _Choosy(b"first"), lay(journal, "wo-1", ended="complete")
    for content in (b"first", b"second"):
        file = tmp_path / content.decode()
        file.write_bytes(content)
        with journal.change() as connection:
            sha256 = hashlib.sha256(content).hexdigest()
            connection.execute("INSERT INTO photographs (attempt, sha256, file) VALUES (?, ?, ?)", (row, sha256, str(file)))
    sender = PhotographSender(journal, node.upload, Bell(journal.clock))
    assert not await sender.send_all()
    assert node.has == [b"second"] and [Path(file).name for _, file in sender.unsent()] == ["first"]


# A year.


def _steps_of(journal: Journal, work: Callable[[], object]) -> int:
    """How much SQLite does for it, in tens of its instructions: the same on every computer."""
    counted = [0]

    def count() -> int:
        counted[0] += 1
        return 0

    journal.connection.set_progress_handler(count, 10)
    work()
    journal.connection.set_progress_handler(None, 0)
    return counted[0]


LOOKS: tuple[tuple[str, Callable[[Journal], object]], ...] = (
    ("attempts", lambda journal: journal.attempts()),
    ("left behind", lambda journal: journal.left_behind("mk3")),
    ("ready", lambda journal: journal.ready("mk3")),
    ("bed in doubt", lambda journal: journal.bed_in_doubt("mk3")),
    ("standing offers", lambda journal: journal.standing()),
    ("unanswered offers", lambda journal: (journal.unconsidered(), journal.unmeasured())),
    ("words", lambda journal: words.unheard(journal, "mk3")),
    ("stock", lambda journal: used_by(journal.connection, "mk3")),
    ("hours", lambda journal: seconds_run(journal.connection, "mk3")),
)


def test_what_the_agent_looks_at_all_the_time_does_not_grow_with_the_years(tmp_path: Path) -> None:
    journal = open_journal(shop(tmp_path))
    journal.connection.execute("PRAGMA synchronous = OFF")
    lay(journal, "wo-now", pieces=1)

    def live(first: int, last: int) -> None:
        for number in range(first, last):
            lay(journal, f"wo-{number}", ended="complete", pieces=2)
            with journal.change() as connection:
                connection.execute("INSERT INTO readiness (machine_id, who, at, used) VALUES ('mk3', 'Lena', 1, 1)")
                connection.execute("INSERT INTO words (machine_id, kind, who, at, heard) VALUES ('mk3', 'pause', 'Lena', 1, 1)")
                connection.execute(
                    "INSERT INTO offers (work_order_id, body, stands, first_seen, answer) VALUES (?, ?, 0, 1, 'accept')",
                    (f"wo-{number}", offer().SerializeToString()),
                )
                while sum_up(connection):
                    pass

    live(0, 10)
    before = {name: _steps_of(journal, lambda look=look: look(journal)) for name, look in LOOKS}  # type: ignore[misc]
    live(10, 600)
    after = {name: _steps_of(journal, lambda look=look: look(journal)) for name, look in LOOKS}  # type: ignore[misc]
    grown = {name: (before[name], after[name]) for name in before if after[name] > before[name] + 5}
    assert not grown
    assert used_by(journal.connection, "mk3") == {"pla": 2 * (2 * 600 + 1)}
    assert seconds_run(journal.connection, "mk3") == 60 * (2 * 600 + 1)


def test_what_is_summed_counts_once_and_what_may_still_run_is_not_summed(journal: Journal) -> None:
    row = lay(journal, "wo-1")
    assert attempt_steps.begin_piece(journal, journal.attempt(row))
    attempt_steps.drop(journal, journal.attempt(row))
    with journal.change() as connection:
        sum_up(connection)
    attempt_steps.finish_piece(journal, journal.attempt(row), PieceRecord(1, PieceState.GOOD, 60, 5))
    assert used_by(journal.connection, "mk3") == {"pla": 5}
    for _ in range(2):
        with journal.change() as connection:
            sum_up(connection)
        assert used_by(journal.connection, "mk3") == {"pla": 5} and seconds_run(journal.connection, "mk3") == 60


async def test_what_was_prepared_long_ago_is_not_remembered(journal: Journal) -> None:
    async def prepare(attempt: object) -> Toolpath:
        return Toolpath("f", "s", 1, 1)

    never: Callable[[object], Awaitable[None]] = prepare  # type: ignore[assignment]
    preparation = Preparation(journal, never, lambda *_: None, lambda *_: None, lambda: None)  # type: ignore[arg-type]
    rows = [lay(journal, f"wo-{number}") for number in range(3)]
    for row in rows:
        preparation.begin(journal.attempt(row))
    await preparation.settled()
    preparation.forget_all_but({rows[-1]})
    assert list(preparation._tasks) == rows[-1:]
