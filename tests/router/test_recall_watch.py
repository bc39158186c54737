# SPDX-License-Identifier: AGPL-3.0-or-later
"""Recalls of the design commons reach the board, whether they happened before, meanwhile or while nobody listened."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from router_street import Garage, Street
from small_commons import DIGEST, SmallCommons, served, until

from commonfab import v1
from commonfab.clock import SystemClock
from commonfab.identity import sign_work
from commonfab.permissions import _authorization
from commonfab.tasks import cancelled
from router.board_reading import read_offers
from router.ledger import LedgerBook
from router.recalls import RecallWatch
from router.registry_door import RegistryDoor

RECALL = v1.Recall(revision_digest="rev", reason="the hook breaks")


@asynccontextmanager
async def watching(street: Street, book: LedgerBook, address: str) -> AsyncIterator[RecallWatch]:
    door = RegistryDoor(street.clock)
    door.open(address, "cfab_node")
    watch = RecallWatch(street.board, book, door, SystemClock())
    running = asyncio.create_task(watch.run())
    yield watch
    await cancelled(running)
    await door.close()


async def known(street: Street) -> None:
    async with asyncio.timeout(100):
        while not await street.board.recalled(["rev"]):
            await asyncio.sleep(0.01)


async def test_a_recall_that_happens_is_acted_upon_and_every_shop_that_made_it_is_told_what_it_made(
    street: Street, book: LedgerBook
) -> None:
    commons, lena = SmallCommons(), Garage("lena")
    await street.call(lena)
    attempt = v1.AttemptRef(work_order_id="order-old", number=1, epoch=1)
    said = v1.CompletedWork(attempt=attempt, job_id="job-old", shop_id="lena", revision_digest="rev", part_name="gear", pieces_good=7)
    book.append([sign_work(said, lena.key)])
    await street.ask()
    async with served(commons) as address, watching(street, book, address):
        await until(lambda: commons.followers)
        commons.recall(RECALL)
        await known(street)
    assert (await street.job()).state == v1.JOB_STATE_HELD
    (notice,) = (await read_offers(street.board, "lena")).recalls
    assert (notice.title, [(one.job_id, one.pieces_good) for one in notice.made]) == ("Gear", [("job-old", 7)])


async def test_what_was_recalled_while_nobody_listened_is_found_at_the_start(street: Street, book: LedgerBook) -> None:
    commons = SmallCommons(known_recalls=[RECALL])
    await street.accepted(Garage("lena"))
    async with served(commons) as address, watching(street, book, address):
        await known(street)
    (notice,) = (await read_offers(street.board, "lena")).recalls
    assert notice.title == "Gear"


async def test_what_was_recalled_while_the_registry_could_not_be_heard_is_found_when_it_is_back(street: Street, book: LedgerBook) -> None:
    commons = SmallCommons()
    async with served(commons) as address:
        port = int(address.rpartition(":")[2])
    async with watching(street, book, address):
        async with served(commons, port):
            await until(lambda: commons.followers)
        commons.known_recalls.append(RECALL)  # nobody is told of it: it is only there to be asked for
        async with served(commons, port):
            await known(street)


async def test_an_answer_that_is_kept_is_not_used_for_a_revision_that_was_recalled_since(street: Street) -> None:
    commons, door = SmallCommons(), RegistryDoor(street.clock)
    caller = _authorization.set("Bearer cfab_anna")
    async with served(commons) as address:
        door.open(address, "cfab_node")
        for _ in range(3):
            assert not (await door.revision(DIGEST, "")).hindrances
        assert commons.revisions_asked == 1
        commons.recall(v1.Recall(revision_digest=DIGEST, reason="the hook breaks"))
        assert [one.code for one in (await door.revision(DIGEST, "")).hindrances] == ["revision.recalled"]
        await door.close()
    _authorization.reset(caller)
