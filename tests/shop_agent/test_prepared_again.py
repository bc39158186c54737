# SPDX-License-Identifier: AGPL-3.0-or-later
"""What passed the gate and is then gone or changed is prepared again before anything was promised, and never sent to a machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from clocks import ManualClock
from small_shop import offer, shop
from test_bringing_toolpaths import put_on_bench

from commonfab import v1
from shop_agent.bench.waiting import Leases, Starts
from shop_agent.bench.work import Bench, Shopfloor
from shop_agent.journal.book import Journal, open_journal
from shop_agent.journal.records import AttemptRecord, Toolpath
from shop_agent.machines.checked import checked_bytes
from shop_agent.machines.virtual import VirtualMachine
from shop_agent.people.bringing import NeedsPerson
from shop_agent.preparing.storeroom import digest_of
from shop_agent.shop_toml.machine_section import MachineSection


class Careful(VirtualMachine):
    """Takes the very bytes that were checked, as every real driver does."""

    async def prepare(self, toolpath: Toolpath, name: str) -> None:
        self.taken = await checked_bytes(toolpath)
        await super().prepare(toolpath, name)


class Bytes:
    """Makes a new toolpath each time that it is asked."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.made = folder, 0

    async def __call__(self, attempt: AttemptRecord) -> Toolpath:
        self.made += 1
        file = self.folder / f"{self.made}.gcode"
        await asyncio.to_thread(file.write_text, f"; number {self.made}\n", encoding="utf-8")
        return Toolpath(str(file), digest_of(file), 60, 1)


async def no_sensors(facts: MachineSection) -> None:
    pass


def unsigned(attempt: AttemptRecord) -> v1.SignedWork:
    return v1.SignedWork()


@asynccontextmanager
async def bench(folder: Path, prepare: Any) -> AsyncIterator[tuple[Bench, Journal, Callable[[], Any]]]:
    clock, config = ManualClock(), shop(folder)
    with closing(open_journal(config, clock)) as journal:
        floor = Shopfloor(journal, Leases(clock), prepare, unsigned, 1, lambda: None, lambda facts, seconds: "", Starts(clock), no_sensors)
        one = Bench(Careful(config.machine[0], folder, clock), floor)
        put_on_bench(journal, offer())

        async def works() -> None:
            await one.work_safely()
            await one._preparation.settled()

        yield one, journal, works
        await one.close()


@pytest.mark.parametrize("meddle", [lambda file: file.write_text("M500\n", encoding="utf-8"), Path.unlink], ids=["changed", "gone"])
async def test_a_toolpath_that_is_no_longer_what_was_checked_is_made_again(tmp_path: Path, meddle: Callable[[Path], object]) -> None:
    prepare = Bytes(tmp_path)
    async with bench(tmp_path, prepare) as (one, journal, works):
        await works()
        meddle(tmp_path / "1.gcode")
        for _ in range(3):
            await works()
        attempt = journal.attempts()[0]
        assert prepare.made == 2 and attempt.toolpath is not None and attempt.toolpath.file.endswith("2.gcode") and attempt.start_asked
        assert isinstance(one.machine, Careful) and one.machine.taken == b"; number 2\n"


async def test_once_leave_is_there_nothing_is_swapped_under_it_and_the_work_ends_with_the_reason(tmp_path: Path) -> None:
    prepare = Bytes(tmp_path)
    async with bench(tmp_path, prepare) as (one, journal, works):
        await works()
        attempt = journal.attempts()[0]
        with journal.change() as connection:
            connection.execute("UPDATE attempts SET start_asked = 1, leave = 1")
        (tmp_path / "1.gcode").write_text("M500\n", encoding="utf-8")
        await works()
        after = journal.attempts()[0]
        assert attempt.toolpath is not None and prepare.made == 1 and after.toolpath == attempt.toolpath and not after.pieces
        assert after.ended == "fail" and isinstance(one.machine, Careful) and not hasattr(one.machine, "taken")
        (event,) = [event for event in journal.unsettled() if event.WhichOneof("event") == "fail"]
        assert [why.code for why in event.fail.reasons] == ["toolpath.changed"]


async def test_what_only_a_person_can_bring_is_waited_for_without_asking_for_it_again_and_again(tmp_path: Path) -> None:
    asked = []

    async def prepare(attempt: AttemptRecord) -> Toolpath:
        asked.append(attempt.key)
        raise NeedsPerson("somebody to bring a toolpath")

    async with bench(tmp_path, prepare) as (one, journal, works):
        for _ in range(4):
            await works()
        assert one.person == {"wo-1-a1-e1": "somebody to bring a toolpath"} and len(asked) == 1
        journal.withdraw("wo-1", "no time")
        await works()
        assert journal.attempts()[0].ended == "release" and not journal.attempts()[0].leave
