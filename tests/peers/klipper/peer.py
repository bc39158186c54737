# SPDX-License-Identifier: AGPL-3.0-or-later
"""A real Klipper with a real Moonraker on a free port of the loopback interface, and a micro-controller that is played (controller.py).

Klipper's Python is named by COMMONFAB_KLIPPER_PYTHON, else it is `.peers/klipper/bin/python` in the project; Moonraker's by
COMMONFAB_MOONRAKER_PYTHON, else it is in the folder `moonraker` of that environment. Where one is missing the test is skipped with that
reason, or fails where COMMONFAB_REQUIRE_PEERS=1.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from peers.required import peer_missing
from redis_servers import free_port

HOME = Path(__file__).resolve().parents[3]
HERE = Path(__file__).resolve().parent
STARTS_WITHIN_SECONDS = 60
MOONRAKER = """[server]
host: 127.0.0.1
port: {port}
klippy_uds_address: {folder}/klippy.sock
[machine]
provider: none
validate_service: False
validate_config: False
[authorization]
trusted_clients:
[file_manager]
enable_object_processing: False
[history]
[job_queue]
[announcements]
subscriptions:
"""


@dataclass
class KlipperPeer:
    """A printer: its board, Klipper, and Moonraker, each of which a test can take away and bring back."""

    klippy_python: Path
    moonraker_python: Path
    folder: Path
    port: int
    api_key: str = ""
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where Moonraker answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def gcodes(self) -> Path:
        """Where the files lie that it was given."""
        return self.folder / "data" / "gcodes"

    @property
    def line(self) -> Path:
        """The serial port of the board. Klipper opens only such a name without asking for a baud rate."""
        return Path(tempfile.gettempdir()) / f"klipper_host_{self.port}"

    def steps(self) -> int:
        """How many steps its motors have made so far, by the board's own count."""
        return int((self.folder / "steps").read_bytes() or b"0")

    def begun(self) -> int:
        """How often Klipper itself, by its own log, began to work off a file from its beginning."""
        log = (self.folder / "klippy.log").read_text(encoding="utf-8", errors="replace")
        return log.count("Starting SD card print (position 0)")

    def call(self, method: str, path: str, **what: Any) -> httpx.Response:
        """One request with the owner's key."""
        return httpx.request(method, self.url + path, headers={"X-Api-Key": self.api_key}, timeout=20, **what)

    def ask(self, path: str) -> Any:
        """The result of a GET. Errors: `AssertionError` where it is refused."""
        answer = self.call("GET", path)
        assert answer.is_success, answer.text
        return answer.json()["result"]

    def print_stats(self) -> dict[str, Any]:
        """What Klipper says of the print."""
        stats: dict[str, Any] = self.ask("/printer/objects/query?print_stats")["status"]["print_stats"]
        return stats

    def at_work(self) -> bool:
        """Whether Klipper has moves or commands before it."""
        return bool(self.ask("/printer/objects/query?idle_timeout")["status"]["idle_timeout"]["state"] == "Printing")

    def klippy_state(self) -> str:
        """How Klipper stands, as Moonraker says it: "ready"."""
        try:
            answer = self.call("GET", "/server/info")
        except httpx.HTTPError:
            return "no answer"
        return str(answer.json()["result"]["klippy_state"]) if answer.is_success else f"status {answer.status_code}"

    def until(self, state: str, seconds: float = STARTS_WITHIN_SECONDS) -> None:
        """Return once Klipper stands so."""
        self._until(lambda: self.klippy_state() == state, f"Klipper is not {state!r}", seconds)

    def run_gcode(self, script: str) -> None:
        """What its owner types into the console."""
        self.call("POST", "/printer/gcode/script", params={"script": script}).raise_for_status()

    def print_foreign(self, name: str, content: str) -> None:
        """What its owner does: put a file there and press Print."""
        (self.gcodes / name).write_text(content, encoding="utf-8")
        self.run_gcode(f'SDCARD_PRINT_FILE FILENAME="{name}"')

    def break_down(self) -> None:
        """A thermistor fails: the board stops everything by itself."""
        self.running["board"].send_signal(signal.SIGUSR1)

    def mend(self) -> None:
        """What a person does then: put it right and press Firmware restart."""
        self.call("POST", "/printer/firmware_restart")
        self.until("ready")

    def start(self) -> None:
        """Start whatever does not run, and return once Klipper is ready."""
        if "board" not in self.running:
            self._run("board", sys.executable, HERE / "controller.py", self.line, self.folder / "steps")
            self._until(lambda: self.line.is_symlink() and (self.folder / "steps").exists(), "the board does not start")
        if "klippy" not in self.running:
            files = [self.folder / name for name in ("printer.cfg", "terminal", "klippy.sock", "klippy.log")]
            arguments = [word for pair in zip(("", "-I", "-a", "-l"), files, strict=True) for word in pair if word]
            self._run("klippy", self.klippy_python, HERE / "run_klippy.py", *arguments)
        if "moonraker" not in self.running:
            data = self.folder / "data"
            self._run("moonraker", self.moonraker_python, "-m", "moonraker", "-d", data, "-c", self.folder / "moonraker.conf")
        if not self.api_key:
            self._until(self._learn_key, "Moonraker does not start")
        self.until("ready")

    def kill(self, *names: str) -> None:
        """End "moonraker", "klippy" or "board" (or all of them) as a power cut would."""
        for name in names or tuple(self.running):
            process = self.running.pop(name, None)
            if process is not None:
                process.kill()
                process.wait()

    def restart(self, *names: str) -> None:
        """Kill and start again."""
        self.kill(*names)
        self.start()

    def tidy(self) -> None:
        """Bring it back to idle and empty for the next test, whatever the last one left."""
        if any(process.poll() is not None for process in self.running.values()) or len(self.running) < 3:
            self.kill(*[name for name, process in self.running.items() if process.poll() is not None])
            self.start()
        if self.klippy_state() != "ready":
            self.mend()
        if self.print_stats()["state"] in ("printing", "paused"):
            self.call("POST", "/printer/print/cancel")
        self.run_gcode("SDCARD_RESET_FILE")
        self._until(lambda: not self.at_work(), "Klipper does not come to rest")
        for file in self.gcodes.glob("*.gcode"):
            self.call("DELETE", f"/server/files/gcodes/{file.name}")

    def _learn_key(self) -> bool:
        """Whoever may open Moonraker's own socket may ask for its key; each message ends with the byte 3."""
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(5)
            try:
                line.connect(str(self.folder / "data" / "comms" / "moonraker.sock"))
                line.sendall(json.dumps({"jsonrpc": "2.0", "method": "access.get_api_key", "id": 1}).encode() + b"\x03")
                answer = b""
                while not answer.endswith(b"\x03"):
                    answer += line.recv(4096)
            except OSError:
                return False
        for message in answer.split(b"\x03"):
            if message and (told := json.loads(message)).get("id") == 1:
                self.api_key = str(told["result"])
        return bool(self.api_key)

    def _run(self, name: str, *arguments: object) -> None:
        with (self.folder / f"{name}.out").open("ab") as log:
            command = [str(argument) for argument in arguments]
            self.running[name] = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder)

    def _until(self, there: Callable[[], bool], what: str, seconds: float = STARTS_WITHIN_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not there():
            ended = [name for name, process in self.running.items() if process.poll() is not None]
            if ended or time.monotonic() > deadline:
                raise AssertionError(f"{what} (it is {self.klippy_state()!r}, ended: {ended}): {self._last_words()}")
            time.sleep(0.1)

    def _last_words(self) -> str:
        logs = [*self.folder.glob("*.out"), *self.folder.glob("data/logs/*.log"), self.folder / "klippy.log"]
        return "\n".join(
            line for log in logs if log.exists() for line in log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:]
        )


