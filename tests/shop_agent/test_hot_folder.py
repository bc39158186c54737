# SPDX-License-Identifier: AGPL-3.0-or-later
"""A folder from which a controller takes its files: what is brought, what the controller's side moves, and a share that goes away."""

from __future__ import annotations

import errno
import hashlib
import os
import threading
from pathlib import Path

import pytest
from clocks import ManualClock
from small_shop import until

from commonfab.errors import Refused
from shop_agent.journal.records import Toolpath
from shop_agent.machines import Standing, hot_folder, slow_disk
from shop_agent.machines.hot_folder import MARK, HotFolder
from shop_agent.shop_toml.machine_section import MachineSection

NAME = "cf-wo-1-a1-e1-p1.gcode"
OTHER = "cf-wo-1-a1-e1-p2.gcode"


@pytest.fixture
def share(tmp_path: Path) -> Path:
    folder = tmp_path / "share"
    for name in ("running", "done", "failed"):
        (folder / name).mkdir(parents=True)
    (folder / "sign.ngc").write_text("G1 X5\n", encoding="utf-8")  # the owner's own
    return folder


def mill(share: Path, clock: ManualClock) -> HotFolder:
    facts = MachineSection(
        id="mill", process="milling", envelope_mm=(300, 300, 100), materials=("aluminium",), control="hot_folder", folder=share
    )
    return HotFolder(facts, share.parent / "data", clock)


def toolpath(share: Path, text: str = "G1 X1 F100\n" * 50) -> Toolpath:
    file = share.parent / f"{len(text)}.gcode"
    file.write_text(text, encoding="utf-8")
    return Toolpath(str(file), hashlib.sha256(file.read_bytes()).hexdigest(), 600, 0)


async def begun(share: Path, clock: ManualClock) -> HotFolder:
    machine = mill(share, clock)
    await machine.prepare(toolpath(share), NAME)
    await machine.start(NAME)
    return machine


def foreign_files_are_untouched(share: Path) -> bool:
    return (share / "sign.ngc").read_text(encoding="utf-8") == "G1 X5\n"


async def test_the_checked_bytes_lie_there_whole_under_the_pieces_name(share: Path, manual_clock: ManualClock) -> None:
    machine, path = mill(share, manual_clock), toolpath(share)
    assert (await machine.state(NAME)).standing is Standing.NOT_HERE
    await machine.prepare(path, NAME)
    assert (share / NAME).read_bytes() == Path(path.file).read_bytes()
    assert {one.name for one in share.iterdir() if one.is_file()} == {NAME, MARK, "sign.ngc"}
    look = await machine.state(NAME)
    assert look.standing is Standing.HERE and look.free
    await machine.forget(NAME)
    assert not (share / NAME).exists() and foreign_files_are_untouched(share)


async def test_killed_while_it_writes_it_leaves_no_half_file_under_the_name(
    share: Path, manual_clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: Path, content: bytes) -> None:
        file.write_bytes(content[:10])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    machine = mill(share, manual_clock)
    with monkeypatch.context() as patched:
        patched.setattr(hot_folder, "_write", full)
        with pytest.raises(Refused) as refused:
            await machine.prepare(toolpath(share), NAME)
    assert refused.value.code == "machine.folder" and "is full" in str(refused.value)
    assert [one.name for one in share.iterdir() if one.is_file()] == ["sign.ngc"]
    await machine.prepare(toolpath(share), NAME)
    assert (await machine.state(NAME)).standing is Standing.HERE


async def test_a_person_starts_it_and_tells(share: Path, manual_clock: ManualClock) -> None:
    machine = await begun(share, manual_clock)
    manual_clock.advance(90)
    look = await machine.state(NAME)
    assert (look.standing, look.busy_with, look.seconds) == (Standing.RUNNING, NAME, 90)
    await machine.told(NAME, True)
    look = await machine.state(NAME)
    assert (look.standing, look.seconds, look.judged, look.free) == (Standing.DONE, 90, True, True)


@pytest.mark.parametrize(("moved_to", "standing"), [("done", Standing.DONE), ("failed", Standing.FAILED)])
async def test_or_the_controllers_side_moves_the_file(share: Path, manual_clock: ManualClock, moved_to: str, standing: Standing) -> None:
    machine = await begun(share, manual_clock)
    (share / NAME).rename(share / "running" / NAME)
    manual_clock.advance(60)
    assert (await machine.state(NAME)).standing is Standing.RUNNING
    (share / "running" / NAME).rename(share / moved_to / NAME)
    look = await machine.state(NAME)
    assert (look.standing, look.seconds, look.judged) == (standing, 60, False)
    (share / moved_to / NAME).unlink()  # somebody tidies up; it is remembered
    assert (await mill(share, manual_clock).reconcile(NAME)).standing is standing


