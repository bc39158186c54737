# SPDX-License-Identifier: AGPL-3.0-or-later
"""Nodes and agents as processes of their own, so that a test can kill them as a power cut would."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from redis_servers import free_port

from commonfab import v1
from commonfab.client import Node, connect
from commonfab.rpc_client import Endpoint

PATIENCE_SECONDS = 120


def wait_until(done: Callable[[], object], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Return once `done` answers something true. For what other processes do; nothing here can wake us."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain: {what}"
        time.sleep(0.05)


@dataclass
class CommonfabProcess:
    """One `commonfab …` that runs until it is stopped or killed, and can be started again just as it was."""

    arguments: list[str]
    log: Path
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cli.main", *self.arguments],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **self.environment},
            )

    def kill(self) -> None:
        """As a power cut would: nothing can be cleaned up."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """As Ctrl-C would; answers the exit code."""
        if self.process is None or self.process.poll() is not None:
            return -1
        self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


@dataclass
class NodeProcess(CommonfabProcess):
    """A node on a port that stays the same over restarts."""

    folder: Path = Path()

    @classmethod
    def on(cls, folder: Path, **settings: str) -> NodeProcess:
        """A node that keeps its things in `folder`; `settings` as in docs/operator.md, without COMMONFAB_."""
        folder.mkdir(parents=True, exist_ok=True)
        port, metrics = free_port(), free_port()
        listen = ["--listen", f"127.0.0.1:{port}", "--metrics-listen", f"127.0.0.1:{metrics}"]
        environment = {f"COMMONFAB_{key.upper()}": value for key, value in settings.items()}
        return cls(["up", "--data-dir", str(folder), *listen], folder / "node.log", environment, folder=folder)

    def start(self) -> None:
        (self.folder / "node.json").unlink(missing_ok=True)
        super().start()
        wait_until(self._answers, f"the node to start; its log:\n{self.log.read_text(encoding='utf-8')}")

    def _answers(self) -> bool:
        assert self.process is not None and self.process.poll() is None, self.log.read_text(encoding="utf-8")
        return (self.folder / "node.json").exists()

    @property
    def address(self) -> str:
        told: dict[str, str] = json.loads((self.folder / "node.json").read_text(encoding="utf-8"))
        return told["address"]

    @property
    def steward(self) -> Endpoint:
        return Endpoint(self.address, (self.folder / "steward.token").read_text(encoding="utf-8").strip())

    async def token(self, scope: v1.Scope.ValueType, subject: str) -> str:
        async with connect(self.steward) as node:
            await node.reachable()
            return (await node.access.IssueToken(v1.IssueTokenRequest(scope=scope, subject=subject))).secret

    def caller(self, token: str) -> Node:
        return connect(Endpoint(self.address, token))

    def redis_pid(self) -> int:
        """The process of the node's private Redis."""
        return int((self.folder / "board" / "redis.pid").read_text(encoding="utf-8"))
