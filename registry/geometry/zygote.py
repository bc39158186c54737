# SPDX-License-Identifier: AGPL-3.0-or-later
"""The fork server of the sandbox: `python -m registry.geometry.zygote`, started by `sandbox.Sandbox` and by nothing else.

It loads the heavy libraries once for each kind of file, and forks a limited child for every single file. It never opens a file itself
beyond its first bytes, so no file can harm it; what a file does, it does to the child.

It speaks in lines of JSON: a `Task` comes in on standard input, an `Ending` goes out on what was standard output. At the end of its input
it kills the child, if any, and ends.
"""

from __future__ import annotations

import ctypes
import errno
import gc
import importlib
import json
import os
import resource
import select
import signal
import stat
import sys
import time
import traceback
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import BinaryIO

from registry.geometry import isolation

REPORT = "report.pb"
"""The name of the serialized report in the scratch folder."""
READER_LOG = "reader.log"
"""What the child and its libraries print."""

FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ENFILE)
"""Errors of this machine and not of the file: to be tried again later."""

MOST_WRITTEN_MB = 1024
"""What the child may write in all. Our own choice: the mesh of twenty million triangles, beyond all that memory lets it measure."""
DISK_SECONDS = 0.5
"""How often its folder is looked at."""

EXIT_MEMORY, EXIT_MACHINE, EXIT_BROKEN = 10, 11, 12


@dataclass(frozen=True)
class Task:
    """One file to measure and how much it may take."""

    path: str
    sha256: str
    unit: str
    scratch: str
    seconds: float
    memory_mb: int


@dataclass(frozen=True)
class Ending:
    """How the child ended: "measured", "too_slow", "too_big", "crashed", or "machine" for an error not the file's; and what it used.

    `peak_mb` is all of its resident memory in MiB, the libraries that it shares with the fork server included.
    """

    how: str
    detail: str = ""
    cpu_seconds: float = 0.0
    peak_mb: float = 0.0


def main() -> None:
    """Say by which means children are confined, then serve tasks until standard input ends."""
    answers = os.dup(1)
    os.write(answers, json.dumps(isolation.means()).encode() + b"\n")
    os.dup2(2, 1)  # libraries print to standard output as they like
    waiting = b""
    while True:
        line, newline, rest = waiting.partition(b"\n")
        if newline:
            waiting = rest
            try:
                ending = _serve(Task(**json.loads(line)))
            except OSError as error:  # no process to be had, or the file cannot be opened
                ending = Ending("machine", str(error))
            os.write(answers, json.dumps(asdict(ending)).encode() + b"\n")
            continue
        more = os.read(0, 65536)
        if not more:
            return
        waiting += more


def _serve(task: Task) -> Ending:
    _load_for(Path(task.path))
    gc.collect()
    gc.freeze()  # so that the child's collector does not copy pages that it shares with us
    # The child holds the write end; the read end reaches its end when the child has ended, however that came.
    alive, held = os.pipe()
    child = os.fork()
    if child == 0:
        _be_the_child(task, held)
    os.close(held)
    try:
        killed = _watch(child, alive, task)
    finally:
        os.close(alive)
    _, status, used = os.wait4(child, 0)
    return replace(_ending(status, killed, task), cpu_seconds=used.ru_utime + used.ru_stime, peak_mb=used.ru_maxrss / 1024)


def _load_for(path: Path) -> None:
    """Import what the file will probably need, judged by its first bytes, so that the children need not."""
    with path.open("rb") as file:
        start = file.read(64).lstrip()
    family = "solids" if start.startswith((b"ISO-10303-21", b"DBRep_DrawableShape", b"CASCADE")) else "meshes"
    for module in ("measure", f"{family}.measuring", "meshes.stl", "preview.pictures", "preview.glb"):
        importlib.import_module(f"registry.geometry.{module}")


def _watch(child: int, alive: int, task: Task) -> str:
    """Wait until the child has ended, or kill it when its time is up or it has filled its folder. Says why it was killed, if it was.

    The child is still ours to reap, so its number cannot have gone to another process.
    """
    deadline, ready = time.monotonic() + task.seconds, list[int]()
    most = MOST_WRITTEN_MB * 1024 * 1024
    while not ready and (left := deadline - time.monotonic()) > 0 and _bytes_in(Path(task.scratch)) <= most:
        ready, _, _ = select.select([alive, 0], [], [], min(left, DISK_SECONDS))
    # Also where it seems to have ended: a child that an evil file took over may have let go of its end of the pipe, and lives.
    _kill_group(child)
    if 0 in ready:  # nothing is asked of us during a task, so this is the end of the input: whoever asked is gone
        os.waitpid(child, 0)
        os._exit(0)
    if ready:
        return ""
    return "too_slow" if time.monotonic() >= deadline else "too_big"


