# SPDX-License-Identifier: AGPL-3.0-or-later
"""A real CNCjs server on a free port of the loopback interface, with our Grbl board at the far end of its serial line.

Its program is named by COMMONFAB_CNCJS, else it is `.peers/cncjs/node_modules/.bin/cncjs` in the project. Where it is missing the test is
skipped with that reason, or fails where COMMONFAB_REQUIRE_PEERS=all.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from peers.grbl.peer import GrblBoard
from peers.required import optional_peer_missing
from redis_servers import free_port

from shop_agent.machines.socket_io import told

HOME = Path(__file__).resolve().parents[3]
STARTS_WITHIN_SECONDS = 120  # 41 were seen with two dozen processes on two cores


@dataclass
class CncjsPeer:
    """A running CNCjs. `start` and `kill` let a test take it away and bring it back; the board goes on meanwhile."""

    program: Path
    folder: Path
    port: int
    board: GrblBoard
    process: subprocess.Popen[bytes] | None = None
    user: str = ""
    password: str = ""

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def token(self) -> str:
        """What it gives to its user; to anybody where it knows none."""
        who = {"name": self.user, "password": self.password}
        return str(httpx.post(f"{self.url}/api/signin", json=who, timeout=5).json()["token"])

    def load(self, port: str, name: str, gcode: str) -> None:
        """What a person does in its pages: load a program."""
        headers = {"Authorization": f"Bearer {self.token()}"}
        what = {"port": port, "name": name, "gcode": gcode}
        httpx.post(f"{self.url}/api/gcode", json=what, headers=headers, timeout=10).raise_for_status()

    def start(self) -> None:
        """Start it and return once it answers. It opens no port by itself."""
        arguments = ["-H", "127.0.0.1", "-p", str(self.port), "-c", str(self.folder / "cncrc.json")]
        with (self.folder / "peer.log").open("ab") as log:
            home = os.environ | {"HOME": str(self.folder)}
            self.process = subprocess.Popen(
                [self.program, *arguments], stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder, env=home
            )
        deadline = time.monotonic() + STARTS_WITHIN_SECONDS
        while True:
            try:
                self.token()
                return
            except (httpx.HTTPError, KeyError, ValueError):
                if time.monotonic() > deadline or self.process.poll() is not None:
                    words = (self.folder / "peer.log").read_text(encoding="utf-8", errors="replace").splitlines()[-15:]
                    raise AssertionError("CNCjs does not answer: " + "\n".join(words)) from None
                time.sleep(0.1)

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


def _program() -> Path:
    named = os.environ.get("COMMONFAB_CNCJS")
    program = Path(named) if named else HOME / ".peers" / "cncjs" / "node_modules" / ".bin" / "cncjs"
    if not program.exists():
        optional_peer_missing(f"no CNCjs: {program} is not there")
    return program


def _written(program: Path, folder: Path, user: str = "", password: str = "") -> CncjsPeer:
    """A CNCjs in front of a board, not yet started. Passwords stand in its settings as bcrypt, which its own library makes."""
    config: dict[str, object] = {"checkForUpdates": False, "secret": secrets.token_hex(16), "ports": [{"path": str(folder / "ttyGRBL")}]}
    if user:
        make = "console.log(require('bcrypt-nodejs').hashSync(process.argv[1]))"
        made = subprocess.run(["node", "-e", make, password], cwd=program.parents[1], capture_output=True, encoding="utf-8", check=True)
        config["users"] = [{"name": user, "password": made.stdout.strip()}]
    (folder / "cncrc.json").write_text(json.dumps(config), encoding="utf-8")
    return CncjsPeer(program, folder, free_port(), GrblBoard(folder / "ttyGRBL"), user=user, password=password)


@contextmanager
def _started(peer: CncjsPeer) -> Iterator[CncjsPeer]:
    """It runs, and ends with its board whatever comes."""
    try:
        peer.start()
        yield peer
    finally:
        peer.kill()
        peer.board.close()


@pytest.fixture(scope="session")
def cncjs_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CncjsPeer]:
    """The CNCjs of this test process. Use `cncjs`, which gives it an idle board."""
    with _started(_written(_program(), tmp_path_factory.mktemp("cncjs"))) as peer:
        yield peer


@pytest.fixture
def cncjs_with_a_user(tmp_path: Path) -> Iterator[CncjsPeer]:
    """A real CNCjs that works only for its user."""
    with _started(_written(_program(), tmp_path, "maker", secrets.token_hex(8))) as peer:
        yield peer


@pytest.fixture
async def cncjs(cncjs_server: CncjsPeer) -> CncjsPeer:
    """A real CNCjs in front of a board that was just switched on; nothing is loaded, no port is open."""
    if cncjs_server.process is None or cncjs_server.process.poll() is not None:
        await asyncio.to_thread(cncjs_server.start)
    await told(cncjs_server.url, cncjs_server.token(), [["close", str(cncjs_server.board.port)]], 10)
    cncjs_server.board.close()
    cncjs_server.board = GrblBoard(cncjs_server.folder / "ttyGRBL")
    return cncjs_server
