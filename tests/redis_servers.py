# SPDX-License-Identifier: AGPL-3.0-or-later
"""Real redis-servers for tests."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest
import redis


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
                    raise RuntimeError(f"redis-server did not start: {(folder / 'redis.log').read_text(encoding='utf-8')}") from None
                time.sleep(0.02)


def stop_redis(process: subprocess.Popen[bytes]) -> None:
    """End the redis-server that `start_redis` started."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
