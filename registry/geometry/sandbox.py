# SPDX-License-Identifier: AGPL-3.0-or-later
"""Measures files that come from outside, each in a child process with little memory, little time and nothing else in reach.

A fork server (`zygote`) holds the loaded libraries, so that a small file takes milliseconds and not the seconds of an import. A file that
takes too much, or breaks its reader, gets a report that says so; nothing that a file does ends this process or the fork server.
"""

from __future__ import annotations

import json
import logging
import os
import select
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

from google.protobuf.message import DecodeError

import registry
from commonfab import v1
from commonfab.reasons import reason
from commonfab.settings import NodeSettings
from commonfab.units import Quantity
from registry.geometry import INSPECTOR
from registry.geometry.isolation import bubblewrapped
from registry.geometry.source import DERIVED_MESH, PICTURES
from registry.geometry.zygote import MOST_WRITTEN_MB, REPORT, Ending, Task, opened_plain

LOADING_SECONDS = 60.0
"""What the fork server may take beyond a file's own time: importing the modelling kernel takes 3 to 10 s on a small machine."""

CLOSING_SECONDS = 5.0
LARGEST_REPORT = 4 * 1024 * 1024
STALE_SECONDS = 24 * 3600
SCRATCH_PREFIX = "inspect-"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """What one file may take: wall-clock seconds, and MiB of address space beyond the loaded libraries."""

    seconds: float
    memory_mb: int

    @staticmethod
    def of(settings: NodeSettings) -> Limits:
        """As the node's settings say."""
        return Limits(settings.inspection_seconds, settings.inspection_memory_mb)


@dataclass(frozen=True)
class Picture:
    """A picture of the part that the child drew."""

    media_type: str
    path: Path


@dataclass(frozen=True)
class Measured:
    """A report, the mesh in millimetres that was derived from the file, where there is one, pictures, and what measuring took.

    The files go when the measuring ends. `peak_mb` counts the libraries too.
    """

    report: v1.GeometryReport
    derived_mesh: Path | None
    pictures: tuple[Picture, ...] = ()
    cpu_seconds: float = 0.0
    peak_mb: float = 0.0


class SandboxBroken(Exception):
    """The file could not be measured now, for a reason that lies with this machine. To be tried again later."""


