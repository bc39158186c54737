# SPDX-License-Identifier: AGPL-3.0-or-later
"""What real machine servers prove of a time in which nobody looked: that nothing ran, or that something did."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from peers.klipper.peer import KlipperPeer
from peers.octoprint.peer import OctoPrintPeer
from peers.prusalink.peer import PrusaLinkPeer

from commonfab.clock import SystemClock
from shop_agent.bench.watching import Watching
from shop_agent.journal.book import journal_in
from shop_agent.journal.records import Toolpath
from shop_agent.machines import MARKED, Look, Machine, Standing
from shop_agent.machines.moonraker import Moonraker
from shop_agent.machines.octoprint import OctoPrint
from shop_agent.machines.prusalink import PrusaLink
from shop_agent.shop_toml.machine_section import MachineSection

pytestmark = pytest.mark.slow
OURS = "cf-wo-1-a1-e7-p1.gcode"
VASE = "vase.gcode"


def gcode(moves: int) -> str:
    return "G28\nG90\nM82\n" + "".join(f"G1 X{5 * (i % 2)} F1200\n" for i in range(moves))


def facts(control: str, url: str, key: str) -> MachineSection:
    keys = {"id": "mk3", "envelope_mm": (220, 220, 250), "materials": ("pla",), "control": control, "url": url, "api_key": key}
    return MachineSection.model_validate(keys)


async def until(machine: Machine, name: str, wanted: Callable[[Look], bool], limit_seconds: float = 60) -> Look:
    async with asyncio.timeout(limit_seconds):
        while not wanted(look := await machine.state(name)):
            await asyncio.sleep(0.1)
    return look


async def made(folder: Path, machine: Machine) -> str:
    """Our piece is made; answers the mark of it once the machine rests."""
    file = folder / "t.gcode"
    file.write_text(gcode(10), encoding="utf-8")
    await machine.prepare(Toolpath(str(file), hashlib.sha256(file.read_bytes()).hexdigest(), 5, 1), OURS)
    await machine.start(OURS)
    await until(machine, OURS, lambda look: look.standing is Standing.DONE)
    look = await until(machine, "", lambda look: look.free and bool(look.ran))
    assert look.ran.startswith(OURS + MARKED)
    return look.ran


async def test_octoprint_shows_its_last_print_until_its_owner_prints_something_else(tmp_path: Path, octoprint: OctoPrintPeer) -> None:
    def select(name: str, and_print: bool) -> None:
        octoprint.call("POST", f"/api/files/local/{name}", json={"command": "select", "print": and_print}).raise_for_status()

    first, later = (OctoPrint(facts("octoprint", octoprint.url, octoprint.api_key), SystemClock()) for _ in range(2))
    ran = await made(tmp_path, first)
    assert await later.nothing_ran_since(ran) and not await later.nothing_ran_since("")
    octoprint.call("POST", "/api/files/local", files={"file": (VASE, gcode(10))}).raise_for_status()
    assert await later.nothing_ran_since(ran)  # that it lies there moves nothing
    select(VASE, and_print=True)
    await until(later, VASE, lambda look: look.standing is Standing.DONE and look.free)
    assert not await later.nothing_ran_since(ran)
    vase = (await later.state("")).ran
    assert vase.startswith(VASE + MARKED)
    select(VASE, and_print=True)
    await until(later, VASE, lambda look: look.free and look.ran not in ("", vase))  # the same file once more
    select(OURS, and_print=False)
    assert not await later.nothing_ran_since(ran)  # ours is selected again, and what its owner made lies there
    await asyncio.to_thread(octoprint.kill)
    await asyncio.to_thread(octoprint.start)
    assert not await later.nothing_ran_since(ran) and (await later.state("")).ran == ""  # it has forgotten, so nobody knows
    await first.close()
    await later.close()


async def test_an_octoprint_that_is_started_anew_costs_no_word_if_it_is_back_within_a_minute(
    tmp_path: Path, octoprint: OctoPrintPeer
) -> None:
    printer = OctoPrint(facts("octoprint", octoprint.url, octoprint.api_key), SystemClock())
    with contextlib.closing(journal_in(tmp_path)) as journal:
        agent = Watching(journal, printer, lambda about, line: None)
        await agent.note(await until(printer, "", lambda look: look.free))
        journal.mark_ready("mk3", "Lena")
        await asyncio.to_thread(octoprint.kill)
        await agent.note(away := await printer.state(""))
        await asyncio.to_thread(octoprint.start)
        await agent.note(await until(printer, "", lambda look: look.free))
        assert not away.reachable and journal.ready("mk3") is not None
        octoprint.call("POST", "/api/files/local", files={"file": (VASE, gcode(10))}, data={"print": "true"}).raise_for_status()
        await until(printer, VASE, lambda look: look.standing is Standing.DONE and look.free)  # and the agent did not look
        await agent.note(await until(printer, "", lambda look: look.free and bool(look.ran)))
        assert journal.ready("mk3") is None and journal.bed_in_doubt("mk3")
    await printer.close()


async def test_a_print_that_its_owner_stopped_has_run_too(tmp_path: Path, octoprint: OctoPrintPeer) -> None:
    printer = OctoPrint(facts("octoprint", octoprint.url, octoprint.api_key), SystemClock())
    ran = await made(tmp_path, printer)
    octoprint.call("POST", "/api/files/local", files={"file": (VASE, gcode(3000))}, data={"print": "true"}).raise_for_status()
    await until(printer, "", lambda look: look.busy_with == VASE)
    await printer.stop(VASE)
    await until(printer, "", lambda look: look.free)
    assert not await printer.nothing_ran_since(ran)
    octoprint.call("POST", f"/api/files/local/{OURS}", json={"command": "select", "print": False}).raise_for_status()
    assert not await printer.nothing_ran_since(ran)
    await printer.close()


async def test_klipper_names_its_last_print_until_its_owner_prints_something_else(tmp_path: Path, klipper: KlipperPeer) -> None:
    first, later = (Moonraker(facts("moonraker", klipper.url, klipper.api_key), SystemClock()) for _ in range(2))
    ran = await made(tmp_path, first)
    assert await later.nothing_ran_since(ran) and not await later.nothing_ran_since("")
    await asyncio.to_thread(klipper.print_foreign, VASE, gcode(10))
    await until(later, "", lambda look: look.free and look.ran.startswith(VASE + MARKED))
    assert not await later.nothing_ran_since(ran)
    await asyncio.to_thread(klipper.run_gcode, "SDCARD_RESET_FILE")
    assert (await later.state("")).ran == "" and not await later.nothing_ran_since(ran)
    await first.close()
    await later.close()


async def test_prusalink_knows_the_number_of_its_last_print_even_after_it_was_killed(tmp_path: Path, prusalink: PrusaLinkPeer) -> None:
    first, later = (PrusaLink(facts("prusalink", prusalink.url, prusalink.api_key), SystemClock()) for _ in range(2))
    ran = await made(tmp_path, first)
    assert await later.nothing_ran_since(ran) and not await later.nothing_ran_since("")
    await asyncio.to_thread(prusalink.kill)
    await asyncio.to_thread(prusalink.start)
    assert await later.nothing_ran_since(ran)
    await asyncio.to_thread(prusalink.put, VASE, gcode(10))
    prusalink.call("POST", f"/api/v1/files/local/{VASE}").raise_for_status()
    await until(later, "", lambda look: look.busy_with == VASE)
    await until(later, "", lambda look: look.free)
    assert not await later.nothing_ran_since(ran)
    await first.close()
    await later.close()
