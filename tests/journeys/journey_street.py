# SPDX-License-Identifier: AGPL-3.0-or-later
"""A whole street from processes of their own: a node, a shop with a real OctoPrint, a maker and a requester."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest
from peers.octoprint.peer import OctoPrintPeer
from processes import CommonfabProcess, NodeProcess, wait_until
from stl_boxes import stl_box

from commonfab import v1
from commonfab.chain import broken_entry

PROFILE = """\
# Cold, so that the virtual printer need not wait for heat, and coarse, so that a piece is a matter of seconds.
temperature = 30
first_layer_temperature = 30
bed_temperature = 0
first_layer_bed_temperature = 0
layer_height = 0.3
first_layer_height = 0.3
fill_density = 20%
skirts = 0
filament_diameter = 1.75
nozzle_diameter = 0.4
"""


@dataclass
class Street:
    """Everybody in the street, and what a test asks of them."""

    folder: Path
    node: NodeProcess
    printer: OctoPrintPeer
    maker: str = ""
    requester: str = ""
    agent: CommonfabProcess | None = None
    job_id: str = ""
    homed_before: int = 0
    started: list[CommonfabProcess] = field(default_factory=list)

    async def open(self) -> None:
        """Start the node, give everybody a token, start the shop's agent and wait until the router knows it."""
        self.homed_before = self.prints_begun()
        self.node.start()
        self.started.append(self.node)
        self.maker = await self.node.token(v1.SCOPE_MAKER, "mia")
        self.requester = await self.node.token(v1.SCOPE_REQUESTER, "anna")
        shop = await self.node.token(v1.SCOPE_SHOP, "lena")
        (self.folder / "cold.ini").write_text(PROFILE, encoding="utf-8")
        (self.folder / "shop.toml").write_text(self._shop_toml(shop), encoding="utf-8")
        self.agent = CommonfabProcess(["shop", "run", "--config", str(self.folder / "shop.toml")], self.folder / "agent.log")
        self.agent.start()
        self.started.append(self.agent)
        wait_until(lambda: "is open with" in self.agent_log(), "the agent to open")
        # Lena has just put the agent beside her printer. What lay on it before, only she can say; from now on it is watched.
        await asyncio.to_thread(self._says_ready)

    def _says_ready(self) -> None:
        command = [sys.executable, "-m", "cli.main", "shop", "ready", "mk3", "--config", str(self.folder / "shop.toml")]
        subprocess.run(command, check=True, capture_output=True, timeout=120)

    def _shop_toml(self, token: str) -> str:
        return f"""
[shop]
id = "lena"
name = "Lena's garage"
latitude = 52.52
longitude = 13.405
[router]
node = "{self.node.address}"
token = "{token}"
[policy]
accept = "always"
[[machine]]
id = "mk3"
envelope_mm = [200, 200, 180]
materials = ["pla"]
control = "octoprint"
url = "{self.printer.url}"
api_key = "{self.printer.api_key}"
starts_itself = true
clears_itself = true
slicer_profile = "cold.ini"
"""

    async def ask_for(self, pieces: int) -> None:
        """Publish a plate and ask for that many of it."""
        path = self.folder / "plate.stl"
        path.write_bytes(stl_box(20, 20, 3))
        async with self.node.caller(self.maker) as maker:
            sent = await maker.upload(path)
            manifest = v1.Manifest(
                licence="CERN-OHL-S-2.0",
                files=[v1.FileEntry(path="plate.stl", sha256=sent.sha256, size_bytes=sent.size_bytes)],
                parts=[v1.Part(name="plate", paths=["plate.stl"], quantity_per_product=1, demands=v1.Demands(unit="mm", material="pla"))],
            )
            request = v1.PublishRevisionRequest(design=v1.Design(title="Plate"), manifest=manifest)
            published = await maker.registry.PublishRevision(request)
            async for _ in maker.registry.WatchInspection(v1.WatchInspectionRequest(digest=published.revision.digest)):
                pass
        async with self.node.caller(self.requester) as requester:
            wish = v1.JobRequest(revision=published.revision.digest, quantity=pieces, material="pla")
            asked = await requester.router.RequestJob(v1.RequestJobRequest(request=wish, idempotency_key="the-one"))
            self.job_id = asked.job.id

    async def job(self) -> v1.Job:
        async with self.node.caller(self.requester) as requester:
            return (await requester.router.GetJob(v1.GetJobRequest(id=self.job_id))).job

    async def until_done(self) -> v1.Job:
        """Follow the job to its end, over whatever happens to the node meanwhile."""
        deadline = time.monotonic() + 240
        job = v1.Job()
        while job.state != v1.JOB_STATE_DONE:
            assert time.monotonic() < deadline, f"the job did not end: {job}\n--- the agent says\n{self.agent_log()[-4000:]}"
            with contextlib.suppress(grpc.aio.AioRpcError):
                job = await self.job()
            await asyncio.sleep(0.3)
        return job

    async def until_uncertain(self) -> None:
        """Return once the router says that it does not know what the silent shop's machine is doing."""
        async with asyncio.timeout(120):
            while (await self.job()).work_orders[-1].state != v1.WORK_ORDER_STATE_UNCERTAIN:
                await asyncio.sleep(0.2)

    async def ledger(self) -> list[v1.LedgerEntry]:
        """All entries, whose chain and signatures hold."""
        async with self.node.caller(self.requester) as requester:
            entries = list((await requester.ledger.ListEntries(v1.ListEntriesRequest())).entries)
        assert broken_entry(entries) == 0
        return entries

    def until_printing(self, piece: int = 1) -> None:
        """Return while the printer is at work on that piece."""
        wait_until(lambda: self.printer.state() == "Printing" and self._piece_loaded(piece), f"piece {piece} to print")

    def _piece_loaded(self, piece: int) -> bool:
        name = self.printer.call("GET", "/api/job").json()["job"]["file"]["name"] or ""
        return str(name).endswith(f"-p{piece}.gcode")

    def prints_begun(self) -> int:
        """How many times the printer itself was sent the beginning of a toolpath: it homes once at the beginning of each."""
        return self.printer.serial_log.count("G28")

    def agent_log(self) -> str:
        assert self.agent is not None
        return self.agent.log.read_text(encoding="utf-8")


@pytest.fixture
def street(tmp_path: Path, octoprint: OctoPrintPeer, prusa_slicer: str) -> Iterator[Street]:
    # Short leases, so that what silence causes can be seen within a test.
    node = NodeProcess.on(tmp_path / "node", lease_seconds="6", offer_seconds="60")
    street = Street(tmp_path, node, octoprint)
    yield street
    for process in reversed(street.started):
        process.stop()
