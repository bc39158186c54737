# SPDX-License-Identifier: AGPL-3.0-or-later
"""Thousands of spoilt files of every format: each is measured or refused with a reason, and nothing else ever happens.

Most are measured many to a child, for speed. A file that kills or holds up its child is given to the real sandbox, which must make a report
of it.
"""

from __future__ import annotations

import faulthandler
import json
import math
import os
import resource
import signal
import struct
import time
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pytest
from effort import examples
from mutations import mutated, seeds

from commonfab import v1
from registry.geometry.measure import Outcome, load_family, measure
from registry.geometry.sandbox import Limits, Sandbox

SECONDS_EACH = 2.0
"""Of the processor, so that a busy machine finds the same files slow."""
SECONDS_ASLEEP = 60.0
"""By the clock on the wall, for what waits and does nothing: a fork of a process with threads may hold a lock that nobody lets go of."""
MEMORY_MB = 2048
SPOILT_FILES = examples(2_000)

SHARES = MappingProxyType({"step": 1, "igs": 1, "brep": 1, "dxf": 2, "r12 dxf": 2, "binary dxf": 2})
"""Of kinds that take their libraries tens of milliseconds a file; each other kind has 4."""


@dataclass(frozen=True)
class Result:
    """What came of one spoilt file: "measured", "refused", "memory", "died", or what is wrong."""

    kind: str
    number: int
    what: str


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, bytes]:
    for family in ("meshes", "solids", "drawings", "toolpaths"):
        load_family(family)
    return seeds(tmp_path_factory.mktemp("seeds"))


def shares(files: Mapping[str, bytes], total: int) -> dict[str, int]:
    """How many mutations of each kind, `total` in all."""
    weights = {kind: SHARES.get(kind, 4) for kind in files}
    counts = {kind: total * weight // sum(weights.values()) for kind, weight in weights.items()}
    first = next(iter(files))
    counts[first] += total - sum(counts.values())
    return counts


def wrong_with(outcome: Outcome) -> str:
    """What a report lacks that says neither what a file is nor what is wrong with it; empty if nothing."""
    report = outcome.report
    if report.faults:
        return ""
    size = (report.size_mm.x, report.size_mm.y, report.size_mm.z)
    if not all(map(math.isfinite, (*size, report.volume_mm3))):
        return f"figures that are no numbers: {size}, {report.volume_mm3}"
    if max(size) <= 0 and not set(report.toolpath.axes) & set("ABC"):
        return "a success without a size"
    if not (report.triangles or report.HasField("drawing") or report.HasField("toolpath") or report.solids):
        return "a success without a shape"
    return ""


def look(path: Path, scratch: Path) -> str:
    try:
        outcome = measure(path, "b" * 64, "", scratch)
    except MemoryError:
        return "memory"
    except Exception as error:
        places = [frame for frame in traceback.extract_tb(error.__traceback__) if "registry/" in frame.filename]
        return f"{type(error).__name__}: {str(error)[:80]} at {places[-1].filename.rpartition('geometry/')[2]}:{places[-1].lineno}"
    return wrong_with(outcome) or ("refused" if outcome.report.faults else "measured")


def measure_many(kind: str, files: Mapping[str, bytes], numbers: range, folder: Path, told: int) -> None:
    """Measure mutations one after the other in this process, which dies of one that takes too long."""
    loaded = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0]) * resource.getpagesize()
    most = loaded + MEMORY_MB * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faulthandler.disable()  # pytest's; a death here is expected
    quiet = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(quiet, descriptor)
    for number in (signal.SIGPROF, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)
    path = folder / "spoilt"
    for number in numbers:
        path.write_bytes(mutated(kind, files, number))
        signal.setitimer(signal.ITIMER_PROF, SECONDS_EACH)
        signal.setitimer(signal.ITIMER_REAL, SECONDS_ASLEEP)
        what = look(path, folder)
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        os.write(told, json.dumps(what).encode() + b"\n")


def in_children(kind: str, files: Mapping[str, bytes], count: int, folder: Path) -> Iterator[Result]:
    """The results of the mutations 0 to `count`. Whatever a child did not come back from has "died"; the next child goes on after it."""
    done = 0
    while done < count:
        told, tell = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                measure_many(kind, files, range(done, count), folder, tell)
            except BaseException:  # a mistake of this test, and no file's doing
                os.write(tell, json.dumps(traceback.format_exc()).encode() + b"\n")
            finally:
                os._exit(0)
        os.close(tell)
        with os.fdopen(told, "rb") as answers:
            for line in answers:
                yield Result(kind, done, json.loads(line))
                done += 1
        os.waitpid(child, 0)
        if done < count:
            yield Result(kind, done, "died")
            done += 1


def fuzzed(files: Mapping[str, bytes], total: int, folder: Path) -> list[Result]:
    return [result for kind, count in shares(files, total).items() for result in in_children(kind, files, count, folder)]