async def test_what_runs_without_having_been_begun_here_is_seen_all_the_same(share: Path, manual_clock: ManualClock) -> None:
    machine = mill(share, manual_clock)
    await machine.prepare(toolpath(share), NAME)
    (share / NAME).rename(share / "running" / NAME)
    look = await machine.state(NAME)
    assert look.standing is Standing.RUNNING and look.busy_with == NAME


async def test_what_the_owner_runs_keeps_the_machine_busy_and_is_left_alone(share: Path, manual_clock: ManualClock) -> None:
    machine = mill(share, manual_clock)
    await machine.prepare(toolpath(share), NAME)
    (share / "sign.ngc").rename(share / "running" / "sign.ngc")
    look = await machine.state(NAME)
    assert (look.standing, look.busy_with, look.free) == (Standing.HERE, "sign.ngc", False)
    with pytest.raises(Refused) as refused:
        await machine.start(NAME)
    assert refused.value.code == "machine.busy"
    await machine.stop(NAME)
    await machine.forget(NAME)
    assert (share / "running" / "sign.ngc").exists()


async def test_a_file_that_vanished_is_neither_done_nor_failed_nor_brought_again(share: Path, manual_clock: ManualClock) -> None:
    machine = mill(share, manual_clock)
    await machine.prepare(toolpath(share), NAME)
    (share / NAME).unlink()
    look = await machine.state(NAME)
    assert look.standing is Standing.UNKNOWN and look.reachable and "is gone from" in look.note
    with pytest.raises(Refused):
        await machine.start(NAME)


async def test_a_begun_file_that_vanished_is_unknown_until_a_person_tells(share: Path, manual_clock: ManualClock) -> None:
    machine = await begun(share, manual_clock)
    (share / NAME).unlink()
    look = await machine.state(NAME)
    assert look.standing is Standing.UNKNOWN and not look.busy_with
    await machine.told(NAME, True)
    assert (await machine.state(NAME)).standing is Standing.DONE


async def test_once_the_bench_has_settled_what_vanished_the_next_piece_can_begin(share: Path, manual_clock: ManualClock) -> None:
    machine = await begun(share, manual_clock)
    (share / NAME).unlink()
    await machine.prepare(toolpath(share), OTHER)
    assert (await machine.state(OTHER)).free
    await machine.start(OTHER)
    assert (await machine.state(OTHER)).standing is Standing.RUNNING
    assert (await machine.state(NAME)).standing is Standing.FAILED


async def test_stopped_it_lies_where_nobody_loads_it(share: Path, manual_clock: ManualClock) -> None:
    machine = await begun(share, manual_clock)
    await machine.stop(NAME)
    assert not (share / NAME).exists() and (share / "failed" / NAME).exists()
    assert (await machine.state(NAME)).standing is Standing.FAILED


@pytest.mark.parametrize("empty_mount_point_stays", [False, True])
async def test_a_share_that_goes_away_is_away_and_nothing_is_taken_for_done(
    share: Path, manual_clock: ManualClock, empty_mount_point_stays: bool
) -> None:
    machine = await begun(share, manual_clock)
    away = share.with_name("elsewhere")
    share.rename(away)
    if empty_mount_point_stays:
        share.mkdir()
    for driver in (machine, mill(share, manual_clock)):
        look = await driver.state(NAME)
        assert (look.standing, look.reachable, look.free) == (Standing.RUNNING, False, False) and str(share) in look.note
        for refused in (driver.start(OTHER), driver.describe(), driver.prepare(toolpath(share), OTHER)):
            with pytest.raises(Refused) as why:
                await refused
            assert why.value.code == "machine.folder"
    if empty_mount_point_stays:
        assert not list(share.iterdir())  # nothing was written under the mount point
        share.rmdir()
    away.rename(share)
    assert (await machine.state(NAME)).standing is Standing.RUNNING


async def test_a_share_that_hangs_holds_up_nobody(share: Path, manual_clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    machine = await begun(share, manual_clock)
    monkeypatch.setattr(slow_disk, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(machine, "_is_there", lambda: released.wait(100))
    for _ in range(20):
        look = await machine.state(NAME)
        assert not look.reachable and "does not answer" in look.note and look.standing is Standing.RUNNING
    try:  # those that had an answer before may still be about to end
        await until(lambda: sum(thread.name == "slow-disk" for thread in threading.enumerate()) == 1, 60)
    finally:
        released.set()


async def test_a_full_folder_is_said_before_anything_is_brought(
    share: Path, manual_clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage:
        free = 10

    monkeypatch.setattr(hot_folder.shutil, "disk_usage", lambda folder: Usage)
    look = await mill(share, manual_clock).state(NAME)
    assert (look.standing, look.reachable) == (Standing.NOT_HERE, False) and "is full" in look.note