class Sandbox:
    """One fork server, started with the first file. One file is measured at a time; `close` may be called from another thread."""

    def __init__(self, limits: Limits, scratch: Path) -> None:
        """Parameters: `scratch`, a folder for what lives only as long as one file is measured; made where it is missing."""
        self._limits = limits
        self._scratch = scratch
        self._busy = threading.Lock()
        self._server: subprocess.Popen[bytes] | None = None
        self._closed = False
        self.confinement = ""
        scratch.mkdir(parents=True, exist_ok=True)
        _sweep(scratch)

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the fork server and what it is measuring. Measuring raises `SandboxBroken` from now on."""
        self._closed = True
        if self._server is not None:
            _dismiss(self._server)
        # Whoever reads from it lets go first; a pipe that is closed under a reader may come back as another file of this process.
        if self._busy.acquire(timeout=CLOSING_SECONDS):
            try:
                self._end_server()
            finally:
                self._busy.release()

    def start(self) -> None:
        """Start the fork server now, that the first file need not wait for it, and say in the log how files are confined.

        Errors: `SandboxBroken` where it does not start; the first file tries again.
        """
        with self._busy:
            if self._closed:
                raise SandboxBroken("the sandbox is closed")
            if self._server is None:
                self._start_server()

    @contextmanager
    def measure(self, path: Path, sha256: str, unit: str) -> Iterator[Measured]:
        """What the file says; the derived mesh may be read inside the `with` block.

        Parameters: `unit`, the maker's word for a file that names none, or empty.
        Errors: `SandboxBroken`; `FileNotFoundError` where there is no such file.
        """
        if not path.is_file():
            raise FileNotFoundError(path)
        with self._busy, tempfile.TemporaryDirectory(prefix=SCRATCH_PREFIX, dir=self._scratch) as folder:
            task = Task(str(path.resolve()), sha256, unit, folder, self._limits.seconds, self._limits.memory_mb)
            ending = self._ask(task) or self._ask(task)
            if ending is None:
                raise SandboxBroken("the fork server died twice over it")
            yield self._measured(task, ending)

    def _ask(self, task: Task) -> Ending | None:
        """How measuring ended; None where the fork server died over it."""
        if self._closed:
            raise SandboxBroken("the sandbox is closed")
        server = self._server or self._start_server()
        assert server.stdin and server.stdout
        try:
            server.stdin.write(json.dumps(asdict(task)).encode() + b"\n")
            server.stdin.flush()
            answer = _line(server.stdout.fileno(), task.seconds + LOADING_SECONDS)
        except (OSError, ValueError):  # it is gone, or was closed while we waited
            answer = b""
        if not answer:
            self._end_server()
            if self._closed:
                raise SandboxBroken("the sandbox was closed")
            return None
        return Ending(**json.loads(answer))

    def _start_server(self) -> subprocess.Popen[bytes]:
        # The environment holds the node's secrets, so only what is needed is passed on. More threads would only multiply memory.
        environment = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": str(Path(registry.__file__).parent.parent)}
        environment |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        # -P: what a child leaves in the scratch folder is never imported. -s: nor what lies in a home.
        command = bubblewrapped([sys.executable, "-P", "-s", "-m", "registry.geometry.zygote"], self._scratch.resolve())
        self._server = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, cwd=self._scratch, start_new_session=True
        )
        assert self._server.stdout
        told = _line(self._server.stdout.fileno(), LOADING_SECONDS)
        if not told:
            self._end_server()
            raise SandboxBroken("the fork server does not start")
        means = [*(["bubblewrap"] if command[0] != sys.executable else []), *json.loads(told)]
        self.confinement = " and ".join(means) or "limits of memory and time only: this system has no bubblewrap, landlock or seccomp"
        log.info("files from outside are opened in a child process confined by %s", self.confinement)
        return self._server

    def _end_server(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            _dismiss(server)
            assert server.stdout
            server.stdout.close()

    def _measured(self, task: Task, ending: Ending) -> Measured:
        if ending.how == "machine":
            raise SandboxBroken(ending.detail)
        report = _read_report(task)
        if report is not None and ending.how != "measured":
            report.warnings.append(reason("preview.none", _fault(task, ending).message))
        elif report is None:
            report = v1.GeometryReport(sha256=task.sha256, inspector=INSPECTOR, faults=[_fault(task, ending)])
        if report.faults:
            return Measured(report, None, (), ending.cpu_seconds, ending.peak_mb)
        scratch = Path(task.scratch)
        mesh = scratch / DERIVED_MESH
        pictures = tuple(Picture(kind, scratch / name) for name, kind in PICTURES.items() if _is_plain(scratch / name))
        return Measured(report, mesh if _is_plain(mesh) else None, pictures, ending.cpu_seconds, ending.peak_mb)


def _is_plain(file: Path) -> bool:
    """Whether the child left such a file, and no link to somewhere else. It has ended, so nothing changes afterwards."""
    try:
        with opened_plain(file) as opened:
            return os.fstat(opened.fileno()).st_size <= MOST_WRITTEN_MB * 1024 * 1024
    except OSError:
        return False


def _dismiss(server: subprocess.Popen[bytes]) -> None:
    """Have the fork server end, and kill it where it does not."""
    assert server.stdin
    with suppress(OSError):
        server.stdin.close()  # at the end of its input it kills its child and ends
    try:
        server.wait(CLOSING_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _line(descriptor: int, seconds: float) -> bytes:
    """The next line from a pipe; empty where it ends, or nothing comes in time."""
    deadline, line = time.monotonic() + seconds, b""
    while not line.endswith(b"\n"):
        ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        more = os.read(descriptor, 65536) if ready else b""
        if not more:
            return b""
        line += more
    return line


def _read_report(task: Task) -> v1.GeometryReport | None:
    """The child's report. It was written by a process that an evil file may have taken over, so it is read with care."""
    try:
        with opened_plain(Path(task.scratch) / REPORT) as file:
            report = v1.GeometryReport.FromString(file.read(LARGEST_REPORT))
    except (OSError, DecodeError):
        return None
    if report.sha256 != task.sha256:
        return None
    # It may name no other file of the node as its own.
    report.ClearField("previews")
    if report.mesh_sha256 != task.sha256:
        report.ClearField("mesh_sha256")
    return report


def _fault(task: Task, ending: Ending) -> v1.Reason:
    if ending.how == "too_slow":
        return reason("file.too_slow", limit=Quantity(task.seconds, "s"))
    if ending.how == "too_big":
        return reason("file.too_big_to_measure", limit=Quantity(task.memory_mb, "MiB"))
    return reason("file.crashed_reader", ending.detail or "without a word")


def _sweep(scratch: Path) -> None:
    """Remove what a killed process left behind."""
    for folder in scratch.glob(f"{SCRATCH_PREFIX}*"):
        try:
            if time.time() - folder.stat().st_mtime > STALE_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
        except FileNotFoundError:  # its owner was quicker
            continue
