# SPDX-License-Identifier: AGPL-3.0-or-later
"""Many people write into one commons at once, the same things and different ones: nothing is lost, doubled or counted wrong."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from pathlib import Path

import pytest
from commons import Commons, publication
from drawings import binary_stl, box
from evidence_store import build, signed

from commonfab import v1
from commonfab.client import Node
from registry.evidence.events import last_number
from registry.evidence.maturity import maturity_of
from registry.rows import published
from registry.tables import DESIGNS, REVISIONS

pytestmark = pytest.mark.slow

WRITERS = 8
EACH = 3


def _revision(of: v1.Revision, note: str) -> v1.PublishRevisionRequest:
    """A further revision of the same design, with the same files."""
    manifest = v1.Manifest()
    manifest.CopyFrom(of.manifest)
    manifest.parent, manifest.note = of.digest, note
    return v1.PublishRevisionRequest(manifest=manifest)


class Writer:
    """One of them: as maker, shop and steward, so that it may do everything."""

    def __init__(self, commons: Commons, number: int, folder: Path) -> None:
        self.number, self.folder, self.commons = number, folder, commons
        self.shop_id = f"shop-{number}"
        self.maker: Node = commons.node("ada")
        self.shop: Node = commons.node(self.shop_id, v1.SCOPE_SHOP)
        self.steward: Node = commons.node("sam", v1.SCOPE_STEWARD)

    async def publishes(self, shared: v1.Revision, same: Path) -> None:
        await self.maker.registry.PublishRevision(publication(same))  # all of them the same
        for turn in range(EACH):
            own = self.folder / f"part-{self.number}-{turn}.stl"
            own.write_bytes(binary_stl(box(10 + self.number, 20 + turn, 30)))
            await self.commons.publish_file(self.maker, own)
            await self.maker.registry.PublishRevision(_revision(shared, f"{self.number}.{turn}"))

    async def reports(self, about: v1.Revision) -> None:
        for turn in range(EACH):
            told = build(about.digest, self.shop_id, good=1 + turn, note=f"{turn}")
            await self.shop.evidence.ReportBuild(signed(told))
            await self.steward.evidence.ReportBuild(signed(build(about.digest, "shop-of-all", good=2)))

    async def files(self, about: v1.Revision) -> None:
        for title in ("the same", f"only {self.number}"):
            defect = v1.Defect(revision_digest=about.digest, title=title)
            kept = (await self.maker.evidence.FileDefect(v1.FileDefectRequest(defect=defect))).defect
            await self.maker.evidence.CloseDefect(v1.CloseDefectRequest(id=kept.id, note="it is none"))

    async def recalls(self, bad: v1.Revision) -> None:
        recall = v1.Recall(revision_digest=bad.digest, reason=f"says {self.number}")
        await self.steward.evidence.RecallRevision(v1.RecallRevisionRequest(recall=recall))


LAST = "the last that is told"


async def _heard(node: Node, events: list[v1.CommonsEvent]) -> None:
    """Everything from the first event on, to the defect with the title `LAST`."""
    async for told in node.evidence.Follow(v1.FollowRequest(from_the_first=True)):
        if told.HasField("event"):
            events.append(told.event)
            if told.event.defect_filed.title == LAST:
                return


async def test_what_eight_write_at_once_is_all_there_and_each_thing_once(commons: Commons, worker: None, tmp_path: Path) -> None:
    first = commons.node("ada")
    same, start = tmp_path / "same.stl", tmp_path / "start.stl"
    same.write_bytes(binary_stl(box(7, 8, 9)))
    start.write_bytes(binary_stl(box(20, 30, 40)))
    shared = (await commons.publish_file(first, start)).revision
    bad = (await first.registry.PublishRevision(publication(start, title="bad"))).revision

    await first.upload(same)
    events: list[v1.CommonsEvent] = []
    following = asyncio.create_task(_heard(commons.node("eve"), events))
    writers = [Writer(commons, number, tmp_path) for number in range(WRITERS)]
    doing = [(w.publishes(shared, same), w.reports(shared), w.files(shared), w.recalls(bad)) for w in writers]
    async with asyncio.timeout(240), asyncio.TaskGroup() as group:
        for one in itertools.chain(*zip(*doing, strict=True)):
            group.create_task(one)
    history = await first.registry.GetDesign(v1.GetDesignRequest(id=shared.manifest.design_id))
    assert [one.number for one in history.revisions] == list(range(1 + WRITERS * EACH, 0, -1))
    assert len({one.digest for one in history.revisions}) == len(history.revisions)
    with commons.engine.connect() as connection:
        digests = list(connection.execute(REVISIONS.select()).scalars())
        designs = list(connection.execute(DESIGNS.select()).scalars())
    for digest in digests:
        await commons.inspected(first, digest)
    await first.evidence.FileDefect(v1.FileDefectRequest(defect=v1.Defect(revision_digest=bad.digest, title=LAST)))
    await asyncio.wait_for(following, 60)

    with commons.engine.connect() as connection:
        assert len(events) == last_number(connection), "the follower heard all"
    assert len(designs) == 3 + WRITERS * EACH
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    happened = Counter(event.WhichOneof("event") for event in events)
    assert happened["revision_published"] == len(digests) == 3 + 2 * WRITERS * EACH
    assert happened["build_reported"] == WRITERS * EACH + 1
    assert happened["defect_filed"] - 1 == happened["defect_closed"] == WRITERS + 1
    assert happened["recalled"] == 1
    found = await first.registry.SearchDesigns(v1.SearchDesignsRequest(recalled_too=True, page_size=200))
    assert found.total == len(designs) and {one.id for one in found.designs} == set(designs)
    await _maturity_is_what_follows_from_what_is_known(commons, first, digests, events)


async def _maturity_is_what_follows_from_what_is_known(
    commons: Commons, node: Node, digests: list[str], events: list[v1.CommonsEvent]
) -> None:
    told = {event.maturity_changed.digest: event.maturity_changed.now for event in events if event.HasField("maturity_changed")}
    for digest in digests:
        kept = (await node.evidence.ListBuildReports(v1.ListBuildReportsRequest(of=digest, page_size=500))).reports
        with commons.engine.connect() as connection:
            found = published(connection, digest)
            parts = commons.registry.inspections.inspected(found.revision.manifest, connection=connection)
        assert found.revision.maturity == maturity_of(parts, kept)
        assert told.get(digest, v1.MATURITY_DRAFT) == found.revision.maturity, "the last that followers heard is what is so"
