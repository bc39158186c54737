# SPDX-License-Identifier: AGPL-3.0-or-later
"""A shop is cut off from its node in the middle of a lot, for longer than its lease, while a neighbour would gladly make the rest.

The router then does not know what the shop's machine does, so nothing is offered again; when the line is back the lot is finished. What was
made is read in the machines' own logs.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cut_line import CutLine, line_to
from processes import CommonfabProcess, NodeProcess, wait_until
from stl_boxes import stl_box

from commonfab import v1
from shop_agent.config import load_config
from shop_agent.journal.book import open_journal
from shop_agent.people.service_modes import Mode, bring_back, take_out

pytestmark = pytest.mark.slow

LEASE_SECONDS = 6


@dataclass
class Street:
    """A node with two shops, and somebody who needs something made."""

    folder: Path
    node: NodeProcess
    shops: dict[str, CommonfabProcess] = field(default_factory=dict)
    requester: str = ""
    job_id: str = ""

    async def opens(self, name: str, address: str, rests: bool = False) -> None:
        """A shop with a virtual machine whose agent reaches the node at that address. Parameters: `rests`, its machine is out of order."""
        folder = self.folder / name
        folder.mkdir()
        token = await self.node.token(v1.SCOPE_SHOP, name)
        (folder / "shop.toml").write_text(
            f'[shop]\nid = "{name}"\nslicer = "none"\n[router]\nnode = "{address}"\ntoken = "{token}"\n[policy]\naccept = "always"\n'
            '[[machine]]\nid = "mk3"\nprocess = "fdm"\nenvelope_mm = [200, 200, 180]\nmaterials = ["pla"]\ncontrol = "virtual"\n'
            "speed_factor = 120\nstarts_itself = true\nclears_itself = true\n",
            encoding="utf-8",
        )
        if rests:
            with closing(open_journal(load_config(folder / "shop.toml"))) as journal:
                take_out(journal, "mk3", Mode.OUT_OF_ORDER, "the nozzle is clogged", name)
        self.shops[name] = CommonfabProcess(["shop", "run", "--config", str(folder / "shop.toml")], folder / "agent.log")
        self.shops[name].start()
        await asyncio.to_thread(wait_until, lambda: "is open with" in self.said(name), f"the {name} to open")

    async def is_mended(self, name: str) -> None:
        """The shop's machine takes work again, and the router knows."""
        with closing(open_journal(load_config(self.folder / name / "shop.toml"))) as journal:
            bring_back(journal, "mk3")
            journal.mark_ready("mk3", name)  # whoever mended it has also cleared its bed
        async with self.node.caller(self.requester) as anna, asyncio.timeout(60):
            while not any(
                one.shop.id == name and one.shop.machines[0].state == v1.MACHINE_STATE_READY
                for one in (await anna.router.ListShops(v1.ListShopsRequest())).shops
            ):
                await asyncio.sleep(0.05)

    def made(self, name: str) -> list[str]:
        """What the shop's machine finished, by the machine's own log."""
        log = self.folder / name / "shop-data" / "made.jsonl"
        return [json.loads(line)["name"] for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []

    def said(self, name: str) -> str:
        return self.shops[name].log.read_text(encoding="utf-8")

    async def somebody_needs(self, pieces: int) -> None:
        path = self.folder / "hook.stl"
        path.write_bytes(stl_box(20, 20, 3))
        async with self.node.caller(await self.node.token(v1.SCOPE_MAKER, "mia")) as maker:
            sent = await maker.upload(path)
            files = [v1.FileEntry(path="hook.stl", sha256=sent.sha256, size_bytes=sent.size_bytes)]
            part = v1.Part(name="hook", paths=["hook.stl"], quantity_per_product=1, demands=v1.Demands(unit="mm", material="pla"))
            manifest = v1.Manifest(licence="CERN-OHL-S-2.0", files=files, parts=[part])
            published = await maker.registry.PublishRevision(v1.PublishRevisionRequest(design=v1.Design(title="Hook"), manifest=manifest))
            async for _ in maker.registry.WatchInspection(v1.WatchInspectionRequest(digest=published.revision.digest)):
                pass
        self.requester = await self.node.token(v1.SCOPE_REQUESTER, "anna")
        async with self.node.caller(self.requester) as anna:
            wish = v1.JobRequest(revision=published.revision.digest, quantity=pieces, material="pla")
            self.job_id = (await anna.router.RequestJob(v1.RequestJobRequest(request=wish))).job.id

    async def job(self) -> v1.Job:
        async with self.node.caller(self.requester) as anna:
            return (await anna.router.GetJob(v1.GetJobRequest(id=self.job_id))).job

    async def until_order(self, state: v1.WorkOrderState.ValueType, seconds: float = 120) -> None:
        try:
            async with asyncio.timeout(seconds):
                while not any(order.state == state for order in (await self.job()).work_orders):
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"{await self.job()}\n--- the agent says\n{self.said('garage')[-3000:]}") from None

    async def pieces_in_the_ledger(self) -> int:
        async with self.node.caller(self.requester) as anna:
            return sum(entry.work.pieces_good for entry in (await anna.ledger.ListEntries(v1.ListEntriesRequest())).entries)


@pytest.fixture
async def street(tmp_path: Path) -> AsyncIterator[Street]:
    node = NodeProcess.on(tmp_path / "node", lease_seconds=str(LEASE_SECONDS), offer_seconds="60")
    node.start()
    street = Street(tmp_path, node)
    yield street
    for shop in street.shops.values():
        shop.stop()
    node.stop()


CUTS = {"the cable is out": CutLine.hold, "the house's router is gone": CutLine.break_off, "the house's router starts anew": CutLine.forget}


@pytest.mark.parametrize("how", CUTS)
async def test_cut_off_in_the_middle_of_a_lot_nothing_is_offered_again_and_every_piece_is_made_once(street: Street, how: str) -> None:
    with line_to(int(street.node.address.rpartition(":")[2])) as line:
        await street.opens("garage", f"127.0.0.1:{line.port}")
        await street.opens("neighbour", street.node.address, rests=True)
        await street.somebody_needs(3)
        await street.until_order(v1.WORK_ORDER_STATE_RUNNING)
        await street.is_mended("neighbour")
        CUTS[how](line)
        await street.until_order(v1.WORK_ORDER_STATE_UNCERTAIN)
        await asyncio.sleep(LEASE_SECONDS)  # the piece of before ends in this time, and the next may not begin
        made = street.made("garage")
        await asyncio.sleep(LEASE_SECONDS)
        assert street.made("garage") == made and len(made) < 3
        assert [order.shop_id for order in (await street.job()).work_orders] == ["garage"]
        line.mend()
        await street.until_order(v1.WORK_ORDER_STATE_DONE, 240)  # a connection that was forgotten is given up after a minute or so
        job = await street.job()
        assert (job.pieces_good, job.pieces_unplaced, len(job.work_orders)) == (3, 0, 1)
        async with asyncio.timeout(100):
            while await street.pieces_in_the_ledger() < 3:
                await asyncio.sleep(0.1)
        assert await street.pieces_in_the_ledger() == 3
    assert [name[-8:] for name in street.made("garage")] == ["p1.gcode", "p2.gcode", "p3.gcode"]
    assert street.made("neighbour") == [] and "offer " not in street.said("neighbour")
