# SPDX-License-Identifier: AGPL-3.0-or-later
"""The inspection worker as a process of its own: killed, stopped, and left without its Redis."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from commons import Commons, laptop_only
from drawings import binary_stl, box, write_step
from redis_servers import free_port, start_redis, stop_redis

from cli.up.settings import child_environment
from commonfab.settings import NodeSettings

pytestmark = pytest.mark.slow


@contextmanager
def working(settings: NodeSettings) -> Iterator[subprocess.Popen[bytes]]:
    """A worker that is ready."""
    environment = os.environ | child_environment(settings, settings.redis_url)
    settings.data_dir.mkdir(exist_ok=True)
    log = settings.data_dir / "worker.log"
    with log.open("ab") as file:
        before = log.stat().st_size
        process = subprocess.Popen([sys.executable, "-m", "registry.worker"], env=environment, stdout=file, stderr=file)
    try:
        deadline = time.monotonic() + 120
        while b"ready to inspect" not in log.read_bytes()[before:]:
            assert process.poll() is None and time.monotonic() < deadline, log.read_text(encoding="utf-8")
            time.sleep(0.02)
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


@pytest.fixture
def part(tmp_path: Path) -> Path:
    path = tmp_path / "part.stl"
    path.write_bytes(binary_stl(box(10, 20, 30)))
    return path


async def test_a_worker_inspects_and_stops_when_told(commons: Commons, part: Path) -> None:
    node = commons.node()
    with working(commons.settings) as worker:
        answer = await commons.publish_file(node, part)
        [inspected] = await commons.inspected(node, answer.revision.digest)
        assert inspected.report.volume_mm3 == pytest.approx(6000)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(120) == 0


@laptop_only
def test_a_worker_that_is_told_to_stop_many_times_at_once_stops(commons: Commons) -> None:
    """Linux tells a child of a killed node once for each thread that the node had; the second word came while the first was being heard,
    and the worker waited for itself for ever."""
    with working(commons.settings) as worker:
        for _ in range(3000):
            worker.send_signal(signal.SIGTERM)
        assert worker.wait(120) == 0


@laptop_only
async def test_a_worker_killed_over_its_work_loses_nothing(commons: Commons, tmp_path: Path) -> None:
    write_step(tmp_path / "part.step", 10, 20, 30)  # the first STEP takes seconds, for the kernel must be loaded
    node = commons.node()
    answer = await commons.publish_file(node, tmp_path / "part.step")
    scratch = commons.settings.data_dir / "scratch"
    with working(commons.settings) as first:
        deadline = time.monotonic() + 120
        while not list(scratch.glob("inspect-*")):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.005)
        first.kill()
        first.wait()
    with working(commons.settings):
        [inspected] = await commons.inspected(node, answer.revision.digest)
    assert inspected.report.solids == 1


class OwnRedis:
    """A redis-server of this test alone, which it may stop and start."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.folder = folder
        self.process = start_redis(folder, self.port)

    def restart(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process = start_redis(self.folder, self.port)


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    folder = tmp_path / "redis"
    folder.mkdir()
    own = OwnRedis(folder)
    yield own
    stop_redis(own.process)


@pytest.fixture
def redis_url(own_redis: OwnRedis) -> str:
    return f"redis://127.0.0.1:{own_redis.port}/0"


@laptop_only
async def test_a_worker_outlives_a_restart_of_redis(commons: Commons, part: Path, own_redis: OwnRedis) -> None:
    node = commons.node()
    with working(commons.settings) as worker:
        own_redis.restart()
        answer = await commons.publish_file(node, part)
        [inspected] = await commons.inspected(node, answer.revision.digest)
        assert inspected.report.volume_mm3 == pytest.approx(6000) and worker.poll() is None


@laptop_only
async def test_a_worker_stops_when_told_though_redis_is_gone(commons: Commons, own_redis: OwnRedis) -> None:
    with working(commons.settings) as worker:
        own_redis.process.kill()
        own_redis.process.wait()
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(120) == 0
