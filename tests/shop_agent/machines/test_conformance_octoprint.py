# SPDX-License-Identifier: AGPL-3.0-or-later
"""The shared suite on a real OctoPrint, whose virtual printer writes down every line that reached it."""

from __future__ import annotations

import asyncio
import hashlib
import re
from pathlib import Path

import pytest
from conformance import Conformance, Rig
from peers.octoprint.peer import OctoPrintPeer

from commonfab.clock import SystemClock
from shop_agent.journal.records import Toolpath
from shop_agent.machines import Machine
from shop_agent.machines.octoprint import OctoPrint
from shop_agent.shop_toml.machine_section import MachineSection

LINES_A_SECOND = 10  # each line waits: see _moves


class OctoPrintRig(Rig):
    """The peer. Its log of the serial line is the printer's own, and survives OctoPrint."""

    def __init__(self, folder: Path, peer: OctoPrintPeer) -> None:
        self.folder, self.peer = folder, peer

    def driver(self) -> Machine:
        facts = MachineSection(
            id="mk3", envelope_mm=(120, 120, 100), materials=("pla",), control="octoprint", url=self.peer.url, api_key=self.peer.api_key
        )
        return OctoPrint(facts, SystemClock())

    def toolpath(self, seconds: float) -> Toolpath:
        file = self.folder / f"t{seconds:g}.gcode"
        file.write_text(_moves(seconds), encoding="utf-8")
        return Toolpath(str(file), hashlib.sha256(file.read_bytes()).hexdigest(), seconds, 1)

    def moved(self) -> float:
        # After each reconnection one more copy of every line is written down, with the same time.
        return len({line for line in self.peer.serial_log.splitlines() if re.search(r"\bG1 X", line)})

    def moves_of(self, toolpath: Toolpath) -> float:
        return Path(toolpath.file).read_text(encoding="utf-8").count("G1 X")

    async def start_foreign(self) -> str:
        await asyncio.to_thread(self._start_foreign)
        return "vase.gcode"

    def _start_foreign(self) -> None:
        parts = {"file": ("vase.gcode", _moves(20).encode(), "text/x.gcode")}
        self.peer.call("POST", "/api/files/local", files=parts, data={"select": "true", "print": "true"}).raise_for_status()
        self.peer.until("Printing")

    async def break_down(self) -> None:
        await asyncio.to_thread(self.peer.printer_says, "!!DEBUG:drop_connection")

    async def mend(self) -> None:
        await asyncio.to_thread(self.peer.connect)

    async def restart_server(self) -> None:
        await asyncio.to_thread(self._restart)

    def _restart(self) -> None:
        self.peer.kill()
        self.peer.start()


def _moves(seconds: float) -> str:
    """A dwell after each move, because the virtual printer makes its moves in no time."""
    return "G28\nG90\n" + "".join(f"G1 X{number % 50} F3000\nG4 P90\n" for number in range(round(seconds * LINES_A_SECOND)))


@pytest.mark.slow
class TestOctoPrint(Conformance):
    @pytest.fixture
    def rig(self, tmp_path: Path, octoprint: OctoPrintPeer) -> OctoPrintRig:
        return OctoPrintRig(tmp_path, octoprint)
