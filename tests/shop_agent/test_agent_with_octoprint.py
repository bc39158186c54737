# SPDX-License-Identifier: AGPL-3.0-or-later
"""The whole agent with a real PrusaSlicer and a real OctoPrint, of which one or both die while the printer prints, or its cable is pulled.

What was begun and what was not is read in the log of the serial line, which is the virtual printer's own: each toolpath homes once.
"""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest
from peers.octoprint.peer import OctoPrintPeer
from small_shop import SmallRouter, offer, served, until, write_shop
from test_agent import finished, journal, running

from commonfab import v1
from commonfab.errors import Refused

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prusa_slicer")]

COLD = "temperature = 30\nfirst_layer_temperature = 30\nbed_temperature = 0\nfirst_layer_bed_temperature = 0\n"
COARSE = "layer_height = 0.3\nfirst_layer_height = 0.3\nperimeters = 1\nfill_density = 0%\ntop_solid_layers = 0\nbottom_solid_layers = 1\n"


def octoprint_shop(folder: Path, address: str, peer: OctoPrintPeer, **what: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cold.ini").write_text(COLD + COARSE, encoding="utf-8")
    keys = {"control": "octoprint", "url": peer.url, "api_key": peer.api_key, "slicer_profile": "cold.ini"} | what
    return write_shop(folder, address, **keys)  # type: ignore[arg-type]


def prints(peer: OctoPrintPeer, name: str) -> int:
    answer = peer.call("GET", f"/api/files/local/{name}")
    return int(answer.json().get("prints", {}).get("success", 0)) if answer.is_success else 0


async def test_killed_while_it_prints_the_agent_finds_its_piece_again_and_what_was_checked_is_what_was_printed(
    tmp_path: Path, octoprint: OctoPrintPeer
) -> None:
    router = SmallRouter()
    router.put_up(offer(quantity=2, size=(10, 10, 3)))
    async with served(router) as address:
        file = octoprint_shop(tmp_path, address, octoprint)
        with running(file) as agent:
            await somebody_clears_its_bed(router, tmp_path)
            await until(lambda: octoprint.state() == "Printing", 60)
            agent.kill()
        with running(file):
            work = await finished(router)
            await until(lambda: not journal(tmp_path).attempts())
    assert (work.pieces_good, work.pieces_scrap, work.control) == (2, 0, "octoprint")
    assert work.machine_time.ToTimedelta().total_seconds() > 0 and work.grams > 0
    last = octoprint.uploads / "cf-wo-1-a1-e1-p2.gcode"
    assert hashlib.sha256(last.read_bytes()).hexdigest() == work.toolpath_sha256
    assert prints(octoprint, last.name) == 1
    assert not (octoprint.uploads / "cf-wo-1-a1-e1-p1.gcode").exists()  # accounted for, and cleared away


def begun(peer: OctoPrintPeer) -> int:
    """How many toolpaths the printer was sent the beginning of. After a reconnection its log has each line twice, with the same time."""
    return len({line for line in peer.serial_log.splitlines() if "G28" in line})


def under_way(peer: OctoPrintPeer) -> bool:
    """Whether it prints, and some of it is done."""
    job = peer.call("GET", "/api/job").json()
    return bool(job["state"] == "Printing" and (job["progress"]["completion"] or 0) > 10)


def waits_for_somebody(router: SmallRouter) -> bool:
    """Whether the router was told so last."""
    return bool(router.requests) and router.requests[-1].shop.machines[0].state == v1.MACHINE_STATE_NEEDS_PERSON


async def somebody_clears_its_bed(router: SmallRouter, folder: Path) -> None:
    """Before the first start: nobody knows what was made there before the agent came, even where the machine clears itself of ours."""
    await until(lambda: waits_for_somebody(router), 60)
    journal(folder).mark_ready("mk3", "Lena")


async def nothing_starts(peer: OctoPrintPeer, expected: int, seconds: float = 3) -> None:
    await asyncio.sleep(seconds)
    assert peer.state() == "Operational" and begun(peer) == expected


@pytest.mark.parametrize("how", ["killed", "restarted in order"])
async def test_octoprint_ends_with_the_piece_and_only_a_person_lets_it_go_on(tmp_path: Path, octoprint: OctoPrintPeer, how: str) -> None:
    """Even a machine that starts and clears itself: half a piece may lie on its bed, and OctoPrint may not know."""
    router, before = SmallRouter(), begun(octoprint)
    router.put_up(offer(quantity=1, size=(20, 20, 7)))
    async with served(router) as address:
        with running(octoprint_shop(tmp_path, address, octoprint)) as agent:
            await somebody_clears_its_bed(router, tmp_path)
            await until(lambda: under_way(octoprint), 60)
            await asyncio.to_thread(octoprint.kill if how == "killed" else octoprint.stop)
            await until(lambda: router.requests[-1].shop.machines[0].state == v1.MACHINE_STATE_OFFLINE)
            await asyncio.to_thread(octoprint.start)
            await until(lambda: waits_for_somebody(router), 60)
            await nothing_starts(octoprint, before + 1)
            assert "somebody to " in agent.said()
            journal(tmp_path).mark_ready("mk3", "Lena")
            work = await finished(router)
    assert work.pieces_good == 1 and begun(octoprint) == before + 2
    assert prints(octoprint, "cf-wo-1-a1-e1-p2.gcode") == 1 and prints(octoprint, "cf-wo-1-a1-e1-p1.gcode") == 0


async def test_after_a_power_cut_nothing_is_started_before_a_person_looked(tmp_path: Path, octoprint: OctoPrintPeer) -> None:
    """The agent and OctoPrint run on one Raspberry Pi, and its plug is pulled in mid-print. The machine starts and clears itself."""
    router, before = SmallRouter(), begun(octoprint)
    router.put_up(offer(quantity=1, size=(20, 20, 7)))
    async with served(router) as address:
        file = octoprint_shop(tmp_path, address, octoprint)
        with running(file) as agent:
            await somebody_clears_its_bed(router, tmp_path)
            await until(lambda: under_way(octoprint), 60)
            agent.kill()
            octoprint.kill()
        with running(file) as agent:
            await asyncio.to_thread(octoprint.start)
            await until(lambda: waits_for_somebody(router))
            await nothing_starts(octoprint, before + 1)
            assert "somebody to look" in agent.said() and not router.reports
            journal(tmp_path).mark_ready("mk3", "Lena")
            work = await finished(router)
    assert (work.pieces_good, work.pieces_scrap) == (1, 0) and begun(octoprint) == before + 2


async def test_a_printer_unplugged_in_mid_print_and_plugged_in_again_waits_for_somebody_to_clear_its_bed(
    tmp_path: Path, octoprint: OctoPrintPeer
) -> None:
    router, before = SmallRouter(), begun(octoprint)
    router.put_up(offer(quantity=1, size=(20, 20, 7)))
    async with served(router) as address:
        with running(octoprint_shop(tmp_path, address, octoprint)):
            await somebody_clears_its_bed(router, tmp_path)
            await until(lambda: under_way(octoprint), 60)
            octoprint.printer_says("!!DEBUG:drop_connection")
            await until(lambda: router.requests[-1].shop.machines[0].state == v1.MACHINE_STATE_OFFLINE)
            await asyncio.to_thread(octoprint.connect)
            await until(lambda: waits_for_somebody(router))
            await nothing_starts(octoprint, before + 1)
            journal(tmp_path).mark_ready("mk3", "Lena")
            work = await finished(router)
    assert (work.pieces_good, work.pieces_scrap) == (1, 1) and begun(octoprint) == before + 2


async def test_a_printer_that_leaves_a_line_unanswered_goes_on_with_the_same_piece(tmp_path: Path, octoprint: OctoPrintPeer) -> None:
    """Nothing is sent to it for a while, its server waits, asks it, and goes on: for the agent that is one print like any other."""
    router, before = SmallRouter(), begun(octoprint)
    router.put_up(offer(quantity=1, size=(20, 20, 7)))
    async with served(router) as address:
        with running(octoprint_shop(tmp_path, address, octoprint)) as agent:
            await somebody_clears_its_bed(router, tmp_path)
            await until(lambda: under_way(octoprint), 60)
            octoprint.printer_says("!!DEBUG:dont_answer")
            work = await finished(router)
            assert agent.said().count("starts piece") == 1
    assert (work.pieces_good, work.pieces_scrap) == (1, 0) and begun(octoprint) == before + 1


async def test_after_a_print_of_the_owners_own_the_next_piece_waits_until_that_is_off_the_bed(
    tmp_path: Path, octoprint: OctoPrintPeer
) -> None:
    """Also where the machine clears itself of our pieces: of what else was printed on it that is not known."""
    router, before = SmallRouter(), begun(octoprint)
    router.put_up(offer(quantity=2, size=(10, 10, 3)))
    async with served(router) as address:
        file = octoprint_shop(tmp_path, address, octoprint, clears_itself=False)
        with running(file):
            await somebody_clears_its_bed(router, tmp_path)
            await until(lambda: router.requests[-1].attempts and router.requests[-1].attempts[0].pieces_good == 1)
        file.write_text(file.read_text(encoding="utf-8").replace("clears_itself = false", "clears_itself = true"), encoding="utf-8")
        await asyncio.to_thread(print_foreign, octoprint)
        with running(file):
            await until(lambda: router.requests[-1].shop.machines[0].state == v1.MACHINE_STATE_BUSY)
            with pytest.raises(Refused, match="mk3"):
                journal(tmp_path).mark_ready("mk3", "Lena")
            await asyncio.to_thread(octoprint.until, "Operational")
            await nothing_starts(octoprint, before + 2, seconds=6)
            assert waits_for_somebody(router)
            journal(tmp_path).mark_ready("mk3", "Lena")
            assert (await finished(router)).pieces_good == 2
    assert begun(octoprint) == before + 3


@pytest.mark.parametrize("vase", [True, False], ids=["its owner prints", "nothing runs"])
async def test_a_cleared_bed_stays_clear_while_the_agent_is_away_unless_its_owner_prints_something(
    tmp_path: Path, octoprint: OctoPrintPeer, vase: bool
) -> None:
    """The machine starts by itself. What its owner made meanwhile has ended long before the agent is back, and nobody has seen it run."""
    router, before = SmallRouter(), begun(octoprint)
    router.put_up(offer(size=(10, 10, 3)))
    async with served(router) as address:
        file = octoprint_shop(tmp_path, address, octoprint, clears_itself=False)
        with running(file):
            await somebody_clears_its_bed(router, tmp_path)
            await finished(router)
            await until(lambda: waits_for_somebody(router), 60)
            journal(tmp_path).mark_ready("mk3", "Lena")  # the piece is taken off
            await until(lambda: router.requests[-1].shop.machines[0].state == v1.MACHINE_STATE_READY)
        if vase:
            await asyncio.to_thread(print_foreign, octoprint)
            await asyncio.sleep(1)
            await asyncio.to_thread(octoprint.until, "Operational", 60)
        router.put_up(offer("wo-2", size=(10, 10, 3)))
        with running(file) as agent:
            if vase:
                await until(lambda: waits_for_somebody(router), 60)
                await nothing_starts(octoprint, before + 2, seconds=6)
                assert "vase.gcode ran there while nobody watched" in agent.said()
                journal(tmp_path).mark_ready("mk3", "Lena")
            await until(lambda: router.ended.get("wo-2") == "complete", 60)
    assert begun(octoprint) == before + (3 if vase else 2)


def print_foreign(peer: OctoPrintPeer) -> None:
    """What the owner does: a vase of some seconds."""
    vase = "G28\n" + "G1 X1\nG4 P90\nG1 X2\nG4 P90\n" * 30
    parts = {"file": ("vase.gcode", vase.encode(), "text/x.gcode")}
    peer.call("POST", "/api/files/local", files=parts, data={"select": "true", "print": "true"}).raise_for_status()
    peer.until("Printing")
