# SPDX-License-Identifier: AGPL-3.0-or-later
"""The sandbox: whatever a file does, it does to a child process that nobody needs."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import lib3mf
import pytest
from drawings import binary_stl, box, write_3mf, write_step

from commonfab import v1
from registry.geometry.sandbox import Limits, Sandbox, SandboxBroken

PATIENCE_SECONDS = 60.0


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.stl"
    path.write_bytes(binary_stl(box(10, 20, 30)))
    return path


@pytest.fixture
def huge(tmp_path: Path) -> Path:
    """A file of a few kilobytes that describes nearly ten million triangles: 900 places of 900 places of a box."""
    path = tmp_path / "huge.3mf"
    wrapper = lib3mf.get_wrapper()
    write_3mf(path, box(1, 1, 1))
    model = wrapper.CreateModel()
    model.QueryReader("3mf").ReadFromFile(str(path))
    items = model.GetBuildItems()
    items.MoveNext()
    inner = items.GetCurrent().GetObjectResource()
    model.RemoveBuildItem(items.GetCurrent())
    for level in range(2):
        outer = model.AddComponentsObject()
        for step in range(900):
            outer.AddComponent(inner, wrapper.GetTranslationTransform(*((2 * step, 0, 0) if level else (0, 2 * step, 0))))
        inner = outer
    model.AddBuildItem(inner, wrapper.GetIdentityTransform())
    model.QueryWriter("3mf").WriteToFile(str(path))
    return path


def opened(tmp_path: Path, seconds: float = PATIENCE_SECONDS, memory_mb: int = 4096) -> Sandbox:
    return Sandbox(Limits(seconds, memory_mb), tmp_path / "scratch")


def measured(sandbox: Sandbox, path: Path) -> v1.GeometryReport:
    with sandbox.measure(path, "b" * 64, "") as found:
        return found.report


def is_well(sandbox: Sandbox, path: Path) -> bool:
    report = measured(sandbox, path)
    return report.volume_mm3 == pytest.approx(6000) and not report.faults


def server_of(sandbox: Sandbox) -> int:
    """The fork server: what the sandbox started, or the child of the bubblewrap that it started."""
    assert sandbox._server is not None
    started = sandbox._server.pid
    return child_of(started) if b"bwrap" in Path(f"/proc/{started}/cmdline").read_bytes() else started


def child_of(process: int) -> int:
    """The child of a process, once it has one."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        children = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="utf-8").split()
        if children:
            return int(children[0])
        time.sleep(0.005)
    raise AssertionError("the fork server has no child")


def hard_limits(process: Path) -> dict[str, str]:
    """What a process may not go beyond, by the names of /proc."""
    lines = (process / "limits").read_text(encoding="utf-8").splitlines()[1:]
    return {line[:26].strip(): line[26:].split()[1] for line in lines}


def open_files(process: Path) -> set[str]:
    """What a process has open at the moment; it goes on opening and closing files while we look."""
    files = set()
    for entry in (process / "fd").iterdir():
        with suppress(FileNotFoundError):  # closed in between
            files.add(str(entry.readlink()))
    return files


def is_gone(process: int) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):  # the second where it went while we read
            return True
        time.sleep(0.005)
    return False


class Background:
    """Measures a file in a thread, as a worker does, while the test interferes."""

    def __init__(self, sandbox: Sandbox, path: Path) -> None:
        self.report: v1.GeometryReport | None = None
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._run, args=(sandbox, path))
        self._thread.start()

    def _run(self, sandbox: Sandbox, path: Path) -> None:
        try:
            self.report = measured(sandbox, path)
        except Exception as error:
            self.error = error

    def ended(self) -> Background:
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive()
        return self


@pytest.fixture
def roomy(tmp_path: Path, small: Path) -> Iterator[Sandbox]:
    """A sandbox whose fork server is running."""
    with opened(tmp_path) as sandbox:
        assert is_well(sandbox, small)
        yield sandbox


@pytest.mark.slow
def test_a_file_that_takes_too_long_is_stopped_and_the_next_is_measured(tmp_path: Path, small: Path, huge: Path) -> None:
    with opened(tmp_path) as sandbox:
        assert is_well(sandbox, small)
        sandbox._limits = Limits(1.0, 4096)  # for the huge one alone: a busy machine may take a second over a small one
        report = measured(sandbox, huge)
        sandbox._limits = Limits(PATIENCE_SECONDS, 4096)
        assert [fault.code for fault in report.faults] == ["file.too_slow"] and "1 s" in report.faults[0].message
        server = server_of(sandbox)
        assert is_well(sandbox, small) and server_of(sandbox) == server


