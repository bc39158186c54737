# SPDX-License-Identifier: AGPL-3.0-or-later
"""What happens to a garage: the network is away for three days, the clock is wrong by a day, the disk is full, a spare computer is switched
on with the same identity. Nothing is lost, nothing is made twice, nothing starts by surprise: the machine's own log is asked."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from small_disks import disk_of, fill
from small_shop import SmallRouter, offer, served, until, write_shop

from commonfab import v1
from commonfab.errors import Refused, status_of
from commonfab.tasks import cancelled
from shop_agent import agent
from shop_agent.config import ShopConfig, load_config
from shop_agent.journal.book import Journal, open_journal
from shop_agent.journal.records import AttemptRecord

DAY = 86_400.0
PIECE = {"process": "sla", "materials": ["resin"]}


class JumpingClock:
    """The clock of this machine, until a test sets it: `wall` moves what it shows, `passed` lets time pass for everybody."""

    def __init__(self) -> None:
        self.wall = 0.0
        self.passed = 0.0

    def now(self) -> float:
        return time.time() + self.wall + self.passed

    def monotonic(self) -> float:
        return time.monotonic() + self.passed

    async def sleep(self, seconds: float) -> None:
        until = self.monotonic() + seconds
        while (left := until - self.monotonic()) > 0:
            await asyncio.sleep(min(left, 0.1))


@dataclass
class Garage:
    config: ShopConfig
    clock: JumpingClock
    journal: Journal
    running: asyncio.Task[None]

    @property
    def attempt(self) -> AttemptRecord:
        return self.journal.history()[-1]

    @property
    def begun(self) -> bool:
        history = self.journal.history()
        return bool(history) and history[-1].piece_begun is not None


@asynccontextmanager
async def garage(file: Path) -> AsyncIterator[Garage]:
    config, clock = load_config(file), JumpingClock()
    journal = open_journal(config, clock)
    running = asyncio.create_task(agent.run(config, clock))
    try:
        yield Garage(config, clock, journal, running)
    finally:
        await cancelled(running)
        journal.close()


def resin(order: str = "wo-1", quantity: int = 1, minutes: float = 10) -> v1.Offer:
    wanted = offer(order, quantity=quantity, minutes=minutes)
    wanted.requirement.MergeFrom(v1.Requirement(process="sla", material="resin"))
    return wanted


def made(config: ShopConfig) -> list[str]:
    """What the machine itself says that it finished."""
    file = config.data_dir / "made.jsonl"
    return [json.loads(line)["name"] for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []


def starts(config: ShopConfig) -> int:
    """How often the machine was set in motion, by its own count."""
    file = config.data_dir / "virtual-mk3.json"
    return int(json.loads(file.read_text(encoding="utf-8"))["starts"]) if file.exists() else 0


def names(count: int, order: str = "wo-1") -> list[str]:
    return [f"cf-{order}-a1-e1-p{piece}.gcode" for piece in range(1, count + 1)]


@pytest.mark.slow
async def test_three_days_without_a_network_lose_nothing_and_start_nothing_more(tmp_path: Path) -> None:
    """The piece that runs is finished. The next waits: for all the shop knows, the requester had the rest made elsewhere."""
    router = SmallRouter(lease_seconds=60)
    router.put_up(resin(quantity=3))
    async with served(router) as address:
        port = int(address.rpartition(":")[2])
        shop_file = write_shop(tmp_path, address, speed_factor=60, **PIECE)  # ten seconds a piece
        async with garage(shop_file) as shop:
            await until(lambda: shop.begun)
    # the server is gone; the agent of before goes on in a new run, as after a power cut in the same days
    async with garage(shop_file) as shop:
        shop.clock.passed += 72 * 3600
        await until(lambda: shop.attempt.good == 1)
        await asyncio.sleep(1.5)
        assert made(shop.config) == names(1) and starts(shop.config) == 1 and shop.attempt.piece_begun is None
        shop.clock.passed += 3600
        async with served(router, port):
            for piece in (2, 3):
                await until(lambda piece=piece: starts(shop.config) == piece)
                shop.clock.passed += 12
            await until(lambda: router.ended.get("wo-1") == "complete")
        assert made(shop.config) == names(3) and starts(shop.config) == 3
    (report,) = router.reports
    assert v1.CompletedWork.FromString(report.work).pieces_good == 3


async def test_what_was_finished_while_the_router_was_gone_is_reported_once_when_it_is_back(tmp_path: Path) -> None:
    router = SmallRouter(lease_seconds=60)
    router.put_up(resin())
    async with served(router) as address:
        port = int(address.rpartition(":")[2])
        shop_file = write_shop(tmp_path, address, speed_factor=60, **PIECE)
        async with garage(shop_file) as shop:
            await until(lambda: shop.begun)
    async with garage(shop_file) as shop:
        shop.clock.passed += 3 * DAY
        await until(lambda: shop.attempt.ended == "complete")
        assert len(shop.journal.unsettled()) == 1 and not router.reports
        async with served(router, port):
            await until(lambda: router.reports)
            await until(lambda: not shop.journal.unsettled())
    assert len(router.reports) == 1 and made(shop.config) == names(1)


@pytest.mark.parametrize("wrong", [-DAY, DAY])
@pytest.mark.slow
async def test_a_clock_that_is_suddenly_wrong_by_a_day_changes_nothing_about_the_work(tmp_path: Path, wrong: float) -> None:
    """Leases and waits go by another clock than the one on the wall; the virtual machine lives by the wall, and is early or late."""
    router = SmallRouter(lease_seconds=30)
    router.put_up(resin(quantity=2))
    async with served(router) as address, garage(write_shop(tmp_path, address, speed_factor=100, **PIECE)) as shop:
        await until(lambda: shop.begun)
        shop.clock.wall += wrong
        if wrong < 0:  # whoever set it a day back sets it right again some time later
            await asyncio.sleep(1.5)
            assert starts(shop.config) == 1 and shop.attempt.good == 0
            shop.clock.wall -= wrong
        await until(lambda: router.ended.get("wo-1") == "complete")
        assert made(shop.config) == names(2) and starts(shop.config) == 2
    work = v1.CompletedWork.FromString(router.reports[0].work)
    assert (work.pieces_good, work.pieces_scrap) == (2, 0)
    assert 0 <= work.machine_time.seconds <= 2 * 600


@pytest.mark.slow
async def test_a_full_disk_starts_nothing_and_the_work_goes_on_when_there_is_room(tmp_path: Path) -> None:
    """What cannot be written down before the start is not started."""
    router = SmallRouter()
    with disk_of(4 * 1024 * 1024, tmp_path / "card") as card:
        async with served(router) as address:
            shop_file = write_shop(card, address, speed_factor=600, starts_itself=False, clears_itself=False, **PIECE)
            async with garage(shop_file) as shop:
                await until(lambda: router.requests)
                router.put_up(resin())
                await until(lambda: shop.journal.attempts() and shop.attempt.toolpath is not None)
                shop.journal.mark_ready("mk3", "Lena")
                ballast = fill(card)
                await asyncio.sleep(2)
                full_starts = starts(shop.config)
                assert not shop.running.done(), "the agent lives on"
                ballast.unlink()
                await until(lambda: router.ended.get("wo-1") == "complete")
                assert starts(shop.config) == 1 and full_starts <= 1 and made(shop.config) == names(1)


@pytest.mark.slow
async def test_a_second_computer_with_the_same_identity_stops_the_first_and_makes_nothing_twice(tmp_path: Path) -> None:
    """A copy of the memory card is put into a spare computer and switched on. (The router's half: test_one_agent_a_shop.py.)"""

    class Fencing(SmallRouter):
        newest = ""
        older: frozenset[str] = frozenset()

        async def Synchronize(self, request: v1.SynchronizeRequest, context: object) -> v1.SynchronizeResponse:
            if request.agent_run in self.older:
                await context.abort_with_status(status_of(Refused("shop.replaced", "garage")))  # type: ignore[attr-defined]
            if request.agent_run != self.newest:
                self.older, self.newest = self.older | {self.newest}, request.agent_run
                self.ring()
            return await super().Synchronize(request, context)

    router = Fencing(call_again_seconds=0.1)
    async with served(router) as address:
        machine_log = tmp_path / "machine" / "made.jsonl"
        first_file = write_shop(tmp_path / "first", address, speed_factor=120, journal_file=str(machine_log), **PIECE)
        async with garage(first_file) as first:
            await until(lambda: router.requests)
            shutil.copytree(tmp_path / "first", tmp_path / "second", ignore=shutil.ignore_patterns("agent.lock*"))
            async with garage(tmp_path / "second" / "shop.toml") as second:
                with pytest.raises(Refused) as refused:
                    await asyncio.wait_for(first.running, 100)
                assert refused.value.code == "shop.replaced"
                router.put_up(resin())
                await until(lambda: router.ended.get("wo-1") == "complete")
                assert not second.running.done() and starts(first.config) == 0
    assert len(machine_log.read_text(encoding="utf-8").splitlines()) == 1
