# SPDX-License-Identifier: AGPL-3.0-or-later
"""The shared suite on machines that a person works: by hand, and through a folder of the controller."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from conformance import Conformance, Rig

from commonfab.clock import SystemClock
from shop_agent.journal.records import Toolpath
from shop_agent.machines import Machine
from shop_agent.machines.by_hand import ByHand
from shop_agent.machines.hot_folder import HotFolder
from shop_agent.shop_toml.machine_section import MachineSection

pytestmark = pytest.mark.slow

SERVERLESS: Mapping[str, str] = MappingProxyType(
    {"restart_of_the_server": "there is no server", "server_restarted_before_the_start": "there is no server"}
)
TICK_SECONDS = 0.02


class PersonsRig(Rig):
    """A person who looks at what is begun (the driver's own file) and turns a crank until the piece is made; `moved` counts the turns."""

    coasts_seconds = 1.0  # one more turn, however late the computer lets it be made
    patience_seconds = 60.0
    cannot = SERVERLESS

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.turns: Counter[str] = Counter()
        self._gone = threading.Event()
        self._person = threading.Thread(target=self._work, daemon=True)
        self._person.start()

    def goes_home(self) -> None:
        """The test is over."""
        self._gone.set()
        self._person.join()

    def _work(self) -> None:
        while not self._gone.wait(TICK_SECONDS):
            begun = self._begun()
            if begun and self.turns[begun["name"]] < begun["expected"] / TICK_SECONDS:
                self.turns[begun["name"]] += 1

    def _begun(self) -> dict[str, Any] | None:
        files = list(self.folder.glob("*-bench.json"))
        begun = json.loads(files[0].read_text(encoding="utf-8"))["begun"] if files else None
        return begun if begun and not begun["held"] else None

    def moved(self) -> float:
        return self.turns.total()

    async def person_sees_it_done(self, driver: Machine, name: str) -> None:
        async with asyncio.timeout(self.patience_seconds):
            while (begun := self._begun()) and self.turns[name] < begun["expected"] / TICK_SECONDS:
                await asyncio.sleep(TICK_SECONDS)
        await driver.told(name, True)

    def toolpath(self, seconds: float) -> Toolpath:
        file = self.folder / f"t{seconds:g}.gcode"
        file.write_text(f"G1 X{seconds} F60\n", encoding="utf-8")
        return Toolpath(str(file), hashlib.sha256(file.read_bytes()).hexdigest(), seconds, 1)

    def facts(self, control: str, **more: object) -> MachineSection:
        told = {"id": "bench", "process": "milling", "envelope_mm": (300, 300, 100), "materials": ("steel",), "control": control}
        return MachineSection.model_validate(told | more)


class ByHandRig(PersonsRig):
    cannot = MappingProxyType(
        {
            **SERVERLESS,
            "a_changed_toolpath": "there is no toolpath",
            "fault": "a person who cannot go on says stop",
            "foreign_job_running": "what else the person does is not the agent's affair",
        }
    )

    def driver(self) -> Machine:
        return ByHand(self.facts("by_hand"), self.folder, SystemClock())


class HotFolderRig(PersonsRig):
    """The person is the one at the controller, who moves files to running/ and failed/."""

    def __init__(self, folder: Path) -> None:
        self.share = folder / "share"
        for name in ("running", "failed"):
            (self.share / name).mkdir(parents=True)
        super().__init__(folder)

    def driver(self) -> Machine:
        return HotFolder(self.facts("hot_folder", folder=self.share), self.folder, SystemClock())

    async def start_foreign(self) -> str:
        (self.share / "running" / "sign.ngc").write_text("G1 X5 F10\n", encoding="utf-8")
        self.turns["sign.ngc"] += 1
        return "sign.ngc"

    async def break_down(self) -> None:
        self.share.rename(self.folder / "away")

    async def mend(self) -> None:
        (self.folder / "away").rename(self.share)
        for ours in self.share.glob("cf-*"):
            ours.rename(self.share / "failed" / ours.name)


class TestByHand(Conformance):
    @pytest.fixture
    def rig(self, tmp_path: Path) -> Iterator[ByHandRig]:
        person = ByHandRig(tmp_path)
        yield person
        person.goes_home()


class TestHotFolder(Conformance):
    @pytest.fixture
    def rig(self, tmp_path: Path) -> Iterator[HotFolderRig]:
        person = HotFolderRig(tmp_path)
        yield person
        person.goes_home()
