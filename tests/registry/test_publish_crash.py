# SPDX-License-Identifier: AGPL-3.0-or-later
"""A node that is killed at any step of a publication has published all of it or nothing."""

from __future__ import annotations

import asyncio
import hashlib
import multiprocessing
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path

import dying_node
import grpc
import pytest
import sqlalchemy as sa
import trimesh

from commonfab import v1
from commonfab.client import connect
from commonfab.clock import SystemClock
from commonfab.database import migrate, open_database
from commonfab.ids import make_ids
from commonfab.rpc_client import Endpoint
from commonfab.tokens import TokenStore
from registry.blobs.naming import key_of
from registry.tables import INSPECTIONS

MIB = 1024 * 1024
MOST_STEPS = 1000


@dataclass(frozen=True)
class Publication:
    """What is published: a part's file, which is hashed before it is sent, and a large one, which is hashed while it is sent."""

    folder: Path

    def files(self) -> list[Path]:
        return sorted(self.folder.iterdir())

    def request(self) -> v1.PublishRevisionRequest:
        entries = [v1.FileEntry(path=path.name, sha256=sha256(path.read_bytes())) for path in self.files()]
        part = v1.Part(name="box", paths=["box.stl"], quantity_per_product=1)
        return v1.PublishRevisionRequest(
            design=v1.Design(title="A box"), manifest=v1.Manifest(licence="CC0-1.0", files=entries, parts=[part])
        )


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def publication(tmp_path: Path) -> Publication:
    folder = tmp_path / "design"
    folder.mkdir()
    trimesh.creation.box((10, 20, 30)).export(folder / "box.stl")
    (folder / "notes.bin").write_bytes(os.urandom(9 * MIB))
    return Publication(folder)


@pytest.fixture
def fresh_node(tmp_path: Path) -> tuple[Path, str]:
    """The data folder of a node with tables and a maker, to be copied, and the maker's token."""
    folder = tmp_path / "fresh"
    engine = open_database(f"sqlite:///{folder / 'commonfab.db'}")
    for room in ("commonfab", "registry"):
        migrate(engine, room)
    clock = SystemClock()
    secret = TokenStore(engine, clock, make_ids(clock)).issue(v1.SCOPE_MAKER, "ada").secret
    engine.dispose()
    return folder, secret


@contextmanager
def node(data_dir: Path, redis_url: str, dies_at: int) -> Iterator[tuple[Connection, multiprocessing.process.BaseProcess]]:
    """A node of its own process, and where it tells its address. At the end it is killed, if it is not dead yet."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["registry.opening", "commonfab.rpc_server", "commonfab.tokens"])  # what takes a second to import
    ours, theirs = context.Pipe()
    settings = {"data_dir": str(data_dir), "listen": "127.0.0.1:0", "redis_url": redis_url}
    process = context.Process(target=dying_node.run, args=(settings, dies_at, theirs))
    process.start()
    theirs.close()
    try:
        yield ours, process
    finally:
        process.kill()
        process.join()


async def publish(node: Connection, secret: str, publication: Publication) -> str:
    """Upload everything and publish it; the revision's digest, empty where the node died under way."""
    async with connect(Endpoint(node.recv(), secret)) as client:
        await client.reachable()
        node.send("reached")
        assert node.recv() == "armed"
        try:
            for path in publication.files():
                await client.upload(path)
            return (await client.registry.PublishRevision(publication.request())).revision.digest
        except grpc.aio.AioRpcError as error:
            assert error.code() == grpc.StatusCode.UNAVAILABLE, error
            return ""


def published(data_dir: Path) -> int:
    """How many revisions a dead node left; if there is one, it must be whole."""
    engine = open_database(f"sqlite:///{data_dir / 'commonfab.db'}")
    with engine.connect() as connection:
        manifests = connection.execute(sa.text("SELECT manifest FROM revisions")).scalars().all()
        designs = connection.execute(sa.text("SELECT count(*) FROM designs")).scalar_one()
        queued = set(connection.execute(sa.select(INSPECTIONS.c.sha256)).scalars())
    engine.dispose()
    assert designs == len(manifests)
    for manifest in map(v1.Manifest.FromString, manifests):
        for file in manifest.files:
            # In its place and not only in memory: a power cut would not have taken it.
            assert sha256((data_dir / "blobs" / key_of(file.sha256)).read_bytes()) == file.sha256
        assert queued == {file.sha256 for file in manifest.files if file.path == "box.stl"}
    if not manifests:
        assert not queued
    return len(manifests)


def no_wrong_content(data_dir: Path) -> bool:
    """Whether everything that has a file's name is that file."""
    return all(sha256(path.read_bytes()) == path.parent.name + path.name for path in (data_dir / "blobs").glob("??/*"))


def run_until_death(data_dir: Path, redis_url: str, dies_at: int, secret: str, publication: Publication) -> tuple[str, bool]:
    """The digest that the caller was told, if any, and whether the node outlived it."""
    with node(data_dir, redis_url, dies_at) as (running, process):
        told = asyncio.run(publish(running, secret, publication))
        process.join(0.05 if told else None)
        return told, process.is_alive()


@pytest.mark.slow
def test_a_node_killed_at_any_step_has_published_all_or_nothing(
    tmp_path: Path, redis_url: str, fresh_node: tuple[Path, str], publication: Publication
) -> None:
    template, secret = fresh_node
    digests, left = set(), []
    for step in count(1):
        assert step < MOST_STEPS
        data_dir = tmp_path / "node"
        shutil.rmtree(data_dir, ignore_errors=True)
        shutil.copytree(template, data_dir)
        told, outlived = run_until_death(data_dir, redis_url, step, secret, publication)
        left.append(published(data_dir))
        assert no_wrong_content(data_dir)
        assert left[-1] or not told  # what was answered is there
        again, _ = run_until_death(data_dir, redis_url, 0, secret, publication)
        assert again and published(data_dir) == 1 and no_wrong_content(data_dir)
        assert told in ("", again)
        digests.add(again)
        if outlived:
            break
    assert len(digests) == 1
    assert step > 20 and 0 in left and 1 in left[:-1]  # it died before the commit and after it
