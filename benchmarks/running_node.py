# SPDX-License-Identifier: AGPL-3.0-or-later
"""A node of its own for a benchmark: `commonfab up` as a child process in a folder that is thrown away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from commonfab.rpc_client import Endpoint

START_SECONDS = 60


@dataclass(frozen=True)
class RunningNode:
    """A node that answers, and its steward's token."""

    address: str
    steward: Endpoint
    folder: Path


@contextmanager
def running_node(**settings: str) -> Iterator[RunningNode]:
    """A node on free loopback ports. Parameters: `settings`, as in docs/operator.md, without COMMONFAB_."""
    with tempfile.TemporaryDirectory(prefix="commonfab-bench-") as name:
        folder = Path(name)
        environment = os.environ | {f"COMMONFAB_{key.upper()}": value for key, value in settings.items()}
        command = [sys.executable, "-m", "cli.main", "up", "--data-dir", name, "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"]
        with (folder / "node.log").open("wb") as log:
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            yield _wait_for(folder, process)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def _wait_for(folder: Path, process: subprocess.Popen[bytes]) -> RunningNode:
    deadline = time.monotonic() + START_SECONDS
    while not (folder / "node.json").exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the node did not start:\n{(folder / 'node.log').read_text(encoding='utf-8')}")
        time.sleep(0.05)
    told = json.loads((folder / "node.json").read_text(encoding="utf-8"))
    token = Path(told["steward_token_file"]).read_text(encoding="utf-8").strip()
    return RunningNode(told["address"], Endpoint(told["address"], token), folder)