def _pythons() -> tuple[Path, Path]:
    named, other = os.environ.get("COMMONFAB_KLIPPER_PYTHON"), os.environ.get("COMMONFAB_MOONRAKER_PYTHON")
    klippy = Path(named) if named else HOME / ".peers" / "klipper" / "bin" / "python"
    moonraker = Path(other) if other else klippy.parent.parent / "moonraker" / "bin" / "python"
    for python in (klippy, moonraker):
        if not python.exists():
            peer_missing(f"no Klipper with Moonraker: {python} is not there (make .peers/klipper/.installed)")
    return klippy, moonraker


def _configure(peer: KlipperPeer) -> None:
    peer.gcodes.mkdir(parents=True)
    config = (HERE / "printer.cfg").read_text(encoding="utf-8").replace("SERIAL", str(peer.line), 2).replace("GCODES", str(peer.gcodes), 2)
    (peer.folder / "printer.cfg").write_text(config.split("\n", 1)[1], encoding="utf-8")
    (peer.folder / "moonraker.conf").write_text(MOONRAKER.format(port=peer.port, folder=peer.folder), encoding="utf-8")


@pytest.fixture(scope="session")
def klipper_server() -> Iterator[KlipperPeer]:
    """The printer of this test process. Use `klipper`, which leaves it idle and empty for the next test."""
    pythons = _pythons()
    with tempfile.TemporaryDirectory(prefix="klipper") as folder:  # a short name: that of a socket may have 107 bytes
        peer = KlipperPeer(*pythons, Path(folder), free_port())
        _configure(peer)
        try:
            peer.start()
            yield peer
        finally:
            peer.kill()
            peer.line.unlink(missing_ok=True)


@pytest.fixture
def klipper(klipper_server: KlipperPeer) -> KlipperPeer:
    """A real Klipper with Moonraker, idle, with no files on it."""
    klipper_server.tidy()
    return klipper_server
