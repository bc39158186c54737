# SPDX-License-Identifier: AGPL-3.0-or-later
"""How long the gate takes for a toolpath of 100 MB: sliced by PrusaSlicer, full of arcs, a laser's raster, and what posts write.

Beside it, in the same run: only reading and hashing the same bytes, and the exact reader (line by line, no bulk) on the first 2 MB of them.
Run: `.venv/bin/python benchmarks/gcode_gate.py [megabytes]`. Needs PrusaSlicer for the first; without it the run says so and leaves it out.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import resource
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from commonfab import v1
from shop_agent import gcode
from shop_agent.shop_toml.machine_section import MachineSection
from shop_agent.slicing import SliceRequest, find_slicer, slice_mesh

Made = TypeVar("Made")
PRINTER = MachineSection(id="mk3", envelope_mm=(250, 210, 200), materials=("pla",), control="virtual")
LASER = MachineSection(
    id="k40", envelope_mm=(600, 400, 50), materials=("plywood",), control="grbl", port="/dev/null", process="laser_cutting", laser="diode"
)
MILL = LASER.model_copy(update={"id": "router", "process": "cnc_routing"})
MARLIN_LASER = PRINTER.model_copy(update={"id": "burner", "control": "octoprint", "process": "laser_cutting", "laser": "diode"})
EXACT_BYTES = 2_000_000


def main() -> None:
    size = int(float(sys.argv[1] if len(sys.argv) > 1 else 100) * 1_000_000)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "toolpath.gcode"
        print(f"{'':22}{'wall s':>9}{'CPU s':>9}{'MB/CPU s':>9}{'read+hash s':>13}{'exact':>12}{'times':>7}")
        for name, machine, pieces in cases(Path(folder)):
            written = write(file, size, pieces)
            report(name, machine, file, written)
    print(
        f"most memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB (imports and the making of the files included)"
    )


def cases(folder: Path) -> Iterator[tuple[str, MachineSection, tuple[bytes, bytes, bytes]]]:
    """Each as a beginning, a middle that is repeated, and an end."""
    if find_slicer():
        for name, flat in (("sliced, curved", False), ("sliced, box", True)):
            yield name, PRINTER, sliced(folder, flat)
    else:
        print("PrusaSlicer is not installed: no sliced toolpath is measured")
    start = b"G28\nM109 S210\nG21\nG90\nM83\nG1 X100 Y100 Z0.2 F1800\n"
    arcs = b"".join(
        b"G%d X%.3f Y%.3f I%.3f J%.3f E%.5f\n" % (2 + n % 2, 100 + n % 3, 100 + n % 2, *arc_middle(n), 0.04 + n / 1e5) for n in range(6000)
    )
    yield "arcs (G2, G3)", PRINTER, (start, arcs, b"M104 S0\nM140 S0\nM84\n")
    raster = b"".join(
        b"G0X0Y%.1f\n" % (row / 10) + b"".join(b"X%.1fS%d\n" % (n / 10, (n * 37 + row) % 1000) for n in range(1, 400)) for row in range(100)
    )
    yield "laser raster", LASER, (b"G21\nG90\nM4 S0\nG1 X0 Y0 F6000\nG1\n", raster.replace(b"\nX0.1S", b"\nG1X0.1S"), b"M5\nM2\n")
    yield from cut()


def cut() -> Iterator[tuple[str, MachineSection, tuple[bytes, bytes, bytes]]]:
    """What posts write for Grbl, LinuxCNC and Marlin: numbered lines, modal lines, arcs, power on every line."""
    begin, end = b"G21 G90 G17\nM3 S1000\nG0 X0 Y0 Z5\nG1 Z1 F300\nX-10 Y-10\nX110 Y110\n", b"G0 Z5\nM5\nM30\n"
    way = [(50 + 40 * math.sin(n / 37), 50 + 40 * math.cos(n / 41)) for n in range(6000)]
    semi = [(2 + n % 2, 52 - 2 * (n % 2), 50, 1 - 2 * (n % 2), 0) for n in range(6000)]
    yield "mill, modal X Y Z", MILL, (begin, b"".join(b"X%.3f Y%.3f Z%.3f\n" % (*at, 1 + n % 3) for n, at in enumerate(way)), end)
    yield "mill, 3D finishing", MILL, (begin, finishing(), end)
    numbered = (b"N%d G1 X%.3f Y%.3f F%d\n" % (n, *at, 300 + n % 2) if n % 5 else b"N%d X%.3f\n" % (n, at[0]) for n, at in enumerate(way))
    yield "mill, N numbers", MILL, (begin, b"".join(numbered), end)
    arcs = begin + b"G1 X50 Y50\n"
    yield "mill, G2 and G3", MILL, (arcs, b"".join(b"G%d X%.3f Y%.3f I%.3f J%.3f\n" % one for one in semi), end)
    yield "mill, modal arcs", MILL, (arcs + b"G2\n", b"".join(b"X%.3f Y%.3f I%.3f J%.3f\n" % one[1:] for one in semi), end)
    yield "mill, arcs by R", MILL, (arcs, b"".join(b"G%d X%.3f Y%.3f R1.500\n" % one[:3] for one in semi), end)
    begin, end = b"G28\nG21\nG90\nM4 S200\nG1 X5 F600\n", b"M5\n"
    yield "laser, Marlin", MARLIN_LASER, (begin, b"".join(b"G1 X%.2f Y%.2f S%d\n" % (*at, n % 255) for n, at in enumerate(way)), end)


def finishing(points: int = 6000, a_row: int = 150) -> bytes:
    """To and fro over a wavy surface with flat places, each word only where it changes, as posts write it for Grbl and LinuxCNC."""
    lines, last = [], [""] * 4
    for n in range(points):
        row, at = divmod(n, a_row)
        x = 0.4 * at if row % 2 == 0 else 60 - 0.4 * at
        y = 0.5 * row + (0.3 * math.sin(at / 9) if row % 3 == 0 else 0)
        z = max(0.5, 1 + math.sin(x / 7) * math.cos(row / 5))
        words = [f"X{x:.3f}", f"Y{y:.3f}", f"Z{z:.3f}", "F600" if at % 60 else "F240"]
        said = [word for word, before in zip(words, last, strict=True) if word != before]
        lines.append(" ".join(said if n % (a_row - 1) else ["G1", *said]) + "\n")
        last = words
    return "".join(lines).encode()


def arc_middle(n: int) -> tuple[float, float]:
    """From where the arc before ended to its centre, on the line that is as far from both ends."""
    x, y = 100 + (n - 1) % 3 if n else 100 + 5999 % 3, 100 + (n - 1) % 2 if n else 100 + 5999 % 2
    dx, dy = 100 + n % 3 - x, 100 + n % 2 - y
    return round(dx / 2 - dy, 3), round(dy / 2 + dx, 3)


def sliced(folder: Path, flat: bool) -> tuple[bytes, bytes, bytes]:
    """A really sliced toolpath; its middle is everything between the first move and the last."""
    mesh, output = folder / "mesh", folder / "sliced.gcode"
    mesh.write_bytes(box() if flat else vase())
    need = v1.Requirement(process="fdm", material="pla", size_mm=v1.Size(x=60, y=60, z=40))
    asyncio.run(slice_mesh(find_slicer(), SliceRequest(mesh, output, PRINTER, "pla", need)))
    content = output.read_bytes()
    begin, end = content.index(b"\nG92 E0") + 1, content.rindex(b"\nM104 S0") + 1
    return content[:begin], content[begin:end], content[end:]


def vase(around: int = 180, rows: int = 20) -> bytes:
    """A wavy round body as a binary STL."""

    def point(row: int, at: int) -> tuple[float, float, float]:
        angle = 2 * math.pi * at / around
        radius = 25 + 3 * math.sin(6 * angle + row / 4)
        return radius * math.cos(angle), radius * math.sin(angle), 40 * row / rows

    triangles = []
    for row in range(rows):
        for at in range(around):
            a, b, c, d = point(row, at), point(row, at + 1), point(row + 1, at + 1), point(row + 1, at)
            triangles += [(a, b, c), (a, c, d)]
    for at in range(around):
        triangles += [((0, 0, 0), point(0, at + 1), point(0, at)), ((0, 0, 40), point(rows, at), point(rows, at + 1))]
    return stl(triangles)


def box() -> bytes:
    """60 × 60 × 20 mm: long straight lines, short runs between travels."""
    corners = [(x, y, z) for z in (0, 20) for x, y in ((0, 0), (60, 0), (60, 60), (0, 60))]
    faces = "021 032 456 467 015 054 126 165 237 276 304 347"
    return stl([tuple(corners[int(corner)] for corner in face) for face in faces.split()])


def stl(triangles: Sequence[tuple[tuple[float, float, float], ...]]) -> bytes:
    """A binary STL."""
    body = b"".join(struct.pack("<12fH", 0, 0, 0, *(value for corner in one for value in corner), 0) for one in triangles)
    return bytes(80) + struct.pack("<I", len(triangles)) + body


def write(file: Path, size: int, pieces: tuple[bytes, bytes, bytes]) -> int:
    """Write about `size` bytes; answers how many."""
    begin, middle, end = pieces
    with file.open("wb") as target:
        target.write(begin)
        while target.tell() < size - len(end):
            target.write(middle)
        target.write(end)
        return target.tell()


def report(name: str, machine: MachineSection, file: Path, size: int) -> None:
    """One line of the table."""
    plain, _, _ = timed(lambda: hashed(file))
    wall, cpu, verdict = timed(lambda: gcode.judge(file, machine))
    if verdict.reasons:
        raise SystemExit(f"{name}: {verdict.reasons[0].message}")
    with file.open("rb") as content:
        part = content.read(EXACT_BYTES)
    _, exact, _ = timed(
        lambda: gcode.follow([part[at : at + 1_000_000] for at in range(0, len(part), 1_000_000)], gcode.rules_for(machine), fast=False)
    )
    speed, exact_speed = size / cpu / 1e6, len(part) / exact / 1e6
    print(f"{name:22}{wall:9.2f}{cpu:9.2f}{speed:9.1f}{plain:13.2f}{exact_speed:12.2f}{speed / exact_speed:7.1f}")
    print(
        f"{'':22}{size / 1e6:.0f} MB, {verdict.lines} lines, {verdict.seconds / 3600:.0f} h of machine time, SHA-256 {verdict.sha256[:12]}"
    )


def timed(work: Callable[[], Made]) -> tuple[float, float, Made]:
    """Wall and processor seconds, and what came of it."""
    wall, cpu = time.perf_counter(), time.process_time()
    made = work()
    return time.perf_counter() - wall, time.process_time() - cpu, made


def hashed(file: Path) -> str:
    """Reading and hashing alone."""
    digest = hashlib.sha256()
    with file.open("rb") as content:
        while piece := content.read(1024 * 1024):
            digest.update(piece)
    return digest.hexdigest()


if __name__ == "__main__":
    main()
