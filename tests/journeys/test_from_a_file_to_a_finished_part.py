# SPDX-License-Identifier: AGPL-3.0-or-later
"""One real job through every room: a published STL, a real PrusaSlicer, a real OctoPrint, a real Redis, a signed entry in the ledger."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal

import pytest
from journey_street import Street
from processes import wait_until

from commonfab import v1

pytestmark = pytest.mark.slow


async def test_a_published_file_becomes_a_recorded_part_and_the_printer_had_the_bytes_that_were_checked(street: Street) -> None:
    await street.open()
    await street.ask_for(2)
    job = await street.until_done()
    assert (job.pieces_good, job.pieces_unplaced) == (2, 0)

    async with street.node.caller(street.requester) as requester:
        entries = await _entries(street, 1)
        assert entries[0].work.job_id == job.id
        shops = await requester.router.ListShops(v1.ListShopsRequest())
    assert shops.shops[0].shop.public_key == entries[0].signed.public_key

    (entry,) = entries
    assert (entry.work.pieces_good, entry.work.pieces_scrap, entry.work.control) == (2, 0, "octoprint")
    assert entry.work.machine_time.ToTimedelta().total_seconds() > 0
    (printed,) = list(street.printer.uploads.glob("cf-*.gcode"))
    assert printed.name.endswith("-p2.gcode"), "only the last piece's toolpath stays on the printer"
    assert hashlib.sha256(printed.read_bytes()).hexdigest() == entry.work.toolpath_sha256
    assert street.prints_begun() - street.homed_before == 2


async def _entries(street: Street, count: int) -> list[v1.LedgerEntry]:
    async with asyncio.timeout(100):
        while len(entries := await street.ledger()) < count:
            await asyncio.sleep(0.1)
    return entries


async def test_killing_the_agent_in_the_middle_of_a_print_loses_nothing_and_makes_nothing_twice(street: Street) -> None:
    await street.open()
    await street.ask_for(2)
    street.until_printing(piece=1)
    assert street.agent is not None
    street.agent.kill()
    wait_until(lambda: street.printer.state() == "Operational", "the printer to end the piece without its agent")
    await street.until_uncertain()
    street.agent.start()
    await _ends_well(street)


async def test_killing_the_router_in_the_middle_of_a_print_loses_nothing_and_makes_nothing_twice(street: Street) -> None:
    await street.open()
    await street.ask_for(2)
    street.until_printing(piece=1)
    street.node.kill()
    wait_until(lambda: street.printer.state() == "Operational", "the printer to end the piece while the router is away")
    street.node.start()
    await _ends_well(street)


async def test_killing_redis_in_the_middle_of_a_print_loses_nothing_and_makes_nothing_twice(street: Street) -> None:
    await street.open()
    await street.ask_for(2)
    street.until_printing(piece=1)
    before = street.node.redis_pid()
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: street.node.redis_pid() != before, "the node to start its Redis again")
    await _ends_well(street)


async def _ends_well(street: Street) -> None:
    """The job is done, the ledger has each piece once, and the printer itself began each piece once."""
    job = await street.until_done()
    entries = await _entries(street, 1)
    assert sum(entry.work.pieces_good for entry in entries) == job.pieces_good == 2
    assert len({(e.work.attempt.work_order_id, e.work.attempt.number) for e in entries}) == len(entries)
    assert street.prints_begun() - street.homed_before == 2
