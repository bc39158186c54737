# SPDX-License-Identifier: AGPL-3.0-or-later
"""Stop and pause reach a machine though the journal cannot be written: on a disk that is full, on a card that is read-only, where another
program holds the lock. The machine's own file, which lies on another disk, says what became of it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from small_disks import disk_of, fill
from small_shop import SmallRouter, offer, served, until, write_shop

from commonfab import v1
from commonfab.clock import Clock, SystemClock
from commonfab.errors import Refused
from commonfab.tasks import cancelled
from shop_agent import agent
from shop_agent.config import ShopConfig, load_config
from shop_agent.desk import actions, view
from shop_agent.journal import words
from shop_agent.journal.book import Journal, journal_file, open_journal
from shop_agent.journal.records import Toolpath
from shop_agent.journal.store import only_agent
from shop_agent.journal.words import Kind
from shop_agent.live import STALE_SECONDS, Live, LiveFile, LiveMachine
from shop_agent.machines.virtual import VirtualMachine
from shop_agent.people.shouting import PIPE, Shout, shout
from shop_agent.shop_toml.machine_section import MachineSection

PIECE = {"process": "sla", "materials": ["resin"], "speed_factor": 60}


@dataclass
class Garage:
    config: ShopConfig
    journal: Journal
    machine_folder: Path

    @property
    def machine(self) -> dict[str, Any]:
        """What the machine itself says."""
        file = self.machine_folder / "virtual-mk3.json"
        told: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {"run": None, "ended": {}, "starts": 0}
        return told

    @property
    def runs(self) -> bool:
        return self.machine["run"] is not None

    @property
    def held(self) -> bool:
        return self.runs and "held_at" in self.machine["run"]

    def halted(self, kind: Kind) -> bool:
        return self.held if kind is Kind.PAUSE else self.machine["starts"] == 1 and not self.runs


@asynccontextmanager
async def garage(file: Path, machine_folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Garage]:
    """An agent at work. Its machine is a server with a disk of its own."""

    def machine_for(config: ShopConfig, facts: MachineSection, clock: Clock) -> VirtualMachine:
        return VirtualMachine(facts, machine_folder, clock)

    monkeypatch.setattr(agent, "machine_for", machine_for)
    config = load_config(file)
    with closing(open_journal(config)) as journal:
        running = asyncio.create_task(agent.run(config))
        try:
            await until(lambda: (config.data_dir / PIPE).exists())
            yield Garage(config, journal, machine_folder)
            assert not running.done(), "the agent lives on"
        finally:
            await cancelled(running)


def resin(minutes: float = 600, quantity: int = 2) -> v1.Offer:
    wanted = offer(quantity=quantity, minutes=minutes)
    wanted.requirement.MergeFrom(v1.Requirement(process="sla", material="resin"))
    return wanted


def fill_whole(card: Path, journal: Journal) -> Path:
    """Fill a disk, and what SQLite still has room for in its own files."""
    journal.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    ballast = fill(card)
    with pytest.raises(sqlite3.OperationalError):
        for _ in range(10_000):
            words.say(journal, "nothing", Kind.GOOD, "")
    return ballast


async def command(*arguments: str) -> tuple[int, str]:
    """What a person types, in a process of its own; answers its exit code and all that it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cli.main", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    printed, _ = await process.communicate()
    return process.returncode or 0, " ".join(printed.decode().split())


def unheard(journal: Journal) -> list[Kind]:
    return [word.kind for word in words.unheard(journal, "mk3")]


@contextmanager
def locked(config: ShopConfig) -> Iterator[None]:
    """Another program holds the journal."""
    with closing(sqlite3.connect(journal_file(config), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")


@contextmanager
def read_only(folder: Path, seen_at: Path) -> Iterator[None]:
    """The same folder at another place, where nothing can be written."""
    seen_at.mkdir()
    bind = ["mount", "--bind", str(folder), str(seen_at)]
    if shutil.which("mount") is None or subprocess.run(bind, capture_output=True, check=False).returncode != 0:
        pytest.skip("only root may mount a folder")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", str(seen_at)], check=True)
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(seen_at)], check=True)


