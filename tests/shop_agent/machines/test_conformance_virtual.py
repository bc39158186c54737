# SPDX-License-Identifier: AGPL-3.0-or-later
"""The shared suite on the virtual machine. It makes nothing, so what counts as moved is each run that it began."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from types import MappingProxyType

import pytest
from conformance import Conformance, Rig

from commonfab.clock import SystemClock
from shop_agent.journal.records import Toolpath
from shop_agent.machines import Machine
from shop_agent.machines.virtual import VirtualMachine
from shop_agent.shop_toml.machine_section import MachineSection

FACTS = MachineSection(id="virtual", envelope_mm=(100, 100, 100), materials=("pla",), control="virtual", speed_factor=1)


class VirtualRig(Rig):
    """As fast as its toolpaths say: whoever pauses it has as long as with any other machine."""

    still_seconds = 0.1
    coasts_seconds = 0.1
    cannot = MappingProxyType(
        {
            "a_changed_toolpath": "it plays a toolpath's time and reads none of its bytes",
            "fault": "nothing can break on it",
            "restart_of_the_server": "it has no server: it plays its time whether or not anybody runs",
            "server_restarted_before_the_start": "it has no server",
        }
    )

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def driver(self) -> Machine:
        return VirtualMachine(FACTS, self.folder / "data", SystemClock())

    def toolpath(self, seconds: float) -> Toolpath:
        file = self.folder / f"t{seconds:g}.gcode"
        file.write_text("G28\nG1 X10\n", encoding="utf-8")
        return Toolpath(str(file), hashlib.sha256(file.read_bytes()).hexdigest(), seconds, 1)

    def moved(self) -> float:
        state = self.folder / "data" / "virtual-virtual.json"
        return float(json.loads(state.read_text(encoding="utf-8"))["starts"]) if state.exists() else 0.0

    def moves_of(self, toolpath: Toolpath) -> float:
        return 1

    async def start_foreign(self) -> str:
        owner = self.driver()
        await owner.prepare(self.toolpath(150), "vase.gcode")
        await owner.start("vase.gcode")
        return "vase.gcode"


class TestVirtual(Conformance):
    @pytest.fixture
    def rig(self, tmp_path: Path) -> VirtualRig:
        return VirtualRig(tmp_path)
