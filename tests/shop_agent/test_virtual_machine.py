# SPDX-License-Identifier: AGPL-3.0-or-later
"""The virtual machine: makes nothing, but lives outside the agent as a real one does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from clocks import ManualClock
from small_shop import shop

from commonfab.errors import Refused
from shop_agent.journal.records import Toolpath
from shop_agent.machines import Standing
from shop_agent.machines.virtual import VirtualMachine

TEN_MINUTES = Toolpath("", "abc", 600, 5)


def machine(folder: Path, clock: ManualClock) -> VirtualMachine:
    """60 times faster than the toolpath: ten minutes in ten seconds."""
    return VirtualMachine(shop(folder, speed_factor=60).machine[0], folder, clock)


def made(folder: Path) -> list[str]:
    file = folder / "made.jsonl"
    return [json.loads(line)["name"] for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []


async def test_it_plays_the_toolpaths_time_divided_by_the_factor(tmp_path: Path, manual_clock: ManualClock) -> None:
    printer = machine(tmp_path, manual_clock)
    assert (await printer.state("a")).standing is Standing.NOT_HERE
    await printer.prepare(TEN_MINUTES, "a")
    assert (await printer.state("a")).standing is Standing.HERE
    await printer.start("a")
    manual_clock.advance(4)
    look = await printer.state("a")
    assert (look.standing, look.progress, look.remaining_seconds) == (Standing.RUNNING, pytest.approx(0.4), pytest.approx(6))
    manual_clock.advance(6)
    look = await printer.state("a")
    assert (look.standing, look.seconds, look.free) == (Standing.DONE, 600, True)


async def test_it_goes_on_while_its_agent_is_dead_and_writes_each_piece_down_once(tmp_path: Path, manual_clock: ManualClock) -> None:
    printer = machine(tmp_path, manual_clock)
    await printer.prepare(TEN_MINUTES, "a")
    await printer.start("a")
    manual_clock.advance(60)
    for _ in range(3):  # three agents, one after another
        assert (await machine(tmp_path, manual_clock).state("a")).standing is Standing.DONE
    assert made(tmp_path) == ["a"]


async def test_killed_between_the_piece_and_its_note_it_does_not_write_the_piece_down_twice(
    tmp_path: Path, manual_clock: ManualClock
) -> None:
    printer = machine(tmp_path, manual_clock)
    await printer.prepare(TEN_MINUTES, "a")
    await printer.start("a")
    before = (tmp_path / "virtual-mk3.json").read_bytes()
    manual_clock.advance(60)
    await printer.state("a")
    (tmp_path / "virtual-mk3.json").write_bytes(before)  # the state as if the process had died after the line in made.jsonl
    await machine(tmp_path, manual_clock).state("a")
    assert made(tmp_path) == ["a"]


async def test_it_refuses_a_second_start_while_it_is_busy(tmp_path: Path, manual_clock: ManualClock) -> None:
    printer = machine(tmp_path, manual_clock)
    await printer.prepare(TEN_MINUTES, "a")
    await printer.prepare(TEN_MINUTES, "b")
    await printer.start("a")
    with pytest.raises(Refused) as refused:
        await printer.start("b")
    assert refused.value.code == "machine.busy"


async def test_it_refuses_to_run_the_same_name_again(tmp_path: Path, manual_clock: ManualClock) -> None:
    printer = machine(tmp_path, manual_clock)
    await printer.prepare(TEN_MINUTES, "a")
    await printer.start("a")
    manual_clock.advance(60)
    with pytest.raises(Refused):
        await printer.start("a")


async def test_stopped_it_says_failed_and_has_made_nothing(tmp_path: Path, manual_clock: ManualClock) -> None:
    printer = machine(tmp_path, manual_clock)
    await printer.prepare(TEN_MINUTES, "a")
    await printer.start("a")
    manual_clock.advance(3)
    await printer.stop("a")
    look = await printer.state("a")
    assert (look.standing, look.seconds, look.free) == (Standing.FAILED, pytest.approx(180), True)
    manual_clock.advance(60)
    await printer.state("a")
    assert made(tmp_path) == []


async def test_stopping_what_does_not_run_stops_nothing(tmp_path: Path, manual_clock: ManualClock) -> None:
    printer = machine(tmp_path, manual_clock)
    await printer.prepare(TEN_MINUTES, "a")
    await printer.start("a")
    await printer.stop("b")
    assert (await printer.state("a")).standing is Standing.RUNNING
