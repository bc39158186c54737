# SPDX-License-Identifier: AGPL-3.0-or-later
"""The shared suite on a real Klipper with a real Moonraker, whose board counts the steps of its motors."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest
from conformance import Conformance, Rig
from peers.klipper.peer import KlipperPeer

from commonfab.clock import SystemClock
from shop_agent.journal.records import Toolpath
from shop_agent.machines import Machine
from shop_agent.machines.moonraker import Moonraker
from shop_agent.shop_toml.machine_section import MachineSection

STEPS_A_MM = 80.0  # of printer.cfg: 16 microsteps, 200 steps a turn, 40 mm a turn
MOVE_MM = 4  # at 20 mm/s a fifth of a second


class KlipperRig(Rig):
    """The peer, driven by Moonraker. Klipper reads a second or two of moves ahead (buffer_time_high of printer.cfg)."""

    runs_on_without_server = True  # Klipper prints; Moonraker only passes on what it is told
    coasts_seconds = 3.0

    def __init__(self, folder: Path, peer: KlipperPeer) -> None:
        self.folder, self.peer = folder, peer

    def driver(self) -> Machine:
        facts = MachineSection(
            id="voron", envelope_mm=(220, 220, 250), materials=("pla",), control="moonraker", url=self.peer.url, api_key=self.peer.api_key
        )
        return Moonraker(facts, SystemClock())

    def toolpath(self, seconds: float) -> Toolpath:
        file = self.folder / f"t{seconds:g}.gcode"
        file.write_text(_moves(seconds), encoding="utf-8")
        return Toolpath(str(file), hashlib.sha256(file.read_bytes()).hexdigest(), seconds, 1)

    def moved(self) -> float:
        return self.peer.steps()

    def moves_of(self, toolpath: Toolpath) -> float:
        return Path(toolpath.file).read_text(encoding="utf-8").count("G1 ") * MOVE_MM * STEPS_A_MM

    async def start_foreign(self) -> str:
        await asyncio.to_thread(self.peer.print_foreign, "vase.gcode", _moves(20))
        return "vase.gcode"

    async def break_down(self) -> None:
        self.peer.break_down()

    async def mend(self) -> None:
        await asyncio.to_thread(self.peer.mend)

    async def restart_server(self) -> None:
        await asyncio.to_thread(self.peer.restart, "moonraker")


def _moves(seconds: float) -> str:
    """Many short lines, so that how far it is shows; there and back, so that it never leaves the bed."""
    return "G28\nG90\n" + "".join(f"G1 X{MOVE_MM if number % 2 == 0 else 0} F1200\n" for number in range(round(seconds * 5)))


@pytest.mark.slow
class TestMoonraker(Conformance):
    @pytest.fixture
    def rig(self, tmp_path: Path, klipper: KlipperPeer) -> KlipperRig:
        return KlipperRig(tmp_path, klipper)
