# SPDX-License-Identifier: AGPL-3.0-or-later
"""Inspection as a maker sees it: publish, watch, read the verdict. And that nothing which waits is ever forgotten."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import lib3mf
import pytest
import redis
from clocks import ManualClock
from commons import Commons, laptop_only, publication
from drawings import ball, binary_stl, box, write_3mf, write_zip_bomb

from commonfab import v1
from commonfab.database import open_database
from commonfab.ids import make_ids
from commonfab.settings import NodeSettings
from registry.examining import examine_file
from registry.inspection import NAMESPACE, PATIENCE_SECONDS, QUEUE, subjects_of
from registry.opening import Registry, open_registry


async def published(commons: Commons, paths: list[Path], units: dict[str, str] | None = None) -> v1.PublishRevisionResponse:
    """One design of one part a file."""
    node = commons.node("ada")
    request = v1.PublishRevisionRequest(design=v1.Design(title="a whole thing"), manifest=v1.Manifest(licence="CC0-1.0"))
    for path in paths:
        one = publication(path, (units or {}).get(path.name, ""))
        await commons.publish_file(node, path)
        request.manifest.files.extend(one.manifest.files)
        request.manifest.parts.extend(one.manifest.parts)
    return await node.registry.PublishRevision(request)


@pytest.mark.slow
@laptop_only
async def test_every_part_of_a_revision_is_measured_and_judged(commons: Commons, worker: None, tmp_path: Path) -> None:
    sound, broken, text = tmp_path / "sound.stl", tmp_path / "broken.mesh", tmp_path / "text.txt"  # a .stl would be refused at once
    inches, bomb, own = tmp_path / "inches.stl", tmp_path / "bomb.3mf", tmp_path / "own.3mf"
    sound.write_bytes(binary_stl(box(20, 30, 40)))
    broken.write_bytes(binary_stl(ball(10, 6))[:1000])
    text.write_bytes(b"this is not an STL\n")
    inches.write_bytes(binary_stl(box(1, 2, 3)))
    write_zip_bomb(bomb, 200)
    write_3mf(own, box(1, 1, 1), lib3mf.ModelUnit.Inch)
    answer = await published(commons, [sound, broken, text, inches, bomb, own], {"inches.stl": "inch"})
    parts = {part.part.name: part for part in await commons.inspected(commons.node("ada"), answer.revision.digest)}
    verdicts = {name: (part.makeability[0].verdict, [r.code for r in part.makeability[0].reasons]) for name, part in parts.items()}
    assert verdicts == {
        "sound": (v1.VERDICT_FEASIBLE, []),
        "broken": (v1.VERDICT_INFEASIBLE, ["file.truncated"]),
        "text": (v1.VERDICT_INFEASIBLE, ["file.text"]),
        "inches": (v1.VERDICT_FEASIBLE, []),
        "bomb": (v1.VERDICT_INFEASIBLE, ["file.zip_ratio"]),
        "own": (v1.VERDICT_FEASIBLE, []),
    }
    assert parts["inches"].report.size_mm.z == pytest.approx(76.2)
    requester = commons.node("kim", v1.SCOPE_REQUESTER)
    found = await requester.registry.GetRevision(v1.GetRevisionRequest(digest=answer.revision.digest))
    assert {part.part.name: part for part in found.parts} == parts
    shop = commons.node("garage", v1.SCOPE_SHOP)
    for name, size in (("sound", 84 + 50 * 12), ("inches", 84 + 50 * 12), ("own", 84 + 50 * 12)):
        mesh = parts[name].report.mesh_sha256
        await shop.fetch(mesh, tmp_path / "fetched.stl")
        assert (tmp_path / "fetched.stl").stat().st_size == size
        assert examine_file(tmp_path / "fetched.stl", v1.Demands(), commons.settings).report.size_mm.z == pytest.approx(
            parts[name].report.size_mm.z
        )
    assert parts["sound"].report.mesh_sha256 == parts["sound"].report.sha256


@pytest.mark.slow
async def test_a_watcher_is_told_at_once_at_every_change_and_at_the_end(commons: Commons, tmp_path: Path) -> None:
    paths = [tmp_path / f"{side}.stl" for side in (10, 20)]
    for path, side in zip(paths, (10, 20), strict=True):
        path.write_bytes(binary_stl(box(side, side, side)))
    answer = await published(commons, paths)
    watching = aiter(commons.node().registry.WatchInspection(v1.WatchInspectionRequest(digest=answer.revision.digest)))
    first = await anext(watching)
    assert (first.done, first.total, len(first.newly_done)) == (0, 2, 0)
    found = await commons.node().registry.GetRevision(v1.GetRevisionRequest(digest=answer.revision.digest))
    assert [part.state for part in found.parts] == [v1.INSPECTION_STATE_QUEUED] * 2 and not found.parts[0].makeability
    manifest = answer.revision.manifest
    for done, (part, subject) in enumerate(zip(manifest.parts, subjects_of(manifest), strict=True), start=1):
        report = examine_file(tmp_path / part.paths[0], v1.Demands(), commons.settings).report
        await asyncio.to_thread(commons.registry.inspections.store, subject, report, commons.registry.blobs)
        message = await anext(watching)
        assert (message.done, [told.part.name for told in message.newly_done]) == (done, [part.name])
    with pytest.raises(StopAsyncIteration):
        await anext(watching)


async def test_a_revision_without_parts_is_inspected_at_once(commons: Commons, tmp_path: Path) -> None:
    path = tmp_path / "manual.txt"
    path.write_text("how to use it", encoding="utf-8")
    request = publication(path)
    request.manifest.ClearField("parts")
    node = commons.node()
    await node.upload(path)
    answer = await node.registry.PublishRevision(request)
    watching = node.registry.WatchInspection(v1.WatchInspectionRequest(digest=answer.revision.digest), timeout=120)
    assert [(message.done, message.total) async for message in watching] == [(0, 0)]


async def test_a_file_that_was_measured_before_is_not_measured_again(commons: Commons, worker: None, tmp_path: Path) -> None:
    path = tmp_path / "part.stl"
    path.write_bytes(binary_stl(box(10, 10, 10)))
    ada, ben = commons.node("ada"), commons.node("ben")
    first = await commons.publish_file(ada, path)
    [inspected] = await commons.inspected(ada, first.revision.digest)
    second = await commons.publish_file(ben, path)
    found = await ben.registry.GetRevision(v1.GetRevisionRequest(digest=second.revision.digest))
    assert found.parts[0].report == inspected.report


AT_REST = 2
"""What sleeps in a registry where nobody follows: who sends lost messages again, and who collects garbage."""


class Quiet:
    """A registry without a worker, whose clock the test moves."""

    def __init__(self, settings: NodeSettings, clock: ManualClock, redis_url: str = "") -> None:
        self.engine = open_database(settings.database())
        self.registry: Registry = open_registry(settings, self.engine, redis_url or settings.redis_url, clock, make_ids(clock))
        self.queue = redis.Redis.from_url(settings.redis_url)

    def publish(self, path: Path) -> str:
        """Publish a file as the service does; returns the revision's digest."""
        publisher = self.registry.mounts[0].servicer._publisher  # type: ignore[attr-defined]
        publisher.blobs.adopt(path)
        request = publication(path)
        caller = v1.Token(scope=v1.SCOPE_MAKER, subject="ada")
        digest: str = publisher.publish(caller, request).revision.digest
        return digest

    def queued(self) -> int:
        count = self.queue.llen(f"{NAMESPACE}:{QUEUE}")
        assert isinstance(count, int)
        return count

    async def close(self) -> None:
        await self.registry.close()
        self.queue.close()
        self.engine.dispose()


