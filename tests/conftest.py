# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the tests of several rooms share: a clock that is moved by hand, and a redis-server of their own."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

sys.path.insert(0, str(Path(__file__).parent))  # so that every test can say `from clocks import ManualClock`

from clocks import ManualClock


@pytest.fixture
def manual_clock() -> ManualClock:
    """A clock that stands still until the test advances it."""
    return ManualClock()


def free_port() -> int:
    """A port of the loopback interface that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start_redis(folder: Path, port: int, *options: str) -> subprocess.Popen[bytes]:
    """A redis-server on loopback that keeps its things in `folder`; returns once it answers. The caller ends it.

    Append-only, as a node runs it, so that a test may kill it and start it again on the same folder and port.
    """
    program = shutil.which("redis-server")
    if program is None:
        pytest.fail("redis-server is not on the PATH; install it (Debian: apt install redis-server)")
    arguments = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "", "--appendonly", "yes", *options]
    with (folder / "redis.log").open("ab") as log:
        process = subprocess.Popen([program, *arguments], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    with redis.Redis(port=port) as client:
        while True:
            try:
                client.ping()
                return process
            except redis.exceptions.RedisError:
                if process.poll() is not None or time.monotonic() > deadline:
                    stop_redis(process)
                    raise RuntimeError(f"redis-server did not start: {(folder / 'redis.log').read_text()}") from None
                time.sleep(0.02)


def stop_redis(process: subprocess.Popen[bytes]) -> None:
    """End the redis-server that `start_redis` started."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def redis_server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The redis-server of this test process. Use `redis_url`, which leaves it empty for the next test."""
    port = free_port()
    process = start_redis(tmp_path_factory.mktemp("redis"), port)
    yield f"redis://127.0.0.1:{port}/0"
    stop_redis(process)


@pytest.fixture
def redis_url(redis_server_url: str) -> Iterator[str]:
    """The URL of a real redis-server, empty at the start of the test."""
    with redis.Redis.from_url(redis_server_url) as client:
        client.flushall()
        yield redis_server_url
        client.flushall()
