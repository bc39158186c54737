# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a child that opens a foreign file can and cannot do, once it has given up its rights; tried for real, in real processes."""

from __future__ import annotations

import ctypes
import errno
import faulthandler
import logging
import os
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import evil_child
import pytest
from drawings import binary_stl, box, write_3mf
from evil_child import Story, ending_of
from peers.required import peer_missing

from commonfab import v1
from registry.geometry import isolation, seccomp, zygote
from registry.geometry.sandbox import Limits, Sandbox, SandboxBroken
from registry.geometry.source import DERIVED_MESH

CAN, CANNOT, ELSE = 0, 1, 2
REFUSED = (errno.EPERM, errno.EACCES, errno.EXDEV)
"""What landlock (EACCES, and EXDEV for links) and seccomp (EPERM) say."""

linux_only = pytest.mark.skipif(
    isolation.means() != ["landlock", "seccomp"], reason=f"this kernel offers {isolation.means()} of landlock and seccomp"
)


class Place:
    """A node in small: a file that was sent in, a folder for the child, and what is none of its business."""

    def __init__(self, root: Path) -> None:
        self.file, self.scratch, self.secret, self.outside = root / "sent.stl", root / "scratch", root / "node.sqlite", root / "blobs"
        self.scratch.mkdir()
        self.outside.mkdir()
        self.file.write_bytes(b"the file")
        self.secret.write_bytes(b"the secret")

    def readable(self) -> list[Path]:
        return [self.file, Path(sys.prefix), Path(sys.base_prefix), *(Path(path) for path in sys.path if path.endswith("-packages"))]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def confined(place: Place, act: Callable[[], object]) -> int:
    """What comes of `act` in a confined child: CAN, CANNOT where it was refused for want of a right, or ELSE; below zero for a signal."""

    def confine_and_act() -> None:
        isolation.confine(place.readable(), place.scratch)
        act()

    return free(confine_and_act)


def free(act: Callable[[], object]) -> int:
    """The same without being confined: shows that it is the confinement that refuses.

    The fork of a process with threads, which other tests left here, may wait for a lock that one of them held: then another is made.
    """
    code = ELSE
    for _ in range(3):
        child = os.fork()
        if child == 0:
            try:
                signal.signal(signal.SIGALRM, signal.SIG_DFL)
                signal.alarm(60)
                act()
                code = CAN
            except OSError as error:
                code = CANNOT if error.errno in REFUSED else ELSE
            finally:
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code != -signal.SIGALRM:
            break
    return code