async def until(condition: object) -> None:
    """Return once `condition()` holds."""
    async with asyncio.timeout(60):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0.01)


@pytest.fixture
def part(tmp_path: Path) -> Path:
    path = tmp_path / "part.stl"
    path.write_bytes(binary_stl(box(10, 10, 10)))
    return path


async def test_publishing_succeeds_while_redis_is_away_and_the_inspection_is_sent_later(
    settings: NodeSettings, manual_clock: ManualClock, part: Path
) -> None:
    quiet = Quiet(settings, manual_clock, "redis://127.0.0.1:1/0")
    await quiet.registry.start()
    assert await asyncio.to_thread(quiet.publish, part)
    await quiet.close()
    back = Quiet(settings, manual_clock)
    await back.registry.start()
    assert back.queued() == 1
    await back.close()


async def test_a_lost_message_is_sent_again_after_a_while(settings: NodeSettings, manual_clock: ManualClock, part: Path) -> None:
    quiet = Quiet(settings, manual_clock)
    await quiet.registry.start()
    await until(lambda: manual_clock.sleepers >= AT_REST)
    quiet.publish(part)
    assert quiet.queued() == 1
    quiet.queue.flushall()
    manual_clock.advance(PATIENCE_SECONDS)
    await until(lambda: quiet.queued() == 1)
    await quiet.close()


async def test_what_still_lies_in_the_queue_is_not_doubled(settings: NodeSettings, manual_clock: ManualClock, part: Path) -> None:
    quiet = Quiet(settings, manual_clock)
    await quiet.registry.start()
    quiet.publish(part)
    for _ in range(3):
        await until(lambda: manual_clock.sleepers >= AT_REST)
        manual_clock.advance(PATIENCE_SECONDS)
    await until(lambda: manual_clock.sleepers >= AT_REST)
    assert quiet.queued() == 1
    await quiet.close()


def test_a_file_is_examined_without_any_server(tmp_path: Path) -> None:
    path = tmp_path / "gear.3mf"
    write_3mf(path, box(20, 20, 5))
    settings = NodeSettings(data_dir=tmp_path / "none")
    found = examine_file(path, v1.Demands(material="petg"), settings)
    assert found.part.name == "gear" and found.state == v1.INSPECTION_STATE_DONE
    assert found.report.sha256 == hashlib.sha256(path.read_bytes()).hexdigest() and len(found.report.mesh_sha256) == 64
    assert found.makeability[0].verdict == v1.VERDICT_FEASIBLE and found.makeability[0].requirement.material == "petg"
    assert not (tmp_path / "none").exists()


def test_examining_a_broken_file_says_why(tmp_path: Path) -> None:
    path = tmp_path / "gear.stl"
    path.write_text("<html>not found</html>", encoding="utf-8")
    found = examine_file(path, v1.Demands(), NodeSettings(data_dir=tmp_path / "none"))
    assert [reason.code for reason in found.makeability[0].reasons] == ["file.web_page"]


def test_examining_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        examine_file(tmp_path / "nowhere.stl", v1.Demands(), NodeSettings(data_dir=tmp_path))