@pytest.mark.parametrize("kind", [Kind.STOP, Kind.PAUSE])
async def test_a_command_reaches_the_machine_though_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Kind) -> None:
    router = SmallRouter()
    router.put_up(resin())
    with disk_of(4 * 1024 * 1024, tmp_path / "card") as card:
        async with served(router) as address, garage(write_shop(card, address, **PIECE), tmp_path / "machine", monkeypatch) as shop:
            await until(lambda: shop.runs)
            ballast = fill_whole(card, shop.journal)
            code, printed = await command("shop", kind.value, "mk3", "--config", str(shop.config.path))
            assert code == 0 and f"mk3 is told to {kind.value}." in printed and "told past it" in printed, printed
            assert "No agent is running" not in printed
            await until(lambda: shop.halted(kind))
            code, printed = await command("shop", "drain", "mk3", "--config", str(shop.config.path))  # which has no such way
            assert code == 1 and "(system.space)" in printed and "Make room on that disk" in printed, printed
            ballast.unlink()
            await until(lambda: kind is Kind.PAUSE or shop.journal.history()[-1].scrap == 1)
            words.say(shop.journal, "mk3", Kind.RESUME, "Lena")  # as soon as there is room everything goes by the journal again
            await until(lambda: not unheard(shop.journal))
            assert shop.machine["starts"] == 1 and shop.runs == (kind is Kind.PAUSE) and not shop.held


async def test_an_agent_that_ended_before_there_was_room_finds_out_what_was_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the word itself ended with it: nothing that was shouted is carried out by the next one."""
    router = SmallRouter()
    router.put_up(resin())
    with disk_of(4 * 1024 * 1024, tmp_path / "card") as card:
        async with served(router) as address:
            shop_file = write_shop(card, address, policy="scrap_allowed = 0", **PIECE)
            async with garage(shop_file, tmp_path / "machine", monkeypatch) as shop:
                await until(lambda: shop.runs)
                ballast = fill_whole(card, shop.journal)
                assert actions.stop(actions.Bench(shop.config, shop.journal), "mk3", "Lena") is False
                await until(lambda: not shop.runs)
            ballast.unlink()
            async with garage(shop_file, tmp_path / "machine", monkeypatch) as shop:
                await until(lambda: router.ended.get("wo-1") == "fail")
                assert shop.machine["starts"] == 1 and shop.journal.history()[-1].scrap == 1
                assert not unheard(shop.journal)


@pytest.mark.slow
async def test_at_the_desk_a_stop_is_heard_though_another_program_holds_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    router = SmallRouter()
    router.put_up(resin())
    async with served(router) as address, garage(write_shop(tmp_path, address, **PIECE), tmp_path / "machine", monkeypatch) as shop:
        await until(lambda: shop.runs)
        bench = actions.Bench(shop.config, shop.journal)
        with locked(shop.config):
            assert actions.stop(bench, "mk3", "Lena") is False
            await until(lambda: not shop.runs)
            code, printed = await command("shop", "pause", "mk3", "--config", str(shop.config.path))
            assert code == 0 and "told past it" in printed, printed
            code, printed = await command("shop", "stop", "mk4", "--config", str(shop.config.path))
            assert code != 0 and "mk4" in printed
        await until(lambda: shop.journal.history()[-1].scrap == 1)
        assert actions.stop(bench, "mk3", "Lena") is True
        await until(lambda: not unheard(shop.journal))
        assert shop.machine["starts"] == 1


async def test_a_stop_is_heard_on_a_card_that_is_read_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    router = SmallRouter()
    router.put_up(resin())
    async with served(router) as address:
        shop_file = write_shop(tmp_path / "shop", address, **PIECE)
        async with garage(shop_file, tmp_path / "machine", monkeypatch) as shop:
            await until(lambda: shop.runs)
            with read_only(tmp_path / "shop", tmp_path / "seen"):
                code, printed = await command("shop", "stop", "mk3", "--config", str(tmp_path / "seen" / "shop.toml"))
                assert code == 0 and "told past it" in printed, printed
            await until(lambda: not shop.runs)


async def test_what_was_said_before_a_stop_past_the_journal_starts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing had begun: ready was said first, so it holds no longer, as after any stop."""
    router = SmallRouter()
    async with served(router) as address:
        shop_file = write_shop(tmp_path, address, clears_itself=False, **PIECE)
        async with garage(shop_file, tmp_path / "machine", monkeypatch) as shop:
            await until(lambda: router.requests)
            shop.journal.mark_ready("mk3", "Lena")
            shout(shop.config.data_dir, Shout("mk3", Kind.STOP, "Jo"), "the disk is full")
            await until(lambda: shop.journal.ready("mk3") is None)
            router.put_up(resin())
            await until(lambda: shop.journal.attempts() and shop.journal.history()[-1].toolpath is not None)
            assert shop.machine["starts"] == 0 and not unheard(shop.journal)
            shop.journal.mark_ready("mk3", "Lena")
            await until(lambda: shop.runs)


