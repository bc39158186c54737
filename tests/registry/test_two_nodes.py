# SPDX-License-Identifier: AGPL-3.0-or-later
"""Two nodes on one PostgreSQL, one bucket and one Redis, each with a worker: one commons through two doors."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from commons import CLUSTER, Commons
from drawings import binary_stl, box
from prometheus_client import CollectorRegistry

from commonfab import v1
from commonfab.clock import SystemClock
from commonfab.database import open_database
from commonfab.ids import make_ids
from commonfab.rpc_server import Transport, serve
from commonfab.settings import NodeSettings
from registry.geometry.sandbox import Limits, Sandbox
from registry.opening import explain, open_registry
from registry.worker import work

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("settings", [CLUSTER], indirect=True)]

PARTS = 7


@pytest.fixture
async def other(commons: Commons, tmp_path: Path) -> AsyncIterator[Commons]:
    """A second node of the same commons, with a data folder of its own."""
    settings = commons.settings.model_copy(update={"data_dir": tmp_path / "other"})
    engine, clock, metrics = open_database(settings.database()), SystemClock(), CollectorRegistry()
    registry = open_registry(settings, engine, settings.redis_url, clock, make_ids(clock), metrics)
    await registry.start()
    server = await serve(registry.mounts, Transport(settings.listen), commons.tokens.holder, metrics, explain)
    running = replace(commons, settings=settings, engine=engine, registry=registry, server=server, nodes=[], metrics=metrics)
    yield running
    for node in running.nodes:
        await node.channel.close()
    await server.stop(0)
    await registry.close()
    engine.dispose()


class Workers:
    """A worker for each node. Each says in whose sandbox a file was measured by where its scratch folder lies."""

    def __init__(self, of: tuple[Commons, ...]) -> None:
        self.told_to_stop = threading.Event()
        self.go_on, turns = threading.Event(), count()
        self.sandboxes = [Counting(Limits.of(one.settings), one.settings.data_dir / "scratch", turns, self.go_on) for one in of]
        self.threads = [
            threading.Thread(target=work, args=(one.settings, one.engine, sandbox, self.told_to_stop))
            for one, sandbox in zip(of, self.sandboxes, strict=True)
        ]

    def start(self) -> None:
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        self.told_to_stop.set()
        self.go_on.set()
        for thread in self.threads:
            if thread.ident:
                thread.join(120)


class Counting(Sandbox):
    """A sandbox that counts. All files but the first of all sandboxes wait for `go_on`, so that somebody can watch how it goes."""

    def __init__(self, limits: Limits, scratch: Path, turns: Iterator[int], go_on: threading.Event) -> None:
        super().__init__(limits, scratch)
        self.measured, self._turns, self._go_on = 0, turns, go_on

    def measure(self, *arguments: object, **named: object):  # type: ignore[no-untyped-def]
        self.measured += 1
        if next(self._turns):
            self._go_on.wait()
        return super().measure(*arguments, **named)  # type: ignore[arg-type]


@pytest.fixture
def workers(commons: Commons, other: Commons) -> Iterator[Workers]:
    both = Workers((commons, other))
    yield both
    both.stop()


def _parts(folder: Path) -> list[Path]:
    paths = [folder / f"part-{number}.stl" for number in range(PARTS)]
    for number, path in enumerate(paths):
        path.write_bytes(binary_stl(box(10 + number, 20, 30)))
    return paths


async def test_what_one_node_takes_in_the_other_publishes_inspects_searches_and_tells(
    commons: Commons, other: Commons, workers: Workers, tmp_path: Path, settings: NodeSettings
) -> None:
    here, there = commons.node("ada"), other.node("ada")
    stream = aiter(here.evidence.Follow(v1.FollowRequest()))
    assert not (await anext(stream)).HasField("event")
    sent = {path: await here.upload(path) for path in _parts(tmp_path)}
    manifest = v1.Manifest(licence="CC0-1.0", description=v1.Description(title="Kit"))
    for path, file in sent.items():
        manifest.files.add(path=path.name, sha256=file.sha256, size_bytes=file.size_bytes)
        manifest.parts.add(name=path.stem, paths=[path.name], quantity_per_product=1, demands=v1.Demands(unit="mm"))
    published = await there.registry.PublishRevision(v1.PublishRevisionRequest(manifest=manifest))
    digest = published.revision.digest
    event = (await asyncio.wait_for(anext(stream), 60)).event
    assert event.revision_published.digest == digest, "published there, told here"

    told: list[tuple[int, int]] = []
    watching = asyncio.create_task(_watched(here, digest, told))
    while not told:
        await asyncio.sleep(0.05)
    workers.start()
    while len(told) < 2:
        await asyncio.sleep(0.05)
    workers.go_on.set()
    await asyncio.wait_for(watching, 120)
    assert told[0] == (0, PARTS) and told[-1] == (PARTS, PARTS) and len(told) > 2, f"told as it goes: {told}"
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    counted = [sandbox.measured for sandbox in workers.sandboxes]
    assert sum(counted) >= PARTS, f"by whichever worker came first; one that starts sends again what waits: {counted}"

    event = (await asyncio.wait_for(anext(stream), 60)).event
    assert event.maturity_changed.now == v1.MATURITY_CHECKED
    for node in (here, there):
        found = await node.registry.SearchDesigns(v1.SearchDesignsRequest(words="kit", processes=["fdm"], at_least=v1.MATURITY_CHECKED))
        assert [one.latest_revision for one in found.designs] == [digest]
    for part in (await there.registry.GetRevision(v1.GetRevisionRequest(digest=digest))).parts:
        if part.report.mesh_sha256:
            await here.fetch(part.report.mesh_sha256, tmp_path / "mesh")

    steward = other.node("sam", v1.SCOPE_STEWARD)
    recall = v1.Recall(revision_digest=digest, reason="it bursts")
    await steward.evidence.RecallRevision(v1.RecallRevisionRequest(recall=recall))
    assert (await asyncio.wait_for(anext(stream), 60)).event.recalled.reason == "it bursts"
    assert not (await here.registry.SearchDesigns(v1.SearchDesignsRequest(words="kit"))).designs


async def _watched(node: object, digest: str, told: list[tuple[int, int]]) -> None:
    async for message in node.registry.WatchInspection(v1.WatchInspectionRequest(digest=digest)):  # type: ignore[attr-defined]
        told.append((message.done, message.total))
