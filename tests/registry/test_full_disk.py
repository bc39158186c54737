# SPDX-License-Identifier: AGPL-3.0-or-later
"""A node whose disk is full says so, keeps nothing half-written, and goes on when there is room again. The disk is real, and small."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import trimesh
from commons import Commons, publication, refused
from small_disks import disk_of, fill

from commonfab import v1
from commonfab.settings import NodeSettings

MIB = 1024 * 1024
DISK_BYTES = 32 * MIB


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 32 MiB."""
    with disk_of(DISK_BYTES, tmp_path / "disk") as folder:
        yield folder


@pytest.fixture
def settings(small_disk: Path, redis_url: str) -> NodeSettings:
    return NodeSettings(data_dir=small_disk / "node", listen="127.0.0.1:0", redis_url=redis_url, largest_file_mb=64)


def kept(settings: NodeSettings) -> list[Path]:
    return [path for path in (settings.data_dir / "blobs").rglob("*") if path.is_file()]


async def test_a_file_that_does_not_fit_is_refused_before_it_is_sent(commons: Commons, small_disk: Path, tmp_path: Path) -> None:
    path, told = tmp_path / "part.stl", []
    path.write_bytes(os.urandom(12 * MIB))
    fill(small_disk, 8 * MIB)
    refusal = await refused(commons.node().upload(path, lambda done, total: told.append(done)))
    assert refusal.reason.code == "node.disk_full" and "12" in refusal.reason.message and refusal.remedy
    assert not kept(commons.settings)


async def test_a_disk_that_becomes_full_under_way_keeps_nothing_half_written(commons: Commons, small_disk: Path, tmp_path: Path) -> None:
    content, node, path = os.urandom(12 * MIB), commons.node(), tmp_path / "part.bin"
    path.write_bytes(content)
    ballast: list[Path] = []

    def progress(done: int, total: int) -> None:
        if done >= 4 * MIB and not ballast:
            ballast.append(fill(small_disk, MIB))

    assert (await refused(node.upload(path, progress))).reason.code == "node.disk_full"
    assert ballast and not kept(commons.settings)
    ballast[0].unlink()
    sha256 = (await node.upload(path)).sha256
    assert b"".join([m.chunk async for m in node.registry.FetchFile(v1.FetchFileRequest(sha256=sha256))]) == content


async def test_a_publication_for_which_the_database_has_no_room_is_refused_and_can_be_made_later(
    commons: Commons, small_disk: Path, tmp_path: Path
) -> None:
    path, node = tmp_path / "box.stl", commons.node()
    trimesh.creation.box((10, 20, 30)).export(path)
    await node.upload(path)
    ballast = fill(small_disk)
    refusals = [await refused(node.registry.PublishRevision(publication(path))) for _ in range(2)]
    assert {refusal.reason.code for refusal in refusals} == {"node.disk_full"}
    assert not (await node.registry.ListDesigns(v1.ListDesignsRequest())).designs
    ballast.unlink()
    published = await node.registry.PublishRevision(publication(path))
    assert (await node.registry.PublishRevision(publication(path))).revision == published.revision