def syscall(number: int, *values: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(ctypes.c_long(number), *map(ctypes.c_long, values)) < 0:
        raise OSError(ctypes.get_errno(), "refused")


def numbered(name: str) -> int:
    return seccomp.FORBIDDEN[name][list(seccomp.ARCHITECTURES).index(os.uname().machine)]


@linux_only
@pytest.mark.parametrize(
    ("family", "kind"),
    [
        (socket.AF_INET, socket.SOCK_STREAM),
        (socket.AF_INET, socket.SOCK_DGRAM),
        (socket.AF_INET6, socket.SOCK_STREAM),
        (socket.AF_UNIX, socket.SOCK_STREAM),
    ],
)
def test_a_confined_child_opens_no_socket(place: Place, family: int, kind: int) -> None:
    assert confined(place, lambda: socket.socket(family, kind)) == CANNOT
    assert free(lambda: socket.socket(family, kind)) == CAN


@linux_only
def test_a_confined_child_connects_nowhere_even_by_a_socket_that_it_was_given(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as inherited:
        assert confined(place, lambda: inherited.connect(server.getsockname())) == CANNOT
        assert free(lambda: inherited.connect(server.getsockname())) == CAN


@linux_only
def test_a_confined_child_runs_no_program_and_makes_no_process(place: Place) -> None:
    assert confined(place, lambda: os.execv("/bin/true", ["true"])) == CANNOT
    assert confined(place, os.fork) == CANNOT
    assert confined(place, lambda: subprocess.run(["/bin/true"], check=True)) == CANNOT
    assert free(lambda: subprocess.run(["/bin/true"], check=True)) == CAN


@linux_only
def test_a_confined_child_reads_its_file_and_nothing_of_the_node(place: Place) -> None:
    assert confined(place, place.file.read_bytes) == CAN
    assert confined(place, place.secret.read_bytes) == CANNOT
    assert confined(place, lambda: list(place.outside.iterdir())) == CANNOT
    assert confined(place, lambda: Path(f"/proc/{os.getppid()}/environ").read_bytes()) == CANNOT
    assert confined(place, lambda: list(Path("/etc").iterdir())) == CANNOT
    assert free(place.secret.read_bytes) == CAN


@linux_only
def test_a_confined_child_writes_in_its_scratch_folder_and_nowhere_else(place: Place) -> None:
    def in_scratch() -> None:
        (place.scratch / "folder").mkdir()
        (place.scratch / "folder" / "half").write_bytes(b"x")
        (place.scratch / "folder" / "half").rename(place.scratch / "folder" / "whole")
        (place.scratch / "folder" / "whole").unlink()

    assert confined(place, in_scratch) == CAN
    for act in (
        lambda: (place.outside / "new").write_bytes(b"x"),
        lambda: place.secret.open("ab"),
        lambda: place.file.open("ab"),
        lambda: os.open(place.file, os.O_RDONLY | os.O_TRUNC),
        lambda: os.truncate(place.file, 0),
        place.file.unlink,
        lambda: place.secret.chmod(0o777),
        lambda: os.utime(place.secret),
        lambda: os.setxattr(place.file, "user.mark", b"x"),
        lambda: place.secret.rename(place.scratch / "secret"),
        lambda: Path("/dev/shm/left-behind").write_bytes(b"x"),
    ):
        assert confined(place, act) == CANNOT
    assert place.file.read_bytes() == b"the file" and place.secret.read_bytes() == b"the secret"


@linux_only
def test_a_confined_child_lays_no_traps_in_its_scratch_folder(place: Place) -> None:
    trap = place.scratch / "report.pb"
    assert confined(place, lambda: trap.symlink_to(place.secret)) == CANNOT
    assert confined(place, lambda: trap.hardlink_to(place.secret)) == CANNOT
    assert confined(place, lambda: trap.hardlink_to(place.file)) == CANNOT
    assert confined(place, lambda: os.mkfifo(trap)) == CANNOT
    assert confined(place, lambda: os.mknod(trap, stat.S_IFSOCK | 0o600)) == CANNOT
    assert not list(place.scratch.iterdir())


@linux_only
def test_a_confined_child_harms_no_other_process(place: Place) -> None:
    with subprocess.Popen(["/bin/sleep", "60"]) as other:
        PTRACE_ATTACH, SCHED_OTHER = 16, 0
        assert confined(place, lambda: os.kill(other.pid, signal.SIGTERM)) == CANNOT
        assert confined(place, lambda: syscall(numbered("ptrace"), PTRACE_ATTACH, other.pid, 0, 0)) == CANNOT
        assert confined(place, lambda: syscall(numbered("process_vm_readv"), other.pid, 0, 0, 0, 0, 0)) == CANNOT
        assert confined(place, lambda: os.pidfd_open(other.pid)) == CANNOT
        assert confined(place, lambda: os.setpriority(os.PRIO_PROCESS, other.pid, 19)) == CANNOT
        assert confined(place, lambda: os.sched_setscheduler(other.pid, SCHED_OTHER, os.sched_param(0))) == CANNOT
        tgkill, prlimit = (rule.numbers[list(seccomp.ARCHITECTURES).index(os.uname().machine)] for rule in seccomp.rules(0)[1:3])
        assert confined(place, lambda: syscall(tgkill, other.pid, other.pid, signal.SIGTERM)) == CANNOT
        assert confined(place, lambda: syscall(prlimit, other.pid, 7, 0, 0)) == CANNOT
        assert other.poll() is None
        other.kill()


@linux_only
def test_a_confined_child_leaves_no_memory_behind_and_outlives_nobody(place: Place) -> None:
    IPC_PRIVATE, PR_SET_PDEATHSIG = 0, 1
    assert confined(place, lambda: syscall(numbered("shmget"), IPC_PRIVATE, 4096, 0o1600)) == CANNOT
    assert confined(place, lambda: os.memfd_create("hidden")) == CANNOT
    libc = ctypes.CDLL(None, use_errno=True)

    def live_on() -> None:
        if libc.prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) < 0:
            raise OSError(ctypes.get_errno(), "refused")

    assert confined(place, live_on) == CANNOT and free(live_on) == CAN


@linux_only
def test_a_confined_child_still_computes_with_threads_and_its_death_is_told_truly(place: Place) -> None:
    def compute() -> None:
        import numpy as np

        sums: list[float] = []
        threads = [threading.Thread(target=lambda: sums.append(float(np.arange(10.0).sum()))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sums == [45.0] * 4

    def die() -> None:
        faulthandler.disable()  # pytest's
        os.abort()

    # In a process without numpy, so that it is imported under confinement.
    program = f"""
import sys, os
sys.path[:0] = {sys.path!r}
from pathlib import Path
from registry.geometry import isolation
isolation.confine([Path(p) for p in {[str(path) for path in place.readable()]!r}], Path({str(place.scratch)!r}))
import numpy, shapely, trimesh, lib3mf, zipfile, xml.etree.ElementTree
print(numpy.arange(4).sum())
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ended.stdout.strip(), ended.stderr) == ("6", "")
    assert confined(place, compute) == CAN
    assert confined(place, die) == -signal.SIGABRT


def run(lines: bytes, machine: str, call: tuple[int, int, tuple[int, ...]]) -> int:
    """A seccomp filter's answer to a call (architecture, number, arguments), by the rules of the kernel's packet filter machine."""
    architecture, number, arguments = call
    data = struct.pack("<iIQ6Q", number, architecture, 0, *(*arguments, 0, 0, 0, 0, 0, 0)[:6])
    program = list(struct.iter_unpack("<HBBI", lines))
    at = accumulator = 0
    while True:
        code, yes, no, value = program[at]
        at += 1
        match code:
            case seccomp.LOAD:
                (accumulator,) = struct.unpack_from("<I", data, value)
            case seccomp.AND:
                accumulator &= value
            case seccomp.EQUAL:
                at += yes if accumulator == value else no
            case seccomp.AT_LEAST:
                at += yes if accumulator >= value else no
            case seccomp.RETURN:
                return int(value)
            case _:
                raise AssertionError(code)


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_answers_every_call_as_its_tables_say(machine: str) -> None:
    column, architecture, lines = (
        list(seccomp.ARCHITECTURES).index(machine),
        seccomp.ARCHITECTURES[machine],
        seccomp.program_for(machine, 77),
    )
    refused, unknown = seccomp.FAIL | errno.EPERM, seccomp.FAIL | errno.ENOSYS
    expected = {numbers[column]: refused for numbers in seccomp.FORBIDDEN.values()}
    expected |= {numbers[column]: unknown for numbers in seccomp.UNKNOWN.values()}
    by_argument = {rule.numbers[column] for rule in seccomp.rules(77)}
    for number in set(range(600)) - by_argument:
        assert run(lines, machine, (architecture, number, ())) == expected.get(number, seccomp.ALLOW), number
    for rule in seccomp.rules(77):
        if rule.numbers[column] == seccomp.NONE:
            continue
        listed, other = (seccomp.ALLOW, refused) if rule.allowed else (refused, seccomp.ALLOW)
        for value in rule.values:
            assert run(lines, machine, (architecture, rule.numbers[column], (0,) * rule.argument + (value,))) == listed
        assert run(lines, machine, (architecture, rule.numbers[column], (0,) * rule.argument + (12345678 & rule.mask & ~0o1000,))) == other
    another = seccomp.ARCHITECTURES["aarch64" if machine == "x86_64" else "x86_64"]
    assert run(lines, machine, (another, 0, ())) == seccomp.KILL_PROCESS
    assert max(struct.iter_unpack("<HBBI", lines))[0] <= 0xFF and len(lines) // 8 < 4096


def test_no_call_through_the_other_numbers_of_a_64_bit_machine() -> None:
    lines = seccomp.program_for("x86_64", 77)
    for number in (0, 41, 59):
        answer = run(lines, "x86_64", (seccomp.ARCHITECTURES["x86_64"], seccomp.X32_BIT | number, ()))
        assert answer == seccomp.FAIL | errno.EPERM


def path_with(folder: Path, bwrap: str) -> str:
    """A PATH on which `bwrap` is a script, or is not at all where that is empty; the system's other programs stay."""
    folder.mkdir()
    for program in ("true", "sh", "sleep"):
        (folder / program).symlink_to(str(shutil.which(program)))
    if bwrap:
        (folder / "bwrap").write_text(bwrap, encoding="utf-8")
        (folder / "bwrap").chmod(0o755)
    return str(folder)


@pytest.fixture
def sent(tmp_path: Path) -> Path:
    path = tmp_path / "sent.3mf"
    write_3mf(path, box(10, 20, 30))
    return path


def confinement_of(root: Path, file: Path) -> str:
    with Sandbox(Limits(60, 4096), root / "scratch") as sandbox:
        sandbox.start()
        with sandbox.measure(file, "b" * 64, "") as found:
            assert found.report.volume_mm3 == pytest.approx(6000) and not found.report.faults
            assert found.derived_mesh is not None and {picture.media_type for picture in found.pictures} >= {"image/png"}
        return sandbox.confinement


@linux_only
def test_without_bubblewrap_a_file_is_measured_under_landlock_and_seccomp(
    tmp_path: Path, sent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", path_with(tmp_path / "bin", bwrap=""))
    assert confinement_of(tmp_path, sent) == "landlock and seccomp"


@linux_only
@pytest.mark.parametrize("script", ["#!/bin/sh\nexit 1\n", "no program at all"])
def test_a_bubblewrap_that_does_not_work_here_is_left_aside(
    tmp_path: Path, sent: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    monkeypatch.setenv("PATH", path_with(tmp_path / "bin", script))
    assert confinement_of(tmp_path, sent) == "landlock and seccomp"


def test_with_bubblewrap_the_file_system_cannot_be_written_and_the_network_is_gone(tmp_path: Path, sent: Path) -> None:
    scratch, outside = tmp_path / "scratch", tmp_path / "outside"
    scratch.mkdir()
    wrapped = isolation.bubblewrapped(["/bin/sh", "-c"], scratch)
    if wrapped[0] == "/bin/sh":
        peer_missing("bubblewrap is not on the PATH, or may not make namespaces here (Debian: apt install bubblewrap)")
    told = confinement_of(tmp_path, sent)
    assert told == " and ".join(["bubblewrap", *isolation.means()])
    tried = subprocess.run(
        [*wrapped, f"echo x > {outside}; echo x > {scratch}/inside; cat /proc/net/dev"], capture_output=True, check=False
    )
    assert not outside.exists() and (scratch / "inside").exists()
    devices = [line.split(b":")[0].strip() for line in tried.stdout.splitlines() if b":" in line]
    assert devices == [b"lo"]


def mapped_by(process: int) -> bytes:
    """The files that a process and its children have in memory."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="utf-8").split()
    return Path(f"/proc/{process}/maps").read_bytes() + b"".join(mapped_by(int(child)) for child in children)


def test_a_sandbox_says_how_files_are_confined_as_soon_as_it_is_started(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with Sandbox(Limits(60, 4096), tmp_path / "scratch") as sandbox:
        sandbox.start()
        assert sandbox._server is not None
        mapped = mapped_by(sandbox._server.pid)
        assert b"/python" in mapped and b"/numpy/" not in mapped and b"/OCP" not in mapped, "nothing heavy was loaded for it"
        assert sandbox.confinement and f"confined by {sandbox.confinement}" in caplog.text


def test_a_sandbox_that_cannot_start_says_so_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    with Sandbox(Limits(60, 4096), tmp_path / "scratch") as sandbox, pytest.raises(SandboxBroken):
        sandbox.start()


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """A sent file whose child was taken over; what it does is yet to be said."""
    scratch, file = tmp_path / "inspect-1", tmp_path / "sent.stl"
    scratch.mkdir()
    file.write_bytes(binary_stl(box(1, 1, 1)))
    return Story(evil_child.let_go_and_stay, zygote.Task(str(file), "b" * 64, "mm", str(scratch), seconds=30, memory_mb=4096))


def test_a_child_that_only_seems_to_have_ended_is_killed(story: Story) -> None:
    story = replace(story, task=replace(story.task, seconds=3600))  # so that it is not killed for taking too long
    assert ending_of(story).how not in ("measured", "too_slow")


def test_a_child_that_dies_of_a_signal_without_a_name_does_not_end_the_fork_server(story: Story) -> None:
    ending = ending_of(replace(story, act=evil_child.die_of_a_signal_without_a_name, confinement=evil_child.FREE))
    assert (ending.how, ending.detail) == ("crashed", f"signal {signal.SIGRTMIN + 3}")


def test_a_child_that_fills_the_disk_with_many_files_is_stopped(story: Story) -> None:
    ending = ending_of(replace(story, act=evil_child.fill_the_disk, most_written_mb=8))
    assert (ending.how, ending.detail) == ("too_big", "")


def test_a_child_that_prints_without_end_is_stopped_by_the_size_of_its_log(story: Story) -> None:
    ending = ending_of(replace(story, act=evil_child.print_without_end, most_written_mb=8))
    assert ending.how == "too_big", ending
    assert Path(story.task.scratch, zygote.READER_LOG).stat().st_size <= 8 * 1024 * 1024


def test_a_child_that_cannot_be_confined_opens_nothing_and_it_is_the_machines_fault(story: Story) -> None:
    opened = Path(story.task.scratch, "opened")
    ending = ending_of(replace(story, act=opened.touch, confinement=evil_child.REFUSED))
    assert ending.how == "machine" and "the kernel says no" in ending.detail
    assert not opened.exists()


@pytest.mark.parametrize("trap", ["pipe", "link", "second name", "folder"])
def test_whatever_a_child_leaves_in_place_of_its_log_is_not_opened(story: Story, tmp_path: Path, trap: str) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the password is swordfish", encoding="utf-8")
    lay = partial(evil_child.leave_a_trap, Path(story.task.scratch, zygote.READER_LOG), secret, trap)
    ending = ending_of(replace(story, act=lay, confinement=evil_child.FREE))
    assert (ending.how, ending.detail) == ("crashed", "")


class Forged(Sandbox):
    """A sandbox whose child was taken over: what it leaves in the scratch folder is `leave`'s doing. Looking at it is the real thing."""

    def __init__(self, root: Path, leave: Callable[[Path], object]) -> None:
        super().__init__(Limits(60, 4096), root / "scratch")
        self._leave = leave

    def _ask(self, task: zygote.Task) -> zygote.Ending:
        self._leave(Path(task.scratch))
        return zygote.Ending("measured")


def left(root: Path, leave: Callable[[Path], object]) -> tuple[v1.GeometryReport, bytes | None, int]:
    """What the service takes from the scratch folder: the report, the mesh, the number of pictures."""
    file = root / "sent.stl"
    file.write_bytes(b"sent")
    with Forged(root, leave) as sandbox, sandbox.measure(file, "b" * 64, "") as found:
        mesh = None if found.derived_mesh is None else found.derived_mesh.read_bytes()
        return found.report, mesh, len(found.pictures)


def write_report(scratch: Path, **fields: object) -> None:
    (scratch / zygote.REPORT).write_bytes(v1.GeometryReport(sha256="b" * 64, **fields).SerializeToString())  # type: ignore[arg-type]


def test_a_pipe_in_place_of_the_report_does_not_hold_the_service_up(tmp_path: Path) -> None:
    report, _, _ = left(tmp_path, lambda scratch: os.mkfifo(scratch / zygote.REPORT))
    assert [fault.code for fault in report.faults] == ["file.crashed_reader"]


@pytest.mark.parametrize("how", [Path.symlink_to, Path.hardlink_to])
def test_a_link_in_place_of_a_mesh_gives_nothing_of_the_node_away(tmp_path: Path, how: Callable[[Path, Path], None]) -> None:
    secret = tmp_path / "node.sqlite"
    secret.write_bytes(b"the secret")

    def leave(scratch: Path) -> None:
        write_report(scratch)
        how(scratch / DERIVED_MESH, secret)
        how(scratch / "preview.png", secret)
        os.mkfifo(scratch / "preview.glb")

    report, mesh, pictures = left(tmp_path, leave)
    assert (mesh, pictures) == (None, 0) and not report.faults


def test_a_mesh_larger_than_the_child_may_write_is_not_taken(tmp_path: Path) -> None:
    def leave(scratch: Path) -> None:
        write_report(scratch)
        with (scratch / DERIVED_MESH).open("wb") as file:
            file.truncate((zygote.MOST_WRITTEN_MB + 1) * 1024 * 1024)  # takes no room on the disk

    assert left(tmp_path, leave)[1] is None


def test_a_report_names_no_other_file_of_the_node_as_its_own(tmp_path: Path) -> None:
    report, _, _ = left(tmp_path, lambda scratch: write_report(scratch, mesh_sha256="c" * 64, previews=[v1.Preview(sha256="c" * 64)]))
    assert not report.mesh_sha256 and not report.previews


def test_what_a_child_leaves_in_the_scratch_folder_is_never_imported(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    (scratch / "numpy").mkdir(parents=True)
    (scratch / "numpy" / "__init__.py").write_text(f"open({str(tmp_path / 'owned')!r}, 'w')", encoding="utf-8")
    file = tmp_path / "box.stl"
    file.write_bytes(binary_stl(box(10, 20, 30)))
    with Sandbox(Limits(60, 4096), scratch) as sandbox, sandbox.measure(file, "b" * 64, "") as found:
        assert found.report.volume_mm3 == pytest.approx(6000)
    assert not (tmp_path / "owned").exists()
