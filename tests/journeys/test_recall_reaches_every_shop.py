# SPDX-License-Identifier: AGPL-3.0-or-later
"""A revision is recalled while one shop has made it, one is running it, one has it in its queue, and one is offline."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
from processes import CommonfabProcess, NodeProcess
from stl_boxes import stl_box

from commonfab import v1
from commonfab.client import Node
from commonfab.errors import refusal_of

pytestmark = pytest.mark.slow

WHY = "the hook breaks under load; take it down"


@dataclass
class Shop:
    """A shop with one virtual machine; it takes the work of one requester only, so that a test can say who makes what."""

    name: str
    folder: Path
    agent: CommonfabProcess

    def knows(self) -> dict[str, Any]:
        """What its owner sees."""
        command = [sys.executable, "-m", "cli.main", "shop", "status", "--json", "--config", str(self.folder / "shop.toml")]
        answer: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, check=True, encoding="utf-8").stdout)
        return answer

    def told(self) -> list[str]:
        return [notice["recall"]["reason"] for notice in self.knows()["recalls"]]

    def made(self) -> list[str]:
        """What its machine finished, by the machine's own log."""
        log = self.folder / "shop-data" / "made.jsonl"
        return log.read_text(encoding="utf-8").splitlines() if log.exists() else []

    def machine_moves(self) -> bool:
        state = self.folder / "shop-data" / "virtual-mk3.json"
        return state.exists() and json.loads(state.read_text(encoding="utf-8"))["run"] is not None

    def says_ready(self) -> None:
        command = [sys.executable, "-m", "cli.main", "shop", "ready", "mk3", "--config", str(self.folder / "shop.toml")]
        subprocess.run(command, check=True, capture_output=True)

    def said(self) -> str:
        return self.agent.log.read_text(encoding="utf-8")


@dataclass
class Recalled:
    """A node, its people, and the shops of a street."""

    folder: Path
    node: NodeProcess
    revision: str = ""
    shops: dict[str, Shop] = field(default_factory=dict)
    jobs: dict[str, str] = field(default_factory=dict)
    callers: dict[str, Node] = field(default_factory=dict)

    async def publish(self) -> None:
        maker = self.node.caller(await self.node.token(v1.SCOPE_MAKER, "mia"))
        self.callers["mia"] = maker
        path = self.folder / "hook.stl"
        path.write_bytes(stl_box(20, 20, 3))
        sent = await maker.upload(path)
        files = [v1.FileEntry(path="hook.stl", sha256=sent.sha256, size_bytes=sent.size_bytes)]
        part = v1.Part(name="hook", paths=["hook.stl"], quantity_per_product=1, demands=v1.Demands(unit="mm", material="pla"))
        manifest = v1.Manifest(licence="CERN-OHL-S-2.0", files=files, parts=[part])
        request = v1.PublishRevisionRequest(design=v1.Design(title="Hook"), manifest=manifest)
        self.revision = (await maker.registry.PublishRevision(request)).revision.digest
        async for _ in maker.registry.WatchInspection(v1.WatchInspectionRequest(digest=self.revision)):
            pass

    async def opens(self, name: str, speed: float, starts_itself: bool) -> Shop:
        folder = self.folder / name
        folder.mkdir()
        token = await self.node.token(v1.SCOPE_SHOP, name)
        itself = str(starts_itself).lower()
        (folder / "shop.toml").write_text(
            f'[shop]\nid = "{name}"\nslicer = "none"\n[router]\nnode = "{self.node.address}"\ntoken = "{token}"\n'
            f'[policy]\naccept = "always"\nrequesters = ["for-{name}"]\n'
            '[[machine]]\nid = "mk3"\nprocess = "fdm"\nenvelope_mm = [200, 200, 180]\nmaterials = ["pla"]\ncontrol = "virtual"\n'
            f"speed_factor = {speed}\nstarts_itself = {itself}\nclears_itself = {itself}\n",
            encoding="utf-8",
        )
        agent = CommonfabProcess(["shop", "run", "--config", str(folder / "shop.toml")], folder / "agent.log")
        agent.start()
        self.shops[name] = Shop(name, folder, agent)
        self.callers[name] = self.node.caller(await self.node.token(v1.SCOPE_REQUESTER, f"for-{name}"))
        return self.shops[name]

    async def asks(self, name: str, pieces: int) -> None:
        wish = v1.JobRequest(revision=self.revision, quantity=pieces, material="pla")
        asked = await self.callers[name].router.RequestJob(v1.RequestJobRequest(request=wish))
        self.jobs[name] = asked.job.id

    async def job(self, name: str) -> v1.Job:
        return (await self.callers[name].router.GetJob(v1.GetJobRequest(id=self.jobs[name]))).job

    async def until(self, done: Callable[[], Any], what: str) -> None:
        try:
            async with asyncio.timeout(120):
                while not (await asyncio.to_thread(done)):
                    await asyncio.sleep(0.1)
        except TimeoutError:
            logs = "\n".join(f"--- {name}\n{shop.said()[-3000:]}" for name, shop in self.shops.items())
            node = self.node.log.read_text(encoding="utf-8")[-3000:]
            raise AssertionError(f"waited in vain: {what}\n{logs}\n--- node\n{node}") from None

    async def until_job(self, name: str, state: v1.WorkOrderState.ValueType) -> None:
        async with asyncio.timeout(120):
            while not any(order.state == state for order in (await self.job(name)).work_orders):
                await asyncio.sleep(0.1)


