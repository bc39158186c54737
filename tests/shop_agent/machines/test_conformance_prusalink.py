# SPDX-License-Identifier: AGPL-3.0-or-later
"""The suite of all drivers, on a real PrusaLink with an MK3 of ours at the end of its line."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest
from conformance import Conformance, Rig
from peers.prusalink.peer import PrusaLinkPeer

from commonfab.clock import SystemClock
from shop_agent.journal.records import Toolpath
from shop_agent.machines import Machine
from shop_agent.machines.prusalink import PrusaLink
from shop_agent.shop_toml.machine_section import MachineSection

MOVES_A_SECOND = 70  # seen: 300 moves of 10 ms each in 4.1 s
FOREIGN = "vase.gcode"


class PrusaLinkRig(Rig):
    """What moved is what the printer's own log says."""

    patience_seconds = 60.0

    def __init__(self, folder: Path, peer: PrusaLinkPeer) -> None:
        self.folder, self.peer = folder, peer

    def driver(self) -> Machine:
        facts = MachineSection(
            id="mk3", envelope_mm=(250, 210, 210), materials=("pla",), control="prusalink", url=self.peer.url, api_key=self.peer.api_key
        )
        return PrusaLink(facts, SystemClock())

    def toolpath(self, seconds: float) -> Toolpath:
        file = self.folder / f"{seconds:g}-seconds.gcode"
        file.write_text(gcode(seconds), encoding="utf-8")
        return Toolpath(str(file), hashlib.sha256(file.read_bytes()).hexdigest(), seconds, 1)

    def moved(self) -> float:
        return len(self.peer.printer.moves)

    def moves_of(self, toolpath: Toolpath) -> float:
        return sum(line.startswith("G1") for line in Path(toolpath.file).read_text(encoding="utf-8").splitlines())

    async def start_foreign(self) -> str:
        self.peer.put(FOREIGN, gcode(20))
        self.peer.call("POST", f"/api/v1/files/local/{FOREIGN}").raise_for_status()
        return FOREIGN

    async def break_down(self) -> None:
        self.peer.printer.unplug()

    async def mend(self) -> None:
        self.peer.printer.plug()

    async def restart_server(self) -> None:
        self.peer.kill()
        await asyncio.to_thread(self.peer.start)


def gcode(seconds: float) -> str:
    """A toolpath without heating that takes about so long."""
    moves = "".join(f"G1 X{i % 50} Y10 E{i / 10} F3000\n" for i in range(round(seconds * MOVES_A_SECOND)))
    return f"; {seconds:g} s\nG28\nG90\nM82\n{moves}"


@pytest.mark.slow
class TestPrusaLink(Conformance):
    @pytest.fixture
    def rig(self, tmp_path: Path, prusalink: PrusaLinkPeer) -> PrusaLinkRig:
        return PrusaLinkRig(tmp_path, prusalink)