def in_the_sandbox(died: list[Result], files: Mapping[str, bytes], folder: Path) -> list[Result]:
    """Those of the files that killed their child whose report by the real sandbox says neither what they are nor what is wrong."""
    path = folder / "deadly"
    bad: list[Result] = []
    with Sandbox(Limits(SECONDS_EACH, MEMORY_MB), folder / "scratch") as sandbox:
        for result in died:
            path.write_bytes(mutated(result.kind, files, result.number))
            with sandbox.measure(path, "b" * 64, "") as found:
                if wrong := wrong_with(Outcome(found.report)):
                    bad.append(Result(result.kind, result.number, wrong))
    return bad


def prove(files: Mapping[str, bytes], total: int, folder: Path) -> list[Result]:
    results = fuzzed(files, total, folder)
    assert len(results) == total
    bad = [result for result in results if result.what not in ("measured", "refused", "memory", "died")]
    bad += in_the_sandbox([result for result in results if result.what == "died"], files, folder)
    assert not bad, "\n".join(map(str, bad))
    return results


def test_the_files_that_are_spoilt_are_whole_to_begin_with(files: Mapping[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / "whole"
    for kind, data in files.items():
        path.write_bytes(data)
        assert look(path, tmp_path) == "measured", kind


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_thousands_of_spoilt_files_are_measured_or_refused(files: Mapping[str, bytes], tmp_path: Path) -> None:
    results = prove(files, SPOILT_FILES, tmp_path)
    for kind in files:
        assert {result.what for result in results if result.kind == kind} >= {"measured", "refused"}, kind


def test_the_same_number_always_spoils_a_file_in_the_same_way(files: Mapping[str, bytes]) -> None:
    assert [mutated(kind, files, 7) for kind in files] == [mutated(kind, files, 7) for kind in files]
    assert len({mutated("stl", files, number) for number in range(100)}) > 80


def test_a_success_without_a_shape_would_be_noticed() -> None:
    empty = v1.GeometryReport()
    assert wrong_with(Outcome(empty)) == "a success without a size"
    empty.size_mm.CopyFrom(v1.Size(x=math.nan))
    assert "no numbers" in wrong_with(Outcome(empty))


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("encoding.amf", b'<?xml version="1.0" encoding="utf-99"?><amf><object/></amf>', "file.unreadable"),
        ("nowhere.gcode", b"G21\nG90\nG0 X0 Y0\nG1 X0 Y0 F100\nM3 S100\nM5\nM30\n", "gcode.no_motion"),
        ("point.off", b"OFF\n3 1 0\n1 1 1\n1 1 1\n1 1 1\n3 0 1 2\n", "mesh.no_volume"),
    ],
)
def test_what_spoilt_files_have_taught_us(tmp_path: Path, name: str, data: bytes, code: str) -> None:
    (tmp_path / name).write_bytes(data)
    report = measure(tmp_path / name, "b" * 64, "", tmp_path).report
    assert [fault.code for fault in report.faults] == [code]


def test_a_brep_that_breaks_off_is_refused_and_not_waited_for(files: Mapping[str, bytes], tmp_path: Path) -> None:
    (tmp_path / "half.brep").write_bytes(files["brep"][: len(files["brep"]) // 2])
    report = measure(tmp_path / "half.brep", "b" * 64, "", tmp_path).report
    assert [fault.code for fault in report.faults] == ["file.breaks_off"]


@pytest.mark.parametrize("arc", ["9" * 300, " " * 5000, "1 " * 6 + "9" * 5000, "1e308 1e308 0 1 1 1e308 -1e308"])
def test_an_arc_that_is_no_arc_takes_no_time(tmp_path: Path, arc: str) -> None:
    page = '<svg xmlns="http://www.w3.org/2000/svg" width="9mm" height="9mm" viewBox="0 0 9 9">'
    drawing = f'{page}<rect width="5" height="5"/><path stroke="red" d="M0 0 L5 5 A{arc}"/></svg>'
    (tmp_path / "a.svg").write_text(drawing, encoding="utf-8")
    begun = time.process_time()
    report = measure(tmp_path / "a.svg", "b" * 64, "", tmp_path).report
    assert not wrong_with(Outcome(report))
    assert time.process_time() - begun < 10


def test_an_archive_whose_entries_lie_before_its_beginning_is_refused(files: Mapping[str, bytes], tmp_path: Path) -> None:
    archive = files["gcode.3mf"]
    directory = archive.rindex(b"PK\x05\x06")
    claimed = struct.unpack_from("<I", archive, directory + 16)[0]
    # The directory says that it lies later than it does, so everything seems to lie before the file.
    (tmp_path / "a.3mf").write_bytes(archive[: directory + 16] + struct.pack("<I", claimed + 1000) + archive[directory + 20 :])
    report = measure(tmp_path / "a.3mf", "b" * 64, "", tmp_path).report
    assert report.faults and report.faults[0].code.startswith("file.")
