# SPDX-License-Identifier: AGPL-3.0-or-later
"""A street for benchmarks: shops and requesters spread over a town, each with a token and a connection of its own, and a design to make."""

from __future__ import annotations

import asyncio
import random
import struct
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import h3
from running_node import RunningNode
from shop_stand_in import ShopStandIn, Told

from commonfab import v1
from commonfab.client import Node, connect
from commonfab.errors import refusal_of

REQUESTERS = 8
MIDDLE = h3.latlng_to_cell(50.0, 10.0, 7)
OPENED_AT_ONCE = 32
LEDGER_EVERY_SECONDS = 0.01
TRY_AGAIN_SECONDS = 0.5


def cube(side: float) -> bytes:
    """A binary STL of a cube."""
    corners = [(x * side, y * side, z * side) for x in (0, 1) for y in (0, 1) for z in (0, 1)]
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    triangles = [triangle for a, b, c, d in quads for triangle in ((a, b, c), (a, c, d))]
    packed = b"".join(struct.pack("<12fH", 0, 0, 0, *(value for corner in t for value in corners[corner]), 0) for t in triangles)
    return bytes(80) + struct.pack("<I", len(triangles)) + packed


@dataclass(frozen=True)
class Caller:
    """Somebody with a token: a connection of its own, as callers in different houses have, and the calls that a benchmark makes."""

    address: str
    secret: str
    channel: grpc.aio.Channel
    failed: Counter[str]

    @property
    def _token(self) -> Any:
        return (("authorization", f"Bearer {self.secret}"),)

    async def nothing(self) -> None:
        """A call that does nothing: it pays for gRPC, the token and the metrics, and for nothing else."""
        await v1.AccessStub(self.channel).WhoAmI(v1.WhoAmIRequest(), metadata=self._token)

    def synchronize(self) -> Any:
        """The method by which a shop's agent calls."""
        method, token = v1.ShopDeskStub(self.channel).Synchronize, self._token
        return lambda asked: self._until_answered(lambda: method(asked, metadata=token))

    async def request(self, request: v1.JobRequest) -> v1.Job:
        """Ask for a job."""
        stub = v1.JobRouterStub(self.channel)
        wish = v1.RequestJobRequest(request=request, idempotency_key=request.purpose)
        answer: v1.RequestJobResponse = await self._until_answered(lambda: stub.RequestJob(wish, metadata=self._token))
        return answer.job

    async def _until_answered(self, call: Callable[[], Awaitable[Any]]) -> Any:
        """Call again, as callers do, for as long as the node says that it cannot answer now; how often that was is counted."""
        while True:
            try:
                return await call()
            except grpc.aio.AioRpcError as error:
                if error.code() != grpc.StatusCode.UNAVAILABLE:
                    raise
                told = refusal_of(error)
                self.failed[told.reason.code if told else error.details() or ""] += 1
                await asyncio.sleep(TRY_AGAIN_SECONDS)

    async def watch(self, job_id: str) -> v1.Job:
        """Watch a job until it is over, and answer how it ended."""
        stub = v1.JobRouterStub(self.channel)
        job = v1.Job()
        async for told in stub.WatchJob(v1.WatchJobRequest(id=job_id), metadata=self._token):
            job = told.job
        return job


@dataclass
class Street:
    """The shops and requesters of one node. Open it with `street`."""

    node: Node
    address: str
    revision: str
    told: Told
    group: asyncio.TaskGroup
    shops: list[ShopStandIn] = field(default_factory=list)
    callers: list[Caller] = field(default_factory=list)
    requesters: list[Caller] = field(default_factory=list)
    running: list[asyncio.Task[None]] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)
    _random: random.Random = field(default_factory=lambda: random.Random(1))

    async def grow(self, count: int) -> None:
        """Open shops until there are `count`, hexagon by hexagon from the middle, and return when each has been answered."""
        cells = [cell for distance in range(40) for cell in h3.grid_ring(MIDDLE, distance)]
        gate = asyncio.Semaphore(OPENED_AT_ONCE)

        async def one(number: int) -> None:
            async with gate:
                name, heard = f"shop-{number:04}", asyncio.Event()
                caller = await self._caller(v1.SCOPE_SHOP, name)
                shop = ShopStandIn(name, v1.Place(cell=cells[number]), caller.synchronize(), self.told)
                self.shops.append(shop)
                self.callers.append(caller)
                self.running.append(self.group.create_task(shop.run(heard)))
                await heard.wait()

        await asyncio.gather(*(one(number) for number in range(len(self.shops), count)))
        self.requesters = self.requesters or [await self._caller(v1.SCOPE_REQUESTER, f"requester-{n}") for n in range(REQUESTERS)]

    async def _caller(self, scope: v1.Scope.ValueType, name: str) -> Caller:
        issued = await self.node.access.IssueToken(v1.IssueTokenRequest(scope=scope, subject=name))
        options = [("grpc.use_local_subchannel_pool", 1)]  # else one process has one connection to one address
        return Caller(self.address, issued.secret, grpc.aio.insecure_channel(self.address, options), self.failed)

    def wish(self, number: int, quantity: int = 1) -> tuple[Caller, v1.JobRequest]:
        """Who asks for the job of that number, and the job: needed where some shop is. Its purpose is the number, which offers repeat."""
        place = self._random.choice(self.shops).place
        request = v1.JobRequest(revision=self.revision, quantity=quantity, place=place, purpose=str(number))
        return self.requesters[number % REQUESTERS], request

    @property
    def calls(self) -> Counter[str]:
        """The calls of all agents until now, by what was in them."""
        return sum((shop.calls for shop in self.shops), Counter())

    async def entries(self, count: int) -> int:
        """Return once the ledger has that many entries; answers how often it was asked."""
        asked = 1
        while not (await self.node.ledger.ListEntries(v1.ListEntriesRequest(after=count - 1, page_size=1))).entries:
            asked += 1
            await asyncio.sleep(LEDGER_EVERY_SECONDS)
        return asked

    async def nothings(self, count: int, at_once: int) -> float:
        """Make so many calls that do nothing, so many of them at once, from every shop in turn. Answers calls/s."""
        numbers = iter(range(count))
        started = time.perf_counter()

        async def some() -> None:
            for number in numbers:
                await self.callers[number % len(self.callers)].nothing()

        await asyncio.gather(*(some() for _ in range(at_once)))
        return count / (time.perf_counter() - started)


@asynccontextmanager
async def street(running: RunningNode, shops: int) -> AsyncIterator[Street]:
    """A street with so many shops at the node. A shop that breaks ends the benchmark."""
    async with connect(running.steward) as node:
        await node.reachable()
        revision = await _publish(node, running.folder)
        async with asyncio.TaskGroup() as group:
            opened = Street(node, running.address, revision, Told(), group)
            await opened.grow(shops)
            yield opened
            for why, often in opened.failed.items():
                print(f"!!! {often} calls could not be answered and were made again: {why}")
            for task in opened.running:
                task.cancel()
        await _close(opened.callers + opened.requesters)


async def _close(callers: Sequence[Caller]) -> None:
    for caller in callers:
        await caller.channel.close()


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
