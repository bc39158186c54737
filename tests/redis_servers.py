# SPDX-License-Identifier: AGPL-3.0-or-later
"""Real redis-servers for tests."""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
import redis

SLOTS = 16384
BUS_OFFSET = 10_000
"""The nodes of a cluster speak with each other on a port that is this much higher; Redis 6.2 has no option for another."""

QUICK_MS, CALM_MS = 1000, 60_000
"""After so long a silence the nodes of a cluster take one of them for dead: as long as a test makes the cluster or has killed a node, and
else. A computer that is busy for a second is no failure."""


PORTS = range(12_000, 22_000)
"""Below those that Linux gives to whoever asks for any (from 32768 on), also where `BUS_OFFSET` is added."""

SHARES = 4
"""Worker processes of the tests that take ports of their own."""


def _ports_of_this_worker() -> Iterator[int]:
    """Its share of `PORTS`, in an order of its own, none again before all others."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    mine = list(PORTS[worker % SHARES :: SHARES])
    random.SystemRandom().shuffle(mine)
    return cycle(mine)


_MINE = _ports_of_this_worker()


def free_port() -> int:
    """A port of the loopback interface that nothing listens on, and that nobody is given by chance before the caller takes it, or while the
    caller's program is restarted: not as the end of some connection, and not by another worker of these tests."""
    return next(port for port in _MINE if _is_free(port))


def start_redis(folder: Path, port: int, *options: str, program: str = "") -> subprocess.Popen[bytes]:
    """A redis-server on loopback that keeps its things in `folder`; returns once it answers. The caller ends it.

    Append-only, as a node runs it, so that a test may kill it and start it again on the same folder and port.
    Parameters: `program`, the redis-server on the PATH where it is empty.
    """
    program = program or shutil.which("redis-server") or ""
    if not program:
        pytest.fail("redis-server is not on the PATH; install it (Debian: apt install redis-server)")
    arguments = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "", "--appendonly", "yes", *options]
    with (folder / "redis.log").open("ab") as log:
        process = subprocess.Popen([program, *arguments], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
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


@dataclass(frozen=True)
class Cluster:
    """A Redis Cluster of three masters, each with one replica, on loopback. `processes` by their port."""

    processes: dict[int, subprocess.Popen[bytes]]

    @property
    def url(self) -> str:
        """As `commonfab.settings` takes it; any node would do."""
        return f"redis+cluster://127.0.0.1:{self.living()[0]}"

    def living(self) -> list[int]:
        """The ports of the processes that run."""
        return [port for port, process in self.processes.items() if process.poll() is None]

    def master_of(self, key: str) -> int:
        """The port of the process that holds `key`. After a fail-over the nodes hear of it one by one, so this waits for a living one."""
        _until(lambda: self._holder(key) in self.living(), f"a process that runs holds {key}")
        return self._holder(key)

    def _holder(self, key: str) -> int:
        asked = self.living()[0]
        slot = ask(asked, "CLUSTER", "KEYSLOT", key)
        return next(int(master[1]) for first, last, master, *_ in ask(asked, "CLUSTER", "SLOTS") if first <= slot <= last)

    def masters(self) -> set[int]:
        """The ports of the processes that hold slots."""
        return {int(master[1]) for _, _, master, *_ in ask(self.living()[0], "CLUSTER", "SLOTS")}

    def empty(self) -> None:
        """Throw all keys away, and wait until the replicas have done so too."""
        for master in self.masters():
            with redis.Redis(port=master) as client:
                client.flushall()
                client.wait(1, 5000)

    def kill(self, port: int) -> None:
        """End one process at once, as a failing machine does. The others notice it quickly."""
        self._suspect_after(QUICK_MS)
        self.processes[port].kill()
        self.processes[port].wait()

    def calm(self) -> None:
        """From now on nobody is taken for dead who is only slow."""
        self._suspect_after(CALM_MS)

    def _suspect_after(self, milliseconds: int) -> None:
        for port in self.living():
            ask(port, "CONFIG", "SET", "cluster-node-timeout", milliseconds)

    def stop(self) -> None:
        """End its processes."""
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            stop_redis(process)


def start_cluster(folder: Path, program: str = "") -> Cluster:
    """A Redis Cluster that keeps its things in `folder`; returns once it takes commands and its replicas follow. The caller stops it."""
    cluster = Cluster({})
    # However late it is, a replica may follow its master.
    joined = ("--cluster-enabled", "yes", "--cluster-node-timeout", str(QUICK_MS), "--cluster-replica-validity-factor", "0")
    # A replica is told of once it has heard from its master, which otherwise has nothing to say for ten seconds.
    quick = ("--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1")
    try:
        for port in _cluster_ports(6):
            (folder / str(port)).mkdir()
            cluster.processes[port] = start_redis(folder / str(port), port, *joined, *quick, "--appendfsync", "always", program=program)
        _join(list(cluster.processes))
        cluster.calm()
    except BaseException:
        cluster.stop()
        raise
    return cluster


def _join(ports: list[int]) -> None:
    """Make one cluster of servers that know nothing of each other: the first three hold the slots, the others follow them."""
    first, masters, replicas = ports[0], ports[:3], ports[3:]
    for epoch, port in enumerate(ports, 1):
        # Of two nodes with one epoch, one has to give way; that would take them seconds to settle.
        ask(port, "CLUSTER", "SET-CONFIG-EPOCH", epoch)
        if port != first:
            ask(port, "CLUSTER", "MEET", "127.0.0.1", first)
    for number, port in enumerate(masters):
        ask(port, "CLUSTER", "ADDSLOTS", *range(number * SLOTS // 3, (number + 1) * SLOTS // 3))
    _until(lambda: all(len(ask(port, "CLUSTER", "NODES").splitlines()) == len(ports) for port in ports), "the nodes have met")
    for master, replica in zip(masters, replicas, strict=True):
        ask(replica, "CLUSTER", "REPLICATE", ask(master, "CLUSTER", "MYID"))
    _until(lambda: all("cluster_state:ok" in ask(port, "CLUSTER", "INFO") for port in ports), "every slot is held")
    _until(lambda: all("master_link_status:up" in ask(port, "INFO", "replication") for port in replicas), "the replicas follow")
    _until(lambda: all(_knows_all(port) for port in ports), "every node knows who follows whom")


def _knows_all(port: int) -> bool:
    return all(len(nodes) == 2 for _, _, *nodes in ask(port, "CLUSTER", "SLOTS"))


def ask(port: int, *command: str | int) -> Any:
    """What the server on `port` answers to one command, with its texts as `str`."""
    # The connection alone, because the client would make something else of the answer.
    connection = redis.Connection(port=port, decode_responses=True, protocol=2)
    try:
        connection.send_command(*command)
        return connection.read_response()
    finally:
        connection.disconnect()


def _until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 120
    while not holds():
        if time.monotonic() > deadline:
            raise RuntimeError(f"two minutes went by before {what}")
        time.sleep(0.02)


def _cluster_ports(count: int) -> list[int]:
    """Ports of which the bus's is free too."""
    found: list[int] = []
    while len(found) < count:
        port = free_port()
        if _is_free(port + BUS_OFFSET):
            found.append(port)
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
