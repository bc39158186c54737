# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the node says of every file of a corpus, as one table: the verdict, the reasons, and what measuring took.

Every file goes through the sandbox of the node, with its limits, and is judged as `commonfab match` judges it, each file a part by itself
with nothing demanded and no shop in reach. `verdict` is then one of

    can be made        at least one process is feasible
    question           none is, and a person can say more: an answer or a repair comes first
    cannot be made     it was measured, and every process has a reason against it
    fault              the file is of a kind that describes a part, and something is the matter with it
    not a part         a toolpath, a source, or something else that describes no part

    python benchmarks/corpus.py [build/corpus.csv] [--corpus $COMMONFAB_SHARED/corpus]

Ends with 1 where a file crashed its reader, took longer or more memory than it may, or has no report; with 2 where there is no corpus.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from queue import Empty, SimpleQueue

from commonfab import v1
from commonfab.client import sha256_of
from commonfab.settings import NodeSettings
from registry.findings import inspected_part
from registry.geometry.sandbox import Limits, Sandbox, SandboxBroken

SANDBOXES = 2
SHOWN = 10
TABLE = "measured.csv"
"""What plain tools say of the files: part of the corpus, and none of its files."""

CRASHED, TIMED_OUT, TOO_BIG, NO_REPORT = "file.crashed_reader", "file.too_slow", "file.too_big_to_measure", "no report"
FAILURES = {CRASHED: "crashed their reader", TIMED_OUT: "timed out", TOO_BIG: "took too much memory", NO_REPORT: "without a report"}

CAN, ASK, CANNOT, FAULT, NO_PART = "can be made", "question", "cannot be made", "fault", "not a part"


@dataclass(frozen=True)
class Row:
    """One file. Codes and processes are parted by spaces; sizes in mm, volume in mm³, memory in MiB."""

    path: str
    format: str
    verdict: str
    processes: str
    faults: str
    questions: str
    x_mm: str
    y_mm: str
    z_mm: str
    volume_mm3: str
    unit: str
    wall_seconds: float
    cpu_seconds: float
    peak_mb: float
    failure: str


def files_of(corpus: Path) -> list[Path]:
    """Every file, by path."""
    return sorted(path for path in corpus.rglob("*") if path.is_file() and path != corpus / TABLE)


def verdict_of(report: v1.GeometryReport, ways: Sequence[v1.Makeability]) -> str:
    """The word for a file in the table."""
    codes = {fault.code for fault in report.faults}
    if report.format == v1.FILE_FORMAT_UNSPECIFIED or "file.source_only" in codes or report.HasField("toolpath"):
        return FAULT if codes & FAILURES.keys() else NO_PART
    if report.faults:
        return FAULT
    verdicts = {way.verdict for way in ways}
    if v1.VERDICT_FEASIBLE in verdicts:
        return CAN
    return ASK if v1.VERDICT_ASK in verdicts else CANNOT


def row_of(name: str, inspected: v1.InspectedPart, wall: float, cpu: float, peak: float) -> Row:
    """What the table says of a file that was measured."""
    report, ways = inspected.report, inspected.makeability
    verdict = verdict_of(report, ways)
    wanted = v1.VERDICT_FEASIBLE if verdict == CAN else v1.VERDICT_ASK
    open_ways = [way for way in ways if way.verdict == wanted] if verdict in (CAN, ASK) else []
    faults = _codes(report.faults)
    broke = [code for code in faults if code in FAILURES] + [TIMED_OUT for warning in report.warnings if warning.code == "preview.none"]
    return Row(
        path=name,
        format=v1.FileFormat.Name(report.format).removeprefix("FILE_FORMAT_").lower(),
        verdict=verdict,
        processes=" ".join(dict.fromkeys(way.process for way in open_ways)),
        faults=" ".join(faults),
        questions=" ".join(_codes(reason for way in ways if way.verdict == v1.VERDICT_ASK for reason in way.reasons)),
        x_mm=f"{report.size_mm.x:.6g}",
        y_mm=f"{report.size_mm.y:.6g}",
        z_mm=f"{report.size_mm.z:.6g}",
        volume_mm3=f"{report.volume_mm3:.6g}",
        unit=f"{report.unit} {v1.UnitCertainty.Name(report.unit_certainty).removeprefix('UNIT_CERTAINTY_').lower()}".strip(),
        wall_seconds=round(wall, 3),
        cpu_seconds=round(cpu, 3),
        peak_mb=round(peak, 1),
        failure=broke[0] if broke else "",
    )


def _codes(reasons: Iterable[v1.Reason]) -> list[str]:
    return list(dict.fromkeys(reason.code for reason in reasons))