def test_a_file_that_needs_too_much_memory_is_stopped_and_the_next_is_measured(tmp_path: Path, small: Path, huge: Path) -> None:
    with opened(tmp_path, memory_mb=400) as sandbox:
        report = measured(sandbox, huge)
        assert [fault.code for fault in report.faults] == ["file.too_big_to_measure"] and "400 MiB" in report.faults[0].message
        server = server_of(sandbox)
        assert is_well(sandbox, small) and server_of(sandbox) == server


@pytest.mark.slow
def test_the_modelling_kernel_does_not_count_against_a_files_memory(tmp_path: Path, small: Path) -> None:
    write_step(tmp_path / "a.step", 10, 10, 10)
    with opened(tmp_path, memory_mb=400) as sandbox:
        assert not measured(sandbox, tmp_path / "a.step").faults
        assert is_well(sandbox, small)


def test_a_reader_that_crashes_is_reported_and_the_next_file_is_measured(roomy: Sandbox, small: Path, huge: Path) -> None:
    server = server_of(roomy)
    background = Background(roomy, huge)
    os.kill(child_of(server), signal.SIGSEGV)
    report = background.ended().report
    assert report is not None and [fault.code for fault in report.faults] == ["file.crashed_reader"]
    assert "SIGSEGV" in report.faults[0].message
    assert is_well(roomy, small) and server_of(roomy) == server


def test_a_fork_server_that_dies_takes_its_child_along_and_is_started_anew(roomy: Sandbox, small: Path) -> None:
    first = server_of(roomy)
    os.kill(first, signal.SIGKILL)
    assert is_well(roomy, small) and server_of(roomy) != first


@pytest.mark.slow
def test_a_file_under_way_is_measured_again_when_the_fork_server_is_killed(roomy: Sandbox, tmp_path: Path) -> None:
    write_step(tmp_path / "a.step", 10, 10, 10)
    first = server_of(roomy)
    background = Background(roomy, tmp_path / "a.step")
    child = child_of(first)
    os.kill(first, signal.SIGKILL)
    assert is_gone(child)
    report = background.ended().report
    assert report is not None and not report.faults and report.solids == 1


def test_closing_ends_what_is_being_measured(roomy: Sandbox, huge: Path) -> None:
    server = server_of(roomy)
    background = Background(roomy, huge)
    child = child_of(server)
    roomy.close()
    assert isinstance(background.ended().error, SandboxBroken)
    assert is_gone(child) and is_gone(server)


def test_the_child_has_limits_and_nothing_of_the_node(tmp_path: Path, small: Path, huge: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMMONFAB_DATABASE_URL", "postgresql://secret")
    with opened(tmp_path) as sandbox, (tmp_path / "of-the-node").open("w") as ours:
        os.set_inheritable(ours.fileno(), True)
        assert is_well(sandbox, small)
        background = Background(sandbox, huge)
        child = Path(f"/proc/{child_of(server_of(sandbox))}")
        while (limits := hard_limits(child))["Max open files"] != "64":
            time.sleep(0.005)  # it is still taking its rights away
        assert b"secret" not in (child / "environ").read_bytes()
        files = open_files(child)
        assert str(tmp_path / "of-the-node") not in files and not any("socket" in file for file in files)
        assert (child / "cwd").readlink().parent == tmp_path / "scratch"
        assert limits["Max core file size"] == "0" and limits["Max cpu time"] == str(int(PATIENCE_SECONDS) + 2)
        assert limits["Max file size"] == str(1024 * 1024 * 1024)
        assert 4096 * 1024 * 1024 <= int(limits["Max address space"]) < 6000 * 1024 * 1024
        sandbox.close()
        background.ended()


def test_nothing_stays_in_the_scratch_folder(roomy: Sandbox, tmp_path: Path) -> None:
    write_3mf(tmp_path / "a.3mf", box(10, 10, 10))
    with roomy.measure(tmp_path / "a.3mf", "b" * 64, "") as found:
        mesh = found.derived_mesh
        assert mesh is not None and mesh.is_file()
    assert not list((tmp_path / "scratch").iterdir())


def test_what_a_killed_worker_left_behind_is_swept_away_a_day_later(tmp_path: Path) -> None:
    old, new = tmp_path / "scratch" / "inspect-old", tmp_path / "scratch" / "inspect-new"
    for folder in (old, new):
        folder.mkdir(parents=True)
        (folder / "mesh.stl").write_bytes(b"half")
    two_days_ago = time.time() - 2 * 24 * 3600
    os.utime(old, (two_days_ago, two_days_ago))
    opened(tmp_path).close()
    assert not old.exists() and new.exists()


def test_a_sandbox_that_cannot_start_is_the_machines_fault_and_not_the_files(
    tmp_path: Path, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    with opened(tmp_path) as sandbox, pytest.raises(SandboxBroken):
        measured(sandbox, small)


def test_a_file_that_is_not_there_is_an_error_and_not_a_report(roomy: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        measured(roomy, tmp_path / "nowhere.stl")
