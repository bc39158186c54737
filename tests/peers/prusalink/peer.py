# SPDX-License-Identifier: AGPL-3.0-or-later
"""A real PrusaLink on a free port of the loopback interface, over an MK3 of ours at the far end of its serial line.

Its Python is named by COMMONFAB_PRUSALINK_PYTHON, else it is `.peers/prusalink/bin/python` in the project. Where it is missing the test is
skipped with that reason, or fails where COMMONFAB_REQUIRE_PEERS=all.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from peers.prusalink.mk3 import Mk3
from peers.required import optional_peer_missing
from redis_servers import free_port

HOME = Path(__file__).resolve().parents[3]
STARTS_WITHIN_SECONDS = 90
"""Nine to thirteen were seen in fifty starts, three or four at a time, and up to 57 with two dozen processes on two cores; eight of them
are for the printer to boot. It takes twenty more where PrusaLink finds its file `power_panic`, which is there in a print and stays when it
is killed then."""
STARTS = 2
"""How often it is started at most: it may forget a line as it starts, too, and is BUSY for ever then or does no command."""
OBEYS_WITHIN_SECONDS = 20
"""An idle PrusaLink did a command within 2.5 s at most, on the same two cores."""


@dataclass
class PrusaLinkPeer:
    """A running PrusaLink. `start` and `kill` let a test take it away and bring it back; the printer stays as it is meanwhile."""

    python: Path
    folder: Path
    port: int
    api_key: str
    printer: Mk3
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def uploads(self) -> Path:
        """Where it keeps the files that it was given."""
        return self.folder / "gcodes"

    def call(self, method: str, path: str, **what: object) -> httpx.Response:
        """One request with the user's key. A start is answered once every command before it is done."""
        what = {"timeout": 60} | what
        return httpx.request(method, self.url + path, headers={"X-Api-Key": self.api_key}, **what)  # type: ignore[arg-type]

    def state(self) -> str:
        """What its printer is doing, as PrusaLink says it: "IDLE"."""
        try:
            answer = self.call("GET", "/api/v1/status")
        except httpx.HTTPError:
            return "no answer"
        return str(answer.json()["printer"]["state"]) if answer.is_success else f"status {answer.status_code}"

    def until(self, *states: str, seconds: float = 40) -> None:
        """Return once the printer is in one of those states."""
        deadline = time.monotonic() + seconds
        while (now := self.state()) not in states:
            if time.monotonic() > deadline or (self.process and self.process.poll() is not None):
                raise AssertionError(f"PrusaLink is {now!r}, not {states}: {self._last_words()}")
            time.sleep(0.1)

    def put(self, name: str, gcode: str) -> None:
        """Bring a file onto it, as a person does from their slicer, and wait until it is listed."""
        headers = {"X-Api-Key": self.api_key, "Content-Type": "text/x.gcode", "Overwrite": "?1"}
        path = f"/api/v1/files/local/{name}"
        httpx.put(self.url + path, content=gcode.encode(), headers=headers, timeout=20).raise_for_status()
        deadline = time.monotonic() + 10
        while not self.call("GET", path).is_success and time.monotonic() < deadline:
            time.sleep(0.1)

    def obeys(self) -> bool:
        """Whether it still does commands: PrusaLink 0.8.1 may forget one of its own as a print is stopped, waits for that one for ever, and
        takes starts then without doing them (shop_agent/machines/prusalink_hearing.py tells why). Nothing moves by asking."""
        try:
            self.call("POST", "/api/v1/files/local/nothing-is-called-so.gcode", timeout=OBEYS_WITHIN_SECONDS)
        except httpx.ReadTimeout:
            return False
        return True

    def tidy(self) -> None:
        """Bring it back to idle, with a quick printer and no files, for the next test. One that does no commands any more is started anew:
        that is PrusaLink's own fault, which no test is about but the one that makes it so."""
        self.printer.calm()
        if self.process is None or self.process.poll() is not None:
            self.start()
        if self.state() in ("PRINTING", "PAUSED"):
            job = self.call("GET", "/api/v1/job")
            if job.status_code == 200:
                self.call("DELETE", f"/api/v1/job/{job.json()['id']}")
        self.until("IDLE", "READY")
        if not self.obeys():
            self.kill()
            self.start()
        (self.folder / "power_panic").unlink(missing_ok=True)
        for file in self.uploads.glob("*.gcode"):
            self.call("DELETE", f"/api/v1/files/local/{file.name}")

    def start(self) -> None:
        """Start it and return once its printer is idle and it does what it is told."""
        for again in reversed(range(STARTS)):
            self._start()
            try:
                self.until("IDLE", seconds=STARTS_WITHIN_SECONDS)
                if self.obeys():
                    return
            except AssertionError:
                if not again:
                    raise
            self.kill()
        raise AssertionError(f"PrusaLink does no command: {self._last_words()}")

    def _start(self) -> None:
        self.printer.reset()
        with (self.folder / "peer.log").open("ab") as log:
            command = [self.python, Path(__file__).with_name("launch.py"), "-f", "-i", "-c", self.folder / "prusalink.ini"]
            self.process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def _last_words(self) -> str:
        return "\n".join((self.folder / "peer.log").read_text(encoding="utf-8", errors="replace").splitlines()[-15:])


def _python() -> Path:
    named = os.environ.get("COMMONFAB_PRUSALINK_PYTHON")
    python = Path(named) if named else HOME / ".peers" / "prusalink" / "bin" / "python"
    if not python.exists():
        optional_peer_missing(f"no PrusaLink: {python} is not there")
    return python


def _configure(peer: PrusaLinkPeer) -> None:
    (peer.folder / "prusalink.ini").write_text(
        f"[daemon]\ndata_dir = {peer.folder}\npid_file = {peer.folder}/prusalink.pid\n"
        f"[http]\naddress = 127.0.0.1\nport = {peer.port}\n"
        f"[printer]\nport = {peer.printer.link}\nsettings = {peer.folder}/settings.ini\ndirectory = {peer.uploads}\n"
        "[cameras]\nauto_detect = False\n",
        encoding="utf-8",
    )
    (peer.folder / "settings.ini").write_text(
        "[printer]\ntype = MK3S\nname = mk3\n"
        f"[service::local]\nenable = 1\nusername = maker\ndigest = {secrets.token_hex(16)}\napi_key = {peer.api_key}\n",
        encoding="utf-8",
    )


@pytest.fixture(scope="session")
def prusalink_server() -> Iterator[PrusaLinkPeer]:
    """The PrusaLink of this test process. Use `prusalink`, which leaves it idle and empty for the next test."""
    python = _python()
    # PrusaLink takes no files from a folder under /tmp, where pytest's own lie.
    folder = Path(tempfile.mkdtemp(prefix="commonfab-prusalink-", dir="/var/tmp"))
    peer = PrusaLinkPeer(python, folder, free_port(), secrets.token_hex(10), Mk3(folder / "mk3"))
    _configure(peer)
    try:
        peer.start()
        yield peer
    finally:
        peer.kill()
        peer.printer.close()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def prusalink(prusalink_server: PrusaLinkPeer) -> PrusaLinkPeer:
    """A real PrusaLink whose printer is idle, with no files on it."""
    prusalink_server.tidy()
    return prusalink_server