def examine(path: Path, name: str, sandbox: Sandbox) -> Row:
    """Measure and judge one file."""
    started = time.perf_counter()
    try:
        with sandbox.measure(path, sha256_of(path), "") as measured:
            part = v1.Part(name=path.stem, paths=[name], quantity_per_product=1)
            inspected = inspected_part(part, {name: measured.report})
            return row_of(name, inspected, time.perf_counter() - started, measured.cpu_seconds, measured.peak_mb)
    except SandboxBroken as error:
        print(f"{name}: {error}", file=sys.stderr)
        row = row_of(name, v1.InspectedPart(), time.perf_counter() - started, 0.0, 0.0)
        return Row(**{**asdict(row), "failure": NO_REPORT, "verdict": FAULT})


def run(corpus: Path, files: Sequence[Path]) -> list[Row]:
    """A row for each file, in their order. The largest files go first, so that no sandbox is left with one at the end."""
    waiting: SimpleQueue[Path] = SimpleQueue()
    for path in sorted(files, key=lambda path: -path.stat().st_size):
        waiting.put(path)
    rows: dict[Path, Row] = {}

    def serve(scratch: Path) -> None:
        with Sandbox(Limits.of(NodeSettings()), scratch) as sandbox:
            while True:
                try:
                    path = waiting.get_nowait()
                except Empty:
                    return
                rows[path] = examine(path, path.relative_to(corpus).as_posix(), sandbox)

    with tempfile.TemporaryDirectory(prefix="commonfab-corpus-") as folder:
        threads = [threading.Thread(target=serve, args=(Path(folder) / str(number),)) for number in range(SANDBOXES)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            _progress(len(rows), len(files))
            for thread in threads:
                thread.join(1.0)
        _progress(len(rows), len(files), "\n")
    return [rows.get(path) or _missing(path.relative_to(corpus).as_posix()) for path in files]


def _missing(name: str) -> Row:
    """The row of a file whose thread ended over it."""
    return Row(
        **{field.name: "" for field in fields(Row)} | {"path": name, "verdict": FAULT, "failure": NO_REPORT} | dict.fromkeys(TAKEN, 0.0)
    )


TAKEN = ("wall_seconds", "cpu_seconds", "peak_mb")


def _progress(done: int, files: int, end: str = "") -> None:
    if sys.stderr.isatty() or end:
        print(f"\r{done} of {files} files", end=end, file=sys.stderr, flush=True)
    elif done:
        print(f"{done} of {files} files", file=sys.stderr, flush=True)


def summary(rows: Sequence[Row]) -> str:
    """What the table adds up to."""
    failures = Counter(row.failure for row in rows if row.failure)
    lines = [f"{len(rows)} files; " + ", ".join(f"{failures[what]} {words}" for what, words in FAILURES.items())]
    lines += [f"  {row.failure}: {row.path}" for row in rows if row.failure]
    lines.append(f"\nslowest{'CPU s':>10}{'wall s':>9}{'MiB':>8}")
    slowest = sorted(rows, key=lambda row: -row.cpu_seconds)[:SHOWN]
    lines += [f"       {row.cpu_seconds:>10.2f}{row.wall_seconds:>9.2f}{row.peak_mb:>8.0f}  {row.path}" for row in slowest]
    lines.append(f"\nlargest{'MiB':>10}")
    lines += [f"       {row.peak_mb:>10.0f}  {row.path}" for row in sorted(rows, key=lambda row: -row.peak_mb)[:SHOWN]]
    verdicts = (CAN, ASK, CANNOT, FAULT, NO_PART)
    lines.append(f"\n{'format':<14}{'files':>6}" + "".join(f"{verdict:>16}" for verdict in verdicts) + f"{'CPU s':>9}")
    by_format: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_format[row.format].append(row)
    for name, some in [*sorted(by_format.items()), ("all", list(rows))]:
        counts = Counter(row.verdict for row in some)
        told = "".join(f"{counts[verdict]:>16}" for verdict in verdicts)
        lines.append(f"{name:<14}{len(some):>6}{told}{sum(row.cpu_seconds for row in some):>9.1f}")
    return "\n".join(lines)


def write(rows: Sequence[Row], table: Path) -> None:
    """Write the table as CSV, in a folder that is made where it is missing."""
    table.parent.mkdir(parents=True, exist_ok=True)
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Row)])
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


def main() -> int:
    """Run the corpus; the exit code."""
    shared = os.environ.get("COMMONFAB_SHARED")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", nargs="?", type=Path, default=Path("build/corpus.csv"))
    parser.add_argument("--corpus", type=Path, default=Path(shared) / "corpus" if shared else None)
    arguments = parser.parse_args()
    if arguments.corpus is None:
        print("COMMONFAB_SHARED is not set: it must name the folder of shared test files that has corpus/ in it.", file=sys.stderr)
        return 2
    if not arguments.corpus.is_dir() or not (files := files_of(arguments.corpus)):
        print(f"There are no files in {arguments.corpus}.", file=sys.stderr)
        return 2
    started = time.perf_counter()
    rows = run(arguments.corpus, files)
    write(rows, arguments.table)
    print(summary(rows))
    print(f"\n{arguments.table}: {len(rows)} rows in {time.perf_counter() - started:.0f} s")
    return 1 if any(row.failure for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