def _bytes_in(scratch: Path) -> int:
    """What the child has written so far. A limit of the kernel counts each file, and not how many there are."""
    total = 0
    for folder, _, names in os.walk(scratch):
        for name in names:
            with suppress(OSError):  # removed in between
                total += Path(folder, name).lstat().st_blocks * 512
    return total


def _kill_group(child: int) -> None:
    for kill in (os.killpg, os.kill):  # the second in case it had not yet made its group
        try:
            kill(child, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _ending(status: int, killed: str, task: Task) -> Ending:
    if killed:
        return Ending(killed)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        # SIGKILL that did not come from us comes from a kernel that is out of memory.
        how = {"SIGXCPU": "too_slow", "SIGKILL": "too_big", "SIGXFSZ": "too_big"}.get(_name(number), "crashed")
        return Ending(how, _name(number))
    code = os.WEXITSTATUS(status)
    how = {0: "measured", EXIT_MEMORY: "too_big", EXIT_MACHINE: "machine"}.get(code, "crashed")
    return Ending(how, "" if code == 0 else _last_words(Path(task.scratch)))


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # those that are kept for programs have no names
        return f"signal {number}"


def _last_words(scratch: Path) -> str:
    """The last line that the child printed, as text that can be shown."""
    try:
        with opened_plain(scratch / READER_LOG) as log:
            log.seek(-min(4096, log.seek(0, os.SEEK_END)), os.SEEK_END)
            lines = log.read(4096).decode(errors="replace").strip().splitlines()
    except OSError:
        return ""
    return "".join(filter(str.isprintable, lines[-1]))[:200] if lines else ""


def opened_plain(file: Path) -> BinaryIO:
    """A file that the child left, for reading.

    An evil file may have taken the child over, so what looks like a file may be a link to what is not the child's (a second name of it
    too), or a pipe that whoever opens it waits for. Errors: `OSError` where it is anything but a plain file with one name.
    """
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        os.close(descriptor)
        raise OSError(errno.EINVAL, "no plain file", str(file))
    return os.fdopen(descriptor, "rb")


def _be_the_child(task: Task, held: int) -> None:
    """Measure one file and end. Never returns."""
    code = EXIT_BROKEN
    try:
        _limit(task, held)
        code = EXIT_MACHINE  # whoever cannot be confined opens no file, and it is not the file's fault
        isolation.confine(_readable(task), Path(task.scratch))
        code = EXIT_BROKEN
        _measure(task)
        code = 0
    except MemoryError:
        code = EXIT_MEMORY
    except OSError as error:
        if error.errno in (errno.EFBIG, errno.ENOMEM):
            code = EXIT_MEMORY
        elif error.errno in FULL_DISK:
            code = EXIT_MACHINE
        traceback.print_exc()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _limit(task: Task, held: int) -> None:
    """Take away from this process what measuring one file does not need."""
    os.setsid()
    os.umask(0o077)
    os.chdir(task.scratch)
    log = os.open(READER_LOG, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for ours, theirs in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(ours, theirs)
    os.closerange(3, held)
    os.closerange(held + 1, 65536)
    _die_with_parent()
    cpu = int(task.seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 1))  # a signal that tells why, a second before the kill that does not
    memory = task.memory_mb * 1024 * 1024
    for what, most in (
        (resource.RLIMIT_AS, _loaded_bytes() + memory),
        (resource.RLIMIT_FSIZE, min(task.memory_mb, MOST_WRITTEN_MB) * 1024 * 1024),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 64),
    ):
        resource.setrlimit(what, (most, most))


def _readable(task: Task) -> list[Path]:
    """The file, and where Python and its libraries lie."""
    packages = [Path(place) for place in sys.path if place.endswith(("-packages", "/lib-dynload"))]
    ours = [Path(sys.modules[name].__file__ or "").parent for name in ("registry", "commonfab")]
    return [Path(task.path), Path(sys.prefix), Path(sys.base_prefix), *packages, *ours]


def _loaded_bytes() -> int:
    """Address space of the loaded libraries. It does not count against a file: what an earlier file had loaded must not matter."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0])
    except OSError:  # not Linux
        return 0
    return pages * resource.getpagesize()


def _die_with_parent() -> None:
    """On Linux: be killed when the fork server dies."""
    if sys.platform != "linux":
        return
    PR_SET_PDEATHSIG = 1  # from <linux/prctl.h>
    parent = os.getppid()
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before we asked
        os._exit(EXIT_MACHINE)


def _measure(task: Task) -> None:
    """Write the report, then draw: a body whose picture takes too much still has its report."""
    from registry.geometry.measure import draw, measure

    scratch = Path(task.scratch)
    outcome = measure(Path(task.path), task.sha256, task.unit, scratch)
    half_written = Path(f"{REPORT}.part")
    half_written.write_bytes(outcome.report.SerializeToString())
    half_written.rename(REPORT)
    draw(outcome, scratch)


if __name__ == "__main__":
    main()