@pytest.fixture
async def street(tmp_path: Path) -> AsyncIterator[Recalled]:
    node = NodeProcess.on(tmp_path / "node", lease_seconds="6", offer_seconds="60")
    node.start()
    street = Recalled(tmp_path, node)
    yield street
    for caller in street.callers.values():
        await caller.channel.close()
    for shop in street.shops.values():
        shop.agent.stop()
    node.stop()


async def test_each_shop_is_told_and_nothing_new_starts(street: Recalled) -> None:
    await street.publish()
    made = await street.opens("made", 5000, starts_itself=True)
    running = await street.opens("running", 1, starts_itself=True)
    queued = await street.opens("queued", 5000, starts_itself=False)
    offline = await street.opens("offline", 5000, starts_itself=False)
    for name, pieces in (("made", 2), ("running", 2), ("queued", 2), ("offline", 2)):
        await street.asks(name, pieces)
    await street.until_job("made", v1.WORK_ORDER_STATE_DONE)
    await street.until_job("running", v1.WORK_ORDER_STATE_RUNNING)
    for name in ("queued", "offline"):
        await street.until_job(name, v1.WORK_ORDER_STATE_ACCEPTED)
    await street.until(running.machine_moves, "the machine to move")
    offline.agent.kill()

    # What was made is a build report on its revision.
    mia = street.callers["mia"]
    async with asyncio.timeout(120):
        while not (reports := (await mia.evidence.ListBuildReports(v1.ListBuildReportsRequest(of=street.revision))).reports):
            await asyncio.sleep(0.1)
    assert [(kept.report.shop_id, kept.report.pieces_good, kept.carried) for kept in reports] == [("made", 2, False)]

    recall = v1.Recall(revision_digest=street.revision, reason=WHY)
    await mia.evidence.RecallRevision(v1.RecallRevisionRequest(recall=recall))

    # At once: who asks for more is refused, though the answer of a moment ago is still kept.
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await street.asks("made", 1)
    refusal = refusal_of(caught.value)
    assert refusal is not None and refusal.reason.code == "revision.recalled" and WHY in refusal.reason.message

    for shop in (made, running, queued):
        await street.until(lambda shop=shop: shop.told() == [WHY], f"{shop.name} to be told")
    (notice,) = made.knows()["recalls"]
    assert [(work["job_id"], work["pieces_good"]) for work in notice["made"]] == [(street.jobs["made"], 2)]
    await street.until(lambda: not running.machine_moves() and not running.knows()["attempts"], "the machine to stop, and its report")
    await street.until(lambda: not queued.knows()["attempts"], "the queue to be empty")
    queued.says_ready()

    jobs = {name: await street.job(name) for name in street.jobs}
    assert {name: job.state for name, job in jobs.items()} == {
        "made": v1.JOB_STATE_DONE,
        "running": v1.JOB_STATE_HELD,
        "queued": v1.JOB_STATE_HELD,
        "offline": v1.JOB_STATE_HELD,
    }
    assert {why.code for job in jobs.values() for why in job.waiting_for} == {"revision.recalled"}
    assert offline.told() == []

    offline.agent.start()
    await street.until(lambda: offline.told() == [WHY], "the shop that was offline to be told")
    offline.says_ready()
    await street.until(lambda: not offline.knows()["attempts"], "its bench to be empty")
    await asyncio.sleep(2)
    assert (len(made.made()), running.made(), queued.made(), offline.made()) == (2, [], [], [])
    assert all("RECALL of Hook" in shop.said() for shop in street.shops.values())
    assert not any(shop.machine_moves() for shop in street.shops.values())