async def test_a_stop_past_the_journal_while_the_next_toolpath_is_brought_lets_nothing_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring = VirtualMachine.prepare

    async def stopped_meanwhile(machine: VirtualMachine, toolpath: Toolpath, name: str) -> None:
        await bring(machine, toolpath, name)
        if name.endswith("-p2.gcode"):
            shout(tmp_path / "shop-data", Shout("mk3", Kind.STOP, "Jo"), "the disk is full")
            await asyncio.sleep(0.2)  # as long as an upload takes

    monkeypatch.setattr(VirtualMachine, "prepare", stopped_meanwhile)
    router = SmallRouter()
    router.put_up(resin(minutes=0.5))
    async with served(router) as address, garage(write_shop(tmp_path, address, **PIECE), tmp_path / "machine", monkeypatch) as shop:
        await until(lambda: shop.journal.bed_in_doubt("mk3"))
        assert shop.machine["starts"] == 1 and shop.journal.history()[-1].good == 1


async def test_nothing_but_stop_and_pause_is_taken_past_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    router = SmallRouter()
    router.put_up(resin())
    async with served(router) as address, garage(write_shop(tmp_path, address, **PIECE), tmp_path / "machine", monkeypatch) as shop:
        await until(lambda: shop.runs)
        actions.pause(actions.Bench(shop.config, shop.journal), "mk3", "Lena")
        await until(lambda: shop.held and not unheard(shop.journal))
        pipe = shop.config.data_dir / PIPE
        with pipe.open("w", encoding="utf-8") as told:
            for kind in ("resume", "home", "unlock", "good", "start"):
                told.write(json.dumps({"machine_id": "mk3", "kind": kind, "who": "Jo"}) + "\n")
            told.write('nonsense\n[]\n{"machine_id": "mk4", "kind": "stop", "who": "Jo"}\n')
        with pytest.raises(Refused):
            shout(shop.config.data_dir, Shout("mk3", Kind.RESUME, "Jo"), "the disk is full")
        await until(lambda: "which this agent does not know" in caplog.text)  # the last line was read
        assert shop.held and "mk3: unlock is not taken past the journal" in caplog.text
        shout(shop.config.data_dir, Shout("mk3", Kind.STOP, "Jo"), "the disk is full")  # what comes after them is heard all the same
        await until(lambda: not shop.runs)
        assert shop.machine["starts"] == 1 and not any(ended["done"] for ended in shop.machine["ended"].values())
        assert stat.S_IMODE(pipe.stat().st_mode) == 0o600


async def test_whoever_says_stop_is_told_where_neither_journal_nor_agent_hears_it(tmp_path: Path) -> None:
    config = load_config(write_shop(tmp_path))
    with closing(open_journal(config)) as journal, locked(config):
        for left_behind in (False, True):
            if left_behind:  # by an agent that is gone
                os.mkfifo(config.data_dir / PIPE)
            with pytest.raises(Refused) as refused:
                actions.stop(actions.Bench(config, journal), "mk3", "Lena")
            assert refused.value.code == "shop.unwritten" and "locked" in str(refused.value)
        code, printed = await command("shop", "stop", "mk3", "--config", str(config.path))
        assert code != 0 and "no machine hears this" in printed and "its own switch" in printed
    with closing(open_journal(config)) as journal:
        assert not unheard(journal)


def test_a_journal_is_opened_without_waiting_for_whoever_writes(tmp_path: Path) -> None:
    """It took ten seconds, and then it failed: nobody could even begin to say stop."""
    config = load_config(write_shop(tmp_path))
    open_journal(config).close()
    with locked(config), closing(open_journal(config)) as journal:
        assert not unheard(journal)


def test_a_file_that_is_no_pipe_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / PIPE).write_text("mine", encoding="utf-8")
    with pytest.raises(Refused):
        shout(tmp_path, Shout("mk3", Kind.STOP, "Lena"), "the disk is full")
    assert (tmp_path / PIPE).read_text(encoding="utf-8") == "mine"


def test_an_agent_that_cannot_tell_how_it_stands_is_not_taken_for_gone(tmp_path: Path) -> None:
    """On a full disk live.json grows old. The desk went on to say that nothing reaches a machine, and showed none as running."""
    config = load_config(write_shop(tmp_path))
    now = SystemClock().now()
    with closing(open_journal(config)) as journal:
        with only_agent(config.data_dir):
            live = Live(now - STALE_SECONDS - 1, (LiveMachine("mk3", "busy", busy_with="benchy.gcode"),), alone=True)
            LiveFile(config.data_dir, SystemClock()).write(live)
            desk = view.look(config, journal)
            assert desk.agent == view.SILENT and desk.agent_runs and desk.machines[0].running is not None
        assert view.look(config, journal).agent == view.NOT_RUNNING
