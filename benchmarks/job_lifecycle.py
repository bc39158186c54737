# SPDX-License-Identifier: AGPL-3.0-or-later
"""How many jobs go through their whole life a second, beside the same number of calls that do nothing.

A life: RequestJob, then one Synchronize each for accepting, starting and completing, signed, by one of eight shops, until the ledger has
every entry. The calls that do nothing are WhoAmI to the same node: they pay for gRPC, the token and the metrics, and for nothing else.

    python benchmarks/job_lifecycle.py [--jobs 200] [--rounds 3]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import struct
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from running_node import RunningNode, running_node

from commonfab import v1
from commonfab.client import Node, connect
from commonfab.identity import sign_work
from commonfab.rpc_client import Endpoint

CALLS_PER_JOB = 4
SHOPS = 8
AT_ONCE = 16


def cube(side: float) -> bytes:
    """A binary STL of a cube."""
    corners = [(x * side, y * side, z * side) for x in (0, 1) for y in (0, 1) for z in (0, 1)]
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    triangles = [triangle for a, b, c, d in quads for triangle in ((a, b, c), (a, c, d))]
    packed = b"".join(struct.pack("<12fH", 0, 0, 0, *(value for corner in t for value in corners[corner]), 0) for t in triangles)
    return bytes(80) + struct.pack("<I", len(triangles)) + packed


class Shop:
    """An agent without machines: it accepts, starts and completes at once."""

    def __init__(self, node: Node, name: str) -> None:
        self._node = node
        self._key = key = Ed25519PrivateKey.generate()
        self._taken: set[str] = set()
        machine = v1.Machine(
            id="m", process="fdm", envelope_mm=v1.Size(x=200, y=200, z=200), materials=["pla"], state=v1.MACHINE_STATE_READY
        )
        self._shop = v1.Shop(id=name, name=name, machines=[machine], public_key=key.public_key().public_bytes_raw())

    async def call(self, *events: v1.ShopEvent) -> v1.SynchronizeResponse:
        """One Synchronize that is not held; every event must be carried out."""
        answer = await self._node.desk.Synchronize(v1.SynchronizeRequest(shop=self._shop, agent_run="bench", events=events))
        assert not any(receipt.HasField("refusal") for receipt in answer.receipts), answer.receipts
        return answer

    async def take_all(self, gate: asyncio.Semaphore) -> list[asyncio.Task[None]]:
        """Begin to make whatever is offered and was not begun before."""
        offers = [offer for offer in (await self.call()).offers if offer.work_order_id not in self._taken]
        self._taken |= {offer.work_order_id for offer in offers}
        return [asyncio.create_task(self._make_gated(offer, gate)) for offer in offers]

    async def _make_gated(self, offer: v1.Offer, gate: asyncio.Semaphore) -> None:
        async with gate:
            await self.make(offer)

    async def make(self, offer: v1.Offer) -> None:
        """Take an offer through its life: three calls."""
        accepted = await self.call(v1.ShopEvent(id="a", accept=v1.Accept(work_order_id=offer.work_order_id)))
        attempt = accepted.receipts[0].attempt
        await self.call(v1.ShopEvent(id="s", start=v1.Start(attempt=attempt)))
        work = v1.CompletedWork(
            attempt=attempt,
            job_id=offer.job_id,
            revision_digest=offer.revision_digest,
            part_name=offer.part_name,
            shop_id=self._shop.id,
            machine_id="m",
            control="virtual",
            pieces_good=offer.quantity,
        )
        await self.call(v1.ShopEvent(id="c", complete=v1.Complete(signed=sign_work(work, self._key))))


async def _publish(node: Node, folder: Path) -> str:
    path = folder / "cube.stl"
    path.write_bytes(cube(20))
    sent = await node.upload(path)
    manifest = v1.Manifest(
        licence="CC0-1.0",
        files=[v1.FileEntry(path="cube.stl", sha256=sent.sha256, size_bytes=sent.size_bytes)],
        parts=[v1.Part(name="cube", paths=["cube.stl"], quantity_per_product=1, demands=v1.Demands(unit="mm"))],
    )
    published = await node.registry.PublishRevision(v1.PublishRevisionRequest(design=v1.Design(title="Cube"), manifest=manifest))
    async for _ in node.registry.WatchInspection(v1.WatchInspectionRequest(digest=published.revision.digest)):
        pass
    return published.revision.digest


async def _lives(requester: Node, shops: list[Shop], revision: str, jobs: int, entries_before: int) -> float:
    started = time.perf_counter()
    gate = asyncio.Semaphore(AT_ONCE)

    async def ask() -> None:
        async with gate:
            await requester.router.RequestJob(v1.RequestJobRequest(request=v1.JobRequest(revision=revision, quantity=1)))

    asking = asyncio.gather(*(ask() for _ in range(jobs)))
    making: list[asyncio.Task[None]] = []
    while len(making) < jobs:
        for begun in await asyncio.gather(*(shop.take_all(gate) for shop in shops)):
            making += begun
        await asyncio.sleep(0.02)
    await asyncio.gather(asking, *making)
    while not (await requester.ledger.ListEntries(v1.ListEntriesRequest(after=entries_before + jobs - 1))).entries:
        await asyncio.sleep(0.01)
    return jobs / (time.perf_counter() - started)


async def _nothings(node: Node, calls: int) -> float:
    started = time.perf_counter()
    gate = asyncio.Semaphore(AT_ONCE)

    async def one() -> None:
        async with gate:
            await node.access.WhoAmI(v1.WhoAmIRequest())

    await asyncio.gather(*(one() for _ in range(calls)))
    return calls / (time.perf_counter() - started)


async def _open_shop(steward: Node, address: str, name: str, closing: AsyncExitStack) -> Shop:
    issued = await steward.access.IssueToken(v1.IssueTokenRequest(scope=v1.SCOPE_SHOP, subject=name))
    shop = Shop(await closing.enter_async_context(connect(Endpoint(address, issued.secret))), name)
    await shop.call()
    return shop


async def measure(running: RunningNode, jobs: int, rounds: int) -> None:
    """Let jobs live and calls do nothing, in turn; print every round, the medians and their ratio."""
    async with AsyncExitStack() as closing:
        node = await closing.enter_async_context(connect(running.steward))
        await node.reachable()
        with tempfile.TemporaryDirectory() as folder:
            revision = await _publish(node, Path(folder))
        shops = [await _open_shop(node, running.address, f"shop-{number}", closing) for number in range(SHOPS)]
        lives: list[float] = []
        nothings: list[float] = []
        for number in range(rounds):
            nothings.append(await _nothings(node, jobs * CALLS_PER_JOB))
            lives.append(await _lives(node, shops, revision, jobs, number * jobs))
            print(f"round {number + 1}: {lives[-1]:7.1f} jobs/s   {nothings[-1]:7.1f} calls/s that do nothing")
    ratio = statistics.median(one * CALLS_PER_JOB / other for one, other in zip(lives, nothings, strict=True))
    print(
        f"median : {statistics.median(lives):7.1f} jobs/s   {statistics.median(nothings):7.1f} calls/s that do nothing   "
        f"a job's {CALLS_PER_JOB} calls run at {ratio:.2f} of the speed of calls that do nothing"
    )


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with running_node() as node:
        asyncio.run(measure(node, arguments.jobs, arguments.rounds))


if __name__ == "__main__":
    main()
