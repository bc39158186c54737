# SPDX-License-Identifier: AGPL-3.0-or-later
"""Real processes for tests: `commonfab` as it is installed, and nodes that `commonfab up` starts on free ports."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from stl_boxes import stl_box

PROGRAM = str(Path(sys.executable).with_name("commonfab"))
START_SECONDS = 120.0


def clean_environment(**settings: str) -> dict[str, str]:
    """The environment without the settings and the node of whoever runs the tests, but with the key that the tests sign with."""
    own = ("DATABASE_URL", "REDIS_URL")
    ours = ("COMMONFAB_AUTHOR_KEY",)
    kept = {name: value for name, value in os.environ.items() if name in ours or (name not in own and not name.startswith("COMMONFAB_"))}
    no_node = str(Path(os.environ["COMMONFAB_AUTHOR_KEY"]).with_name("no-node"))
    return {**kept, "COMMONFAB_DATA_DIR": no_node, "TERM": "dumb", "COLUMNS": "200", **settings}


def run(*arguments: str, cwd: Path | None = None, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run `commonfab` to its end."""
    environment = clean_environment(**settings)
    command = [PROGRAM, *arguments]
    return subprocess.run(
        command, env=environment, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", timeout=240, check=False
    )


def is_alive(pid: int) -> bool:
    """Whether process `pid` exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # it may end while we read
        return False


def until(condition: Callable[[], Any], seconds: float = START_SECONDS) -> Any:
    """What `condition` gives as soon as it gives something true. It watches other processes, whose time is not ours to move."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds} s: {condition}")
        time.sleep(0.05)
    return found


@dataclass
class UpNode:
    """A node that `commonfab up` runs."""

    data_dir: Path
    process: subprocess.Popen[str]
    told: dict[str, Any] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return str(self.told["address"])

    @property
    def redis_pid(self) -> int:
        return int((self.data_dir / "board" / "redis.pid").read_text(encoding="utf-8"))

    @property
    def worker_pid(self) -> int:
        return int((self.data_dir / "worker.pid").read_text(encoding="utf-8"))

    @property
    def steward_token(self) -> str:
        return (self.data_dir / "steward.token").read_text(encoding="utf-8").strip()

    def run(self, *arguments: str, token: str | None = None, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run `commonfab` with this node, as its steward unless another token is given."""
        settings = {"COMMONFAB_NODE": self.address, "COMMONFAB_DATA_DIR": str(self.data_dir)}
        settings["COMMONFAB_AUTHOR_KEY"] = str(self.data_dir / "author.pem")
        if token is not None:
            settings["COMMONFAB_TOKEN"] = token
        return run(*arguments, cwd=cwd, **settings)

    def token(self, scope: str, subject: str) -> str:
        """A new token's secret."""
        return self.run("token", "issue", scope, subject).stdout.strip()

    def stop(self, how: signal.Signals = signal.SIGINT, seconds: float = 90) -> tuple[int, str, str]:
        """Stop it. Returns the exit code and what it wrote."""
        self.process.send_signal(how)
        out, err = self.process.communicate(timeout=seconds)
        return self.process.returncode, out, err


class Starter:
    """Starts nodes and sees to it that they end with the test."""

    def __init__(self) -> None:
        self._nodes: list[UpNode] = []

    def __call__(self, data_dir: Path, *options: str, listen: str = "127.0.0.1:0", **settings: str) -> UpNode:
        """Start a node on free ports and return once it answers."""
        node = self.launch(data_dir, *options, listen=listen, **settings)
        file = data_dir / "node.json"

        def answers() -> bool:
            if node.process.poll() is not None:
                out, err = node.process.communicate()
                pytest.fail(f"the node ended with {node.process.returncode}:\n{out}\n{err}")
            with suppress(FileNotFoundError):
                node.told = json.loads(file.read_text(encoding="utf-8"))
            return bool(node.told.get("pid") == node.process.pid)

        until(answers)
        return node

    def launch(self, data_dir: Path, *options: str, listen: str = "127.0.0.1:0", **settings: str) -> UpNode:
        """Start a node and do not wait."""
        command = [PROGRAM, "up", "--data-dir", str(data_dir), "--listen", listen, "--metrics-listen", "127.0.0.1:0", *options]
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            command, env=clean_environment(**settings), stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, encoding="utf-8"
        )
        node = UpNode(data_dir, process)
        self._nodes.append(node)
        return node

    def end_all(self) -> None:
        """End what still runs."""
        for node in self._nodes:
            if node.process.poll() is None:
                try:
                    node.stop(signal.SIGTERM)
                except subprocess.TimeoutExpired:
                    node.process.kill()
                    node.process.communicate()


def cube() -> bytes:
    """A cube of 20 mm as a binary STL: 80 bytes, a count, and 50 bytes for each triangle."""
    return stl_box(20, 20, 20)
