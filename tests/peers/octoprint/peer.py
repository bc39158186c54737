# SPDX-License-Identifier: AGPL-3.0-or-later
"""A real OctoPrint with its virtual printer, on a free port of the loopback interface.

Its Python is named by COMMONFAB_OCTOPRINT_PYTHON, else it is `.peers/octoprint/bin/python` in the project. Where it is missing the test is
skipped with that reason, or fails where COMMONFAB_REQUIRE_PEERS=1.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from peers.required import peer_missing
from redis_servers import free_port

HOME = Path(__file__).resolve().parents[3]
STARTS_WITHIN_SECONDS = 90


@dataclass
class OctoPrintPeer:
    """A running OctoPrint. `start` and `kill` let a test take it away and bring it back on the same port and folder."""

    python: Path
    folder: Path
    port: int
    api_key: str
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def uploads(self) -> Path:
        """Where it keeps the files that it was given."""
        return self.folder / "uploads"

    @property
    def serial_log(self) -> str:
        """What went over the virtual printer's serial line: what the printer itself saw."""
        return "".join(
            file.read_text(encoding="utf-8") for file in sorted((self.folder / "logs").glob("plugin_virtual_printer_serial.log*"))
        )

    def call(self, method: str, path: str, **what: object) -> httpx.Response:
        """One request with the user's key."""
        return httpx.request(method, self.url + path, headers={"X-Api-Key": self.api_key}, timeout=10, **what)  # type: ignore[arg-type]

    def state(self) -> str:
        """What its printer is doing, as OctoPrint says it: "Operational"."""
        try:
            answer = self.call("GET", "/api/connection")
        except httpx.HTTPError:
            return "no answer"
        return str(answer.json()["current"]["state"]) if answer.is_success else f"status {answer.status_code}"

    def until(self, state: str, seconds: float = 30) -> None:
        """Return once the printer is in that state."""
        deadline = time.monotonic() + seconds
        while (now := self.state()) != state:
            if time.monotonic() > deadline or (self.process and self.process.poll() is not None):
                raise AssertionError(f"OctoPrint is {now!r}, not {state!r}: {self._last_words()}")
            time.sleep(0.1)

    def printer_says(self, command: str) -> None:
        """A line to the virtual printer, such as "!!DEBUG:drop_connection"."""
        self.call("POST", "/api/printer/command", json={"command": command}).raise_for_status()

    def connect(self) -> None:
        """What a person does after the printer was away: press Connect."""
        self.call("POST", "/api/connection", json={"command": "connect", "port": "VIRTUAL"}).raise_for_status()
        self.until("Operational")

    def tidy(self) -> None:
        """Bring it back to idle for the next test."""
        if self.process is None or self.process.poll() is not None:
            self.start()
        self.call("POST", "/api/job", json={"command": "cancel"})
        if self.state() != "Operational":
            time.sleep(0.5)
            if self.state() not in ("Operational", "Cancelling"):
                self.connect()
        self.until("Operational")
        for file in self.call("GET", "/api/files/local").json()["files"]:
            self.call("DELETE", f"/api/files/local/{file['name']}")

    def start(self) -> None:
        """Start it and return once its printer is operational."""
        with (self.folder / "peer.log").open("ab") as log:
            arguments = ["serve", "--host", "127.0.0.1", "--port", str(self.port), "-b", str(self.folder), "--iknowwhatimdoing"]
            self.process = subprocess.Popen([self.python, "-m", "octoprint", *arguments], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self.until("Operational", STARTS_WITHIN_SECONDS)

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        """End it in order, as its Shut-down does."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(60)

    def _last_words(self) -> str:
        return "\n".join((self.folder / "peer.log").read_text(encoding="utf-8").splitlines()[-15:])


def _python() -> Path:
    named = os.environ.get("COMMONFAB_OCTOPRINT_PYTHON")
    python = Path(named) if named else HOME / ".peers" / "octoprint" / "bin" / "python"
    if not python.exists():
        missing = f"no OctoPrint: {python} is not there (python -m venv, then pip install -r tests/peers/octoprint/requirements.txt)"
        peer_missing(missing)
    return python


def _configure(folder: Path, key: str) -> None:
    """JSON is YAML. Simulated line errors are off and the line is fast: a toolpath without M109 ends in about two seconds. A printer
    that does not answer is asked again after 5 s."""
    offline = ["announcements", "pluginmanager", "softwareupdate", "errortracking", "tracking", "discovery", "backup", "firmware_check"]
    # OctoPrint sometimes sends its question for the position of a pause (M114) only when it gives up on the answer, by default after 10 s.
    timeouts = {"communication": 5, "communicationBusy": 5, "positionLogWait": 1}
    config = {
        "server": {"firstRun": False, "onlineCheck": {"enabled": False}, "pluginBlacklist": {"enabled": False}},
        "accessControl": {"salt": secrets.token_hex(16)},
        "serial": {"autoconnect": True, "port": "VIRTUAL", "baudrate": 0, "timeout": timeouts},
        "plugins": {
            "_disabled": offline,
            "virtual_printer": {"enabled": True, "throttle": 0.0001, "simulated_errors": [], "sendWait": False, "passcode": ""},
        },
    }
    (folder / "config.yaml").write_text(json.dumps(config), encoding="utf-8")
    owner = {"active": True, "apikey": key, "groups": ["users", "admins"], "password": "x", "permissions": [], "roles": [], "settings": {}}
    (folder / "users.yaml").write_text(json.dumps({"_version": 2, "owner": owner}), encoding="utf-8")


@pytest.fixture(scope="session")
def octoprint_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OctoPrintPeer]:
    """The OctoPrint of this test process. Use `octoprint`, which leaves it idle and empty for the next test."""
    folder, key = tmp_path_factory.mktemp("octoprint"), secrets.token_hex(16).upper()
    python = _python()
    _configure(folder, key)
    peer = OctoPrintPeer(python, folder, free_port(), key)
    try:
        peer.start()
        yield peer
    finally:
        peer.kill()


@pytest.fixture
def octoprint(octoprint_server: OctoPrintPeer) -> OctoPrintPeer:
    """A real OctoPrint whose virtual printer is idle, with no files on it."""
    octoprint_server.tidy()
    return octoprint_server
