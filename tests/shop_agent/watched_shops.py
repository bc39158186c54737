# SPDX-License-Identifier: AGPL-3.0-or-later
"""A shop with one machine that writes down what it is told, and that can be away, have a fault, or come up anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from clocks import ManualClock
from small_shop import offer, shop

from commonfab import v1
from shop_agent.bench.waiting import Leases, Starts
from shop_agent.bench.work import Bench, Shopfloor
from shop_agent.config import ShopConfig
from shop_agent.desk import actions
from shop_agent.journal import attempt_steps
from shop_agent.journal.book import Journal, open_journal
from shop_agent.journal.records import AttemptRecord, Toolpath
from shop_agent.machines import Care, Look, Standing
from shop_agent.machines.virtual import VirtualMachine
from shop_agent.shop_toml.machine_section import MachineSection

CHECKED = Toolpath("", "", 600, 5)
MILL = {"process": "milling", "materials": ["aluminium"], "control": "grbl", "port": "/dev/null"}
PRINTER: dict[str, Any] = {}


class Watched(VirtualMachine):
    """Writes down what it is told. `meanwhile`, `begun`: what happens while a toolpath is brought to it, and as it begins. `away`: its
    line is gone."""

    def __init__(self, facts: MachineSection, folder: Path, clock: ManualClock) -> None:
        super().__init__(facts, folder, clock)
        self.started: list[str] = []
        self.homed = self.resumed = self.came_up = 0
        self.away, self.fault = False, ""
        self.meanwhile: Callable[[], None] | None = None
        self.begun: Callable[[], None] | None = None

    async def state(self, name: str) -> Look:
        return Look(Standing.UNKNOWN, reachable=False, note="away") if self.away else await self.here(name)

    async def here(self, name: str) -> Look:
        return replace(await super().state(name), fault=self.fault, came_up=self.came_up)

    async def prepare(self, toolpath: Toolpath, name: str) -> None:
        await super().prepare(toolpath, name)
        if self.meanwhile is not None:
            self.meanwhile()
            self.meanwhile = None

    async def start(self, name: str) -> None:
        await super().start(name)
        self.started.append(name)
        if self.begun is not None:
            self.begun()
            self.begun = None

    async def stop(self, name: str) -> None:
        if not self.away:  # as one does that looks whether it is at work on that at all
            await super().stop(name)

    async def pause(self, name: str) -> None:
        if not self.away:
            await super().pause(name)

    async def resume(self, name: str) -> None:
        self.resumed += 1

    async def see_to(self, care: Care) -> None:
        self.homed += 1


@dataclass
class Shop:
    """One machine, its bench and its desk."""

    config: ShopConfig
    journal: Journal
    clock: ManualClock
    sensors: list[Callable[[], None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        facts = self.config.machine[0]
        self.machine = Watched(facts, self.config.data_dir, self.clock)
        self.desk = actions.Bench(self.config, self.journal)
        self.bench = self.new_bench()

    def new_bench(self) -> Bench:
        """The bench as an agent has it that has just begun."""
        starts = Starts(self.clock)
        floor = Shopfloor(
            self.journal, Leases(self.clock), never, unsigned, 1, lambda: None, lambda facts, seconds: "", starts, self.look_of_sensors
        )
        return Bench(self.machine, floor)

    async def look_of_sensors(self, facts: MachineSection) -> None:
        for sensor in self.sensors:
            sensor()

    def order(self, name: str, leave: bool = True, quantity: int = 1) -> AttemptRecord:
        """Work that was accepted and prepared."""
        with self.journal.change() as connection:
            row = connection.execute(
                "INSERT INTO attempts (work_order_id, number, epoch, offer, machine_id) VALUES (?, 1, 1, ?, 'mk3')",
                (name, offer(name, quantity).SerializeToString()),
            ).lastrowid
        assert row is not None
        attempt_steps.note_toolpath(self.journal, self.journal.attempt(row), CHECKED)
        if leave:
            self.leave(row)
        return self.journal.attempt(row)

    def leave(self, row: int) -> None:
        """The router gives leave to start."""
        with self.journal.change() as connection:
            connection.execute("UPDATE attempts SET start_asked = 1, leave = 1, go_by = 'Lena' WHERE row = ?", (row,))

    async def work(self, times: int = 1) -> None:
        """The bench looks so many times; the router is heard all the while."""
        for _ in range(times):
            self.bench.floor.leases.renew([attempt.ref for attempt in self.journal.attempts()], self.clock.monotonic(), 60)
            await self.bench.work()


async def never(attempt: AttemptRecord) -> Toolpath:
    raise AssertionError("it is prepared already")


def unsigned(attempt: AttemptRecord) -> v1.SignedWork:
    return v1.SignedWork()


@pytest.fixture
def open_shop(tmp_path: Path, manual_clock: ManualClock) -> Iterator[Callable[..., Shop]]:
    opened: list[Journal] = []

    def of(**machine: Any) -> Shop:
        config = shop(tmp_path, **({"starts_itself": False, "clears_itself": False} | machine))
        journal = open_journal(config, manual_clock)
        opened.append(journal)
        return Shop(config, journal, manual_clock)

    yield of
    for journal in opened:
        journal.close()


def says(shop: Shop, *what: str) -> None:
    """Lena says it at the desk."""
    for one in what:
        getattr(actions, one)(shop.desk, "mk3", "Lena")
