# SPDX-License-Identifier: AGPL-3.0-or-later
"""Completed work lands once, in a chain that anybody can check."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from router_street import Garage, Street, event

from commonfab import v1
from commonfab.chain import broken_entry
from commonfab.identity import sign_work
from commonfab.tasks import cancelled
from router.ledger import GROUP, LEFT_BEHIND_MS, LedgerBook, LedgerClerk


def signed(number: int, garage: Garage) -> v1.SignedWork:
    attempt = v1.AttemptRef(work_order_id=f"order-{number}", number=1, epoch=number)
    return sign_work(v1.CompletedWork(attempt=attempt, job_id="job-1", shop_id=garage.id, pieces_good=1), garage.key)


def test_entries_are_numbered_without_gaps_and_chained(book: LedgerBook) -> None:
    lena = Garage("lena")
    assert book.append([signed(number, lena) for number in range(1, 6)]) == [1, 2, 3, 4, 5]
    entries = book.entries(0, 10)
    assert broken_entry(entries) == 0
    assert [entry.previous_hash for entry in entries[1:]] == [entry.hash for entry in entries[:-1]]


def test_the_same_attempt_is_entered_once(book: LedgerBook) -> None:
    report = signed(1, Garage("lena"))
    assert book.append([report]) == book.append([report, report])[1:] == [1]
    assert len(book.entries(0, 10)) == 1


def test_many_writers_at_once_make_one_chain(book: LedgerBook) -> None:
    lena = Garage("lena")
    with ThreadPoolExecutor(8) as writers:
        numbers = list(writers.map(lambda number: book.append([signed(number, lena)]), range(1, 41)))
    assert sorted(number for (number,) in numbers) == list(range(1, 41))
    assert broken_entry(book.entries(0, 100)) == 0


@pytest.mark.parametrize("field", ["work", "signature", "public_key"])
def test_a_changed_entry_is_found(book: LedgerBook, field: str) -> None:
    lena = Garage("lena")
    for number in range(1, 4):
        book.append([signed(number, lena)])
    entries = book.entries(0, 10)
    before = getattr(entries[1].signed, field)
    setattr(entries[1].signed, field, before[:-1] + bytes([before[-1] ^ 1]))
    assert broken_entry(entries) == 2


def test_a_removed_entry_is_found(book: LedgerBook) -> None:
    for number in range(1, 4):
        book.append([signed(number, Garage("lena"))])
    first, _, third = book.entries(0, 10)
    assert broken_entry([first, third]) == 3


def test_pages_follow_each_other(book: LedgerBook) -> None:
    for number in range(1, 6):
        book.append([signed(number, Garage("lena"))])
    assert [entry.number for entry in book.entries(2, 2)] == [3, 4]
    assert book.entries(0, 10, job_id="another") == []


async def test_reports_reach_the_book_once_even_when_a_clerk_dies_before_it_acknowledges(street: Street, book: LedgerBook) -> None:
    lena = Garage("lena")
    attempt = await street.started(lena)
    await street.call(lena, event(complete=v1.Complete(signed=lena.report(street, attempt, await street.job(), 5))))
    dying = LedgerClerk(street.board, book, "dying")
    await dying._open_group()
    for _, fields in await dying._new():
        book.append([v1.SignedWork.FromString(fields[b"signed"])])  # … and then the power fails, before the acknowledgement

    heir = asyncio.create_task(LedgerClerk(street.board, book, "heir").run())
    async with asyncio.timeout(100):
        while await street.board.redis.xlen(street.board.key("done")):
            await asyncio.sleep(0.02)
    await cancelled(heir)

    assert [entry.work.pieces_good for entry in book.entries(0, 10)] == [5]


GIVEN_AT_ONCE = """
redis.call('XADD', KEYS[1], '*', 'order', 'order-1', 'number', 1, 'epoch', 1, 'signed', ARGV[1])
return redis.call('XREADGROUP', 'GROUP', ARGV[2], ARGV[3], 'STREAMS', KEYS[1], '>')
"""


async def has_in_hand(street: Street, clerk: LedgerClerk, report: v1.SignedWork, since_ms: int) -> None:
    """That clerk was given an event so long ago and has not acknowledged it. Whoever waits for events does not see it."""
    redis, done = street.board.redis, street.board.key("done")
    await redis.eval(GIVEN_AT_ONCE, 1, done, report.SerializeToString(), GROUP, clerk.name)
    (event,) = await redis.xrange(done)
    await redis.xclaim(done, GROUP, clerk.name, 0, [event[0]], idle=since_ms)


async def acknowledged(street: Street) -> None:
    while await street.board.redis.xlen(street.board.key("done")):
        await asyncio.sleep(0.02)


async def test_a_live_clerk_carries_in_a_quiet_moment_what_a_dead_one_had_in_hand(street: Street, book: LedgerBook) -> None:
    live, dead = (LedgerClerk(street.board, book, name) for name in ("live", "dead"))
    running = asyncio.create_task(live.run())
    try:
        async with asyncio.timeout(100):
            while not await street.board.redis.exists(street.board.key("done")):
                await asyncio.sleep(0.01)
            await has_in_hand(street, dead, signed(1, Garage("lena")), LEFT_BEHIND_MS)
            await acknowledged(street)
    finally:
        await cancelled(running)
    assert [entry.work.attempt.work_order_id for entry in book.entries(0, 10)] == ["order-1"]


async def test_what_another_clerk_has_in_hand_for_a_moment_is_left_to_it(street: Street, book: LedgerBook) -> None:
    live, other = (LedgerClerk(street.board, book, name) for name in ("live", "other"))
    await live._open_group()
    await has_in_hand(street, other, signed(1, Garage("lena")), LEFT_BEHIND_MS // 2)
    assert await live._unacknowledged(LEFT_BEHIND_MS) == []
