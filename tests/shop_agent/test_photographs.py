# SPDX-License-Identifier: AGPL-3.0-or-later
"""What people add to an account reaches the signed report, and photographs reach the node, whenever that is."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from clocks import ManualClock
from small_shop import offer, shop

from commonfab import v1
from commonfab.identity import load_or_make_key
from commonfab.tasks import cancelled
from shop_agent.bench.waiting import Bell
from shop_agent.config import ShopConfig
from shop_agent.journal import attempt_steps
from shop_agent.journal.book import Journal, open_journal
from shop_agent.journal.records import AttemptRecord
from shop_agent.people import accounts
from shop_agent.people.accounts import Size, account_of
from shop_agent.photographs import PhotographSender
from shop_agent.reporting import report


class Node:
    """Takes photographs, but for the first `away` of them."""

    def __init__(self, away: int = 0) -> None:
        self.away = away
        self.has: dict[str, bytes] = {}

    async def upload(self, file: Path) -> None:
        content = await asyncio.to_thread(file.read_bytes)
        if self.away:
            self.away -= 1
            raise grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata(), "away")
        self.has[hashlib.sha256(content).hexdigest()] = content


@pytest.fixture
def config(tmp_path: Path) -> ShopConfig:
    return shop(tmp_path)


@pytest.fixture
def journal(config: ShopConfig, manual_clock: ManualClock) -> Iterator[Journal]:
    with contextlib.closing(open_journal(config, manual_clock)) as opened:
        yield opened


def accepted(journal: Journal, order: str = "wo-1") -> AttemptRecord:
    with journal.change() as connection:
        connection.execute(
            "INSERT INTO attempts (work_order_id, number, epoch, offer, machine_id, leave) VALUES (?, 1, 1, ?, 'mk3', 1)",
            (order, offer(order).SerializeToString()),
        )
    return journal.attempts()[-1]


def photographed(journal: Journal, config: ShopConfig, order: str = "wo-1", content: bytes = b"a gear") -> str:
    picture = config.path.parent / "gear.jpg"
    picture.write_bytes(content)
    return accounts.note_photograph(journal, order, picture, config.data_dir)


def made(journal: Journal, config: ShopConfig, attempt: AttemptRecord, seconds: float = 600) -> v1.CompletedWork:
    """The attempt's one piece is made, and reported."""
    attempt_steps.begin_piece(journal, attempt)
    attempt = journal.attempt(attempt.row)
    begun = attempt.piece_begun
    assert begun is not None
    with journal.change() as connection:
        connection.execute("UPDATE pieces SET state = 'good', seconds = ? WHERE attempt = ?", (seconds, attempt.row))
    attempt = journal.attempt(attempt.row)
    signed = report(attempt, config.machine[0], "garage", load_or_make_key(config.key_file), account_of(journal, attempt.row))
    attempt_steps.complete(journal, attempt, signed)
    return v1.CompletedWork.FromString(signed.work)


def minutes(work: v1.CompletedWork) -> dict[str, tuple[float, float]]:
    return {one.task: (one.person_time.seconds / 60, one.machine_time.seconds / 60) for one in work.tasks}


def test_the_report_says_what_took_how_long_and_what_was_measured_and_never_who(journal: Journal, config: ShopConfig) -> None:
    attempt = accepted(journal)
    accounts.note_time(journal, "wo-1", "setting_up", 10)
    accounts.note_time(journal, "wo-1", "setting_up", 5)
    accounts.note_time(journal, "wo-1", "running", 2)
    accounts.note_size(journal, "wo-1", Size("bore", 8, 8.1))
    accounts.note_size(journal, "wo-1", Size("length", 8, float("inf")))
    sha256 = photographed(journal, config)
    work = made(journal, config, attempt)
    assert minutes(work) == {"running": (2, 10), "setting_up": (15, 0)}
    assert [(one.name, one.nominal_mm, one.measured_mm) for one in work.sizes] == [("bore", 8, 8.1)]
    assert list(work.photographs) == [sha256]


def test_by_hand_the_time_that_a_piece_took_is_time_of_people(journal: Journal, tmp_path: Path) -> None:
    config = shop(tmp_path, control="by_hand", process="drilling", starts_itself=False, clears_itself=False)
    assert minutes(made(journal, config, accepted(journal), seconds=900)) == {"running": (15, 15)}


async def test_a_photograph_is_sent_once_the_work_is_over_and_is_tried_until_the_node_has_it(
    journal: Journal, config: ShopConfig, manual_clock: ManualClock
) -> None:
    node = Node(away=2)
    attempt = accepted(journal)
    sha256 = photographed(journal, config)
    sender = PhotographSender(journal, node.upload, Bell(manual_clock))
    assert sender.unsent() == []
    sending = asyncio.create_task(sender.run())
    journal.on_change = sender.bell.ring
    work = made(journal, config, attempt)  # the report is written, whether or not the picture is there
    assert list(work.photographs) == [sha256]
    async with asyncio.timeout(60):
        while not node.has or list((config.data_dir / "photographs").iterdir()):  # it is cleared away in a thread, a moment later
            await asyncio.sleep(0.005)
            manual_clock.advance(1)
    await cancelled(sending)
    assert node.has == {sha256: b"a gear"} and not sender.unsent()
    assert account_of(journal, attempt.row).photographs[0].sent
    assert not list((config.data_dir / "photographs").iterdir())  # the node has it now


async def test_killed_while_it_sends_it_sends_again(journal: Journal, config: ShopConfig, manual_clock: ManualClock) -> None:
    attempt = accepted(journal)
    photographed(journal, config)
    made(journal, config, attempt)
    node = Node(away=1)
    assert not await PhotographSender(journal, node.upload, Bell(manual_clock)).send_all()
    assert await PhotographSender(journal, node.upload, Bell(manual_clock)).send_all() and node.has


async def test_the_same_picture_of_work_that_still_lies_there_is_kept_for_it(
    journal: Journal, config: ShopConfig, manual_clock: ManualClock
) -> None:
    first = accepted(journal, "wo-1")
    second = accepted(journal, "wo-2")
    photographed(journal, config, "wo-1")
    photographed(journal, config, "wo-2")
    made(journal, config, first)
    sender = PhotographSender(journal, Node().upload, Bell(manual_clock))
    assert await sender.send_all() and not account_of(journal, second.row).photographs[0].sent
    made(journal, config, second)
    assert await sender.send_all() and account_of(journal, second.row).photographs[0].sent


async def test_a_photograph_that_somebody_deleted_holds_up_no_other(
    journal: Journal, config: ShopConfig, manual_clock: ManualClock
) -> None:
    attempt = accepted(journal)
    gone = photographed(journal, config, content=b"gone")
    kept = photographed(journal, config, content=b"kept")
    made(journal, config, attempt)
    (config.data_dir / "photographs" / f"{gone}.jpg").unlink()
    node = Node()
    assert await PhotographSender(journal, node.upload, Bell(manual_clock)).send_all()
    assert list(node.has) == [kept]
    assert [one.sent for one in account_of(journal, attempt.row).photographs] == [False, True]
