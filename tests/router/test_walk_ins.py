# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a shop made for somebody who walked in: signed, entered once, moves no job, and no shop can take another's place."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from router_street import Garage, Street, event
from test_desk import Front, front

from commonfab import v1
from commonfab.identity import sign_work
from commonfab.tasks import cancelled
from router.ledger import LedgerBook, LedgerClerk

__all__ = ["front"]  # a fixture


def walk_in(garage: Garage, order: str = "walk-in_lena_w-1", **more: Any) -> v1.ShopEvent:
    told = {"attempt": v1.AttemptRef(work_order_id=order, number=1), "shop_id": "lena", "part_name": "a hook", "pieces_good": 3} | more
    return event(walk_in=v1.WalkIn(signed=sign_work(v1.CompletedWork(**told), garage.key)))


async def entered(street: Street, book: LedgerBook, count: int) -> list[v1.LedgerEntry]:
    clerk = asyncio.create_task(LedgerClerk(street.board, book, "clerk").run())
    try:
        async with asyncio.timeout(100):
            while len(book.entries(0, 10)) < count:
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.1)  # whatever else is on its way
    finally:
        await cancelled(clerk)
    return book.entries(0, 10)


async def test_it_reaches_the_ledger_once_however_often_it_is_sent(street: Street, front: Front, book: LedgerBook) -> None:
    lena = Garage("lena")
    said = walk_in(lena)
    for _ in range(2):
        (receipt,) = (await front.call(lena, said)).receipts
        assert not receipt.HasField("refusal")
    (entry,) = await entered(street, book, 1)
    assert (entry.work.part_name, entry.work.pieces_good, entry.work.job_id) == ("a hook", 3, "")


async def test_without_a_design_it_is_no_build_report_and_holds_none_up(street: Street, front: Front, book: LedgerBook) -> None:
    from test_build_reports import SmallCommons, reporter, served, work

    lena = Garage("lena")
    await front.call(lena, walk_in(lena))
    await entered(street, book, 1)
    book.append([work(2, garage=lena)])
    commons = SmallCommons()
    async with served(commons) as address, reporter(street, book, address) as told:
        assert await told.report_all() == 1
    assert book.unreported(0, 10) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"order": "walk-in_tom_w-1"},
        {"order": "order-0001"},
        {"job_id": "job-0001"},
        {"attempt": v1.AttemptRef(work_order_id="walk-in_lena_w-1", number=1, epoch=7)},
        {"shop_id": "tom"},
    ],
)
async def test_it_can_neither_take_an_order_nor_another_shops_name(front: Front, wrong: dict[str, Any]) -> None:
    lena = Garage("lena")
    (receipt,) = (await front.call(lena, walk_in(lena, **wrong))).receipts
    assert receipt.refusal.reason.code == "report.mismatch"


async def test_one_that_another_key_signed_is_refused(front: Front) -> None:
    (receipt,) = (await front.call(Garage("lena"), walk_in(Garage("lena")))).receipts
    assert receipt.refusal.reason.code == "report.signature"
