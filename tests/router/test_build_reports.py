# SPDX-License-Identifier: AGPL-3.0-or-later
"""What stands in the ledger reaches the design commons, whatever was away or died in between."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import sqlalchemy as sa
from router_street import CELL, Garage, Street
from small_commons import SmallCommons, served, until

from commonfab import v1
from commonfab.clock import SystemClock
from commonfab.database import migrate, open_database
from commonfab.errors import Refused
from commonfab.identity import sign_work
from commonfab.tasks import cancelled
from router.build_reports import BuildReporter
from router.ledger import LedgerBook
from router.registry_door import RegistryDoor
from router.tables import LEDGER, UNREPORTED_BUILDS

Reporters = Callable[[str], BuildReporter]


def work(number: int, part: str = "gear", garage: Garage | None = None) -> v1.SignedWork:
    attempt = v1.AttemptRef(work_order_id=f"order-{number}", number=1, epoch=number)
    said = v1.CompletedWork(attempt=attempt, shop_id="lena", revision_digest="d" * 64, part_name=part, pieces_good=1)
    return sign_work(said, (garage or Garage("lena")).key)


@asynccontextmanager
async def reporter(street: Street, book: LedgerBook, address: str) -> AsyncIterator[BuildReporter]:
    door = RegistryDoor(street.clock)
    door.open(address, "cfab_node")
    yield BuildReporter(street.board, book, door, SystemClock(), asyncio.Event())
    await door.close()


async def test_every_entry_is_told_once_with_its_shops_coarse_cell_and_the_nodes_own_token(street: Street, book: LedgerBook) -> None:
    await street.call(Garage("lena"))
    book.append([work(1), work(2)])
    commons = SmallCommons()
    async with served(commons) as address, reporter(street, book, address) as told:
        assert await told.report_all() == 2
        assert await told.report_all() == 0
    assert [(one.place.cell, one.carried) for one in commons.kept.values()] == [(CELL, False)] * 2
    assert commons.authorization == {"Bearer cfab_node"}


async def test_what_the_registry_was_told_before_a_crash_is_told_again_and_kept_there_once(street: Street, book: LedgerBook) -> None:
    book.append([work(1)])
    commons = SmallCommons()
    async with served(commons) as address, reporter(street, book, address) as told:
        await told.door.report_build(book.entries(0, 1)[0].signed, None)  # … and then the power fails, before it is noted
        await told.report_all()
    assert (commons.tries, len(commons.kept)) == (2, 1)


async def test_an_entry_that_is_refused_for_good_is_said_once_and_holds_nobody_up(
    street: Street, book: LedgerBook, caplog: pytest.LogCaptureFixture
) -> None:
    book.append([work(1, "lost"), work(2)])
    commons = SmallCommons(refuses={"lost": "revision.unknown"})
    async with served(commons) as address, reporter(street, book, address) as told:
        with caplog.at_level(logging.WARNING):
            assert await told.report_all() == 1
            assert await told.report_all() == 0
    assert [line.message.startswith("ledger entry 1 is no build report") for line in caplog.records] == [True]


async def test_an_entry_at_which_the_registry_breaks_is_told_again_and_the_others_do_not_wait(street: Street, book: LedgerBook) -> None:
    book.append([work(1, "odd"), work(2)])
    commons = SmallCommons(refuses={"odd": "node.broken"})
    async with served(commons) as address, reporter(street, book, address) as told:
        with pytest.raises(Refused):
            await told.report_all()
        assert len(commons.kept) == 1
        commons.refuses.clear()
        assert await told.report_all() == 1


@pytest.mark.parametrize("code", ["token.revoked", "token.scope"])
async def test_a_token_that_does_not_do_loses_no_entry(street: Street, book: LedgerBook, code: str) -> None:
    book.append([work(1)])
    commons = SmallCommons(refuses={"gear": code})
    async with served(commons) as address, reporter(street, book, address) as told:
        with pytest.raises(Refused):
            await told.report_all()
        commons.refuses.clear()
        assert await told.report_all() == 1


async def test_a_registry_that_comes_back_is_told_what_it_missed(street: Street, book: LedgerBook) -> None:
    commons = SmallCommons()
    async with served(commons) as address:
        port = int(address.rpartition(":")[2])
    async with reporter(street, book, address) as told:
        book.append([work(1)])
        running = asyncio.create_task(told.run())
        await asyncio.sleep(0.1)
        async with served(commons, port):
            await until(lambda: commons.kept)
            book.append([work(2)])
            told.entered.set()
            await until(lambda: len(commons.kept) == 2)
        await cancelled(running)


def test_the_entries_of_a_ledger_from_before_are_reported_too(tmp_path: object) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/old.db")
    migrate(engine, "router")
    signed = work(1)
    with engine.begin() as connection:  # back to what version 1 was
        connection.execute(sa.text("DROP TABLE unreported_builds"))
        connection.execute(sa.text("DROP INDEX ix_ledger_revision_digest"))
        connection.execute(sa.text("ALTER TABLE ledger DROP COLUMN revision_digest"))
        connection.execute(sa.text("UPDATE alembic_version_router SET version_num = 'router_0001'"))
        columns = {"number": 1, "previous_hash": b"", "hash": b"1", "signed": signed.SerializeToString(), "work_order_id": "order-1"}
        row = {**columns, "attempt_number": 1, "epoch": 1, "job_id": "job-1", "recorded_at": 0.0}
        connection.execute(sa.table("ledger", *(sa.column(name) for name in row)).insert().values(row))
    migrate(engine, "router")
    with engine.connect() as connection:
        assert connection.execute(sa.select(LEDGER.c.revision_digest)).scalars().all() == ["d" * 64]
        assert connection.execute(sa.select(UNREPORTED_BUILDS.c.number)).scalars().all() == [1]
    engine.dispose()


async def test_it_is_the_same_on_postgresql(street: Street, postgres_url: str) -> None:
    engine = open_database(postgres_url)
    await asyncio.to_thread(migrate, engine, "router")
    book, commons = LedgerBook(engine, street.clock), SmallCommons()
    book.append([work(1), work(2)])
    async with served(commons) as address, reporter(street, book, address) as told:
        assert await told.report_all() == 2
    assert [one.attempt.work_order_id for one in book.of_revision("d" * 64)] == ["order-1", "order-2"]
    engine.dispose()
