# SPDX-License-Identifier: AGPL-3.0-or-later
"""The whole agent with a real PrusaSlicer and a real OctoPrint, killed while the printer prints."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest
from peers.octoprint.peer import OctoPrintPeer
from small_shop import SmallRouter, offer, served, until, write_shop
from test_agent import finished, journal, running

from commonfab import v1

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prusa_slicer")]

COLD = "temperature = 0\nfirst_layer_temperature = 0\nbed_temperature = 0\nfirst_layer_bed_temperature = 0\n"
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


async def test_octoprint_dies_with_the_piece_and_only_a_person_lets_it_go_on(tmp_path: Path, octoprint: OctoPrintPeer) -> None:
    """Even a machine that starts and clears itself: half a piece may lie on its bed, and OctoPrint does not know."""
    router = SmallRouter()
    router.put_up(offer(quantity=1, size=(30, 30, 20)))
    async with served(router) as address:
        with running(octoprint_shop(tmp_path, address, octoprint)) as agent:
            await until(lambda: octoprint.state() == "Printing", 60)
            await until(lambda: any(status.piece_progress > 0 for r in router.requests for status in r.attempts))
            await asyncio.to_thread(octoprint.kill)
            await until(lambda: router.requests[-1].shop.machines[0].state == v1.MACHINE_STATE_OFFLINE)
            await asyncio.to_thread(octoprint.start)
            await until(lambda: router.requests[-1].shop.machines[0].state == v1.MACHINE_STATE_NEEDS_PERSON, 60)
            await asyncio.sleep(2)
            assert octoprint.state() == "Operational" and "somebody to look" in agent.said()
            journal(tmp_path).mark_ready("mk3", "Lena")
            await until(lambda: octoprint.state() == "Printing", 20)
            work = await finished(router)
    assert work.pieces_good == 1
    assert prints(octoprint, "cf-wo-1-a1-e1-p2.gcode") == 1 and prints(octoprint, "cf-wo-1-a1-e1-p1.gcode") == 0
