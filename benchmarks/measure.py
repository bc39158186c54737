# SPDX-License-Identifier: AGPL-3.0-or-later
"""What measuring a file costs, beside plain reading by the library that everyone uses, in the same run.

Meshes (balls of 1 k, 100 k and 1 M triangles) beside `trimesh.load`; solids (plates with square pockets, of about 10, 200 and 5,000
faces) beside reading with Open CASCADE and tessellating as `registry.geometry.solids` does. Each is done in a process of its own, forked
from one that has everything loaded, as the node's sandbox does; the figures are CPU seconds, the least of several runs. At the end an STL
of 100 k triangles goes through the sandbox itself, pictures and all.

    python benchmarks/measure.py [--rounds 3] [--only stl,step] [--sizes 1000,100000]

Only the ratios mean something on another machine. Aims: meshes within 2 times of plain reading, solids within 1.5 times, and the STL
through the sandbox under 1 s of CPU.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import trimesh
from pocketed_plate import draw_plate

from commonfab.settings import NodeSettings
from registry.geometry.measure import draw, measure
from registry.geometry.sandbox import Limits, Sandbox
from registry.geometry.triangles import write_stl

MESHES = ("stl", "ply", "obj", "off", "3mf", "glb")
TRIANGLES = (1_000, 100_000, 1_000_000)
FACES = (10, 200, 5_000)
SANDBOX_TRIANGLES = 100_000
MESH_AIM, SOLID_AIM = 2.0, 1.5
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""As the sandbox sets them, for both sides: a second thread that waits in a loop would count as work."""

WARM = ("registry.geometry.meshes.measuring", "registry.geometry.solids.measuring", "registry.geometry.preview.pictures")
WARM_TOO = ("registry.geometry.meshes.stl", "registry.geometry.preview.glb", "trimesh.exchange.gltf", "trimesh.exchange.threemf")


def ball(triangles: int) -> trimesh.Trimesh:
    """A closed ball of about so many triangles, 100 mm across, with a bump so that no two places are alike."""
    rings = max(3, round((triangles / 4) ** 0.5))
    up, about = np.linspace(0, np.pi, rings + 1)[1:-1], np.linspace(0, 2 * np.pi, 2 * rings, endpoint=False)
    u, v = (grid.ravel() for grid in np.meshgrid(up, about, indexing="ij"))
    radius = 50 + np.sin(7 * u) * np.cos(5 * v)
    points = np.stack([radius * np.sin(u) * np.cos(v), radius * np.sin(u) * np.sin(v), radius * np.cos(u)], axis=1)
    count = len(about)
    here = np.arange(len(points) - count)
    beside = here - here % count + (here + 1) % count
    faces = [np.stack([here, here + count, beside + count], axis=1), np.stack([here, beside + count, beside], axis=1)]
    pole, first = len(points), np.arange(count)
    faces.append(np.stack([np.full(count, pole), first, (first + 1) % count], axis=1))
    last = first + len(points) - count
    faces.append(np.stack([np.full(count, pole + 1), np.roll(last, -1), last], axis=1))
    return trimesh.Trimesh(np.concatenate([points, [[0, 0, 50], [0, 0, -50]]]), np.concatenate(faces), process=False)


def draw_mesh(path: Path, triangles: int) -> None:
    """Leave a ball in the format of the path's ending."""
    mesh = ball(triangles)
    if path.suffix == ".stl":
        write_stl(path, mesh.vertices[mesh.faces])
    else:
        mesh.export(path)


def plate_of(faces: int) -> Callable[[Path, Path], list[float]]:
    """`draw_plate` as work for a child, which keeps quiet."""

    def work(path: Path, scratch: Path) -> list[float]:
        return [_cpu(lambda: draw_plate(path, faces))]

    return work


def read_mesh(path: Path, scratch: Path) -> list[float]:
    """CPU seconds of plain reading."""
    return [_cpu(lambda: trimesh.load(path))]


def read_solid(path: Path, scratch: Path) -> list[float]:
    """CPU seconds of plain reading and tessellating, to the fineness that measuring uses."""
    from OCP.BRepMesh import BRepMesh_IncrementalMesh
    from OCP.STEPControl import STEPControl_Reader

    from registry.geometry.solids.tessellating import ANGLE

    def read() -> None:
        reader = STEPControl_Reader()
        reader.ReadFile(str(path))
        reader.TransferRoots()
        BRepMesh_IncrementalMesh(reader.OneShape(), 0.1, False, ANGLE, False)

    return [_cpu(read)]


def measure_and_draw(path: Path, scratch: Path) -> list[float]:
    """CPU seconds of measuring, and of drawing the pictures afterwards. A file that is refused ends the benchmark."""
    started = time.process_time()
    outcome = measure(path, "", "", scratch)
    measured = time.process_time()
    assert not outcome.report.faults, outcome.report.faults
    draw(outcome, scratch)
    return [measured - started, time.process_time() - measured]


def _cpu(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def in_a_child(work: Callable[[Path, Path], list[float]], path: Path) -> list[float]:
    """What `work` returns in a forked process."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            quiet = os.open(os.devnull, os.O_WRONLY)
            os.dup2(quiet, 1)  # the kernel tells of its progress
            with tempfile.TemporaryDirectory() as scratch:
                os.write(writing, json.dumps(work(path, Path(scratch))).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as told:
        answer = told.read()
    os.waitpid(child, 0)
    if not answer:
        raise RuntimeError(f"{path.name} could not be measured")
    return list(json.loads(answer))


def compare(path: Path, title: str, aim: float, rounds: int) -> None:
    """One line of the table."""
    plain: Callable[[Path, Path], list[float]] = read_solid if path.suffix == ".step" else read_mesh
    runs = [in_a_child(plain, path) + in_a_child(measure_and_draw, path) for _ in range(rounds)]
    read, measured, drawn = (min(times) for times in zip(*runs, strict=True))
    ratio = measured / read
    print(f"{title:<26}{read:>9.4f}{measured:>10.4f}{drawn:>10.4f}{ratio:>8.2f}{'' if ratio <= aim else f'   above {aim:g}'}", flush=True)


def through_the_sandbox(folder: Path, rounds: int) -> None:
    """The whole way that a file of the node goes, with a fork server that is warm."""
    path = folder / "sandbox.stl"
    draw_mesh(path, SANDBOX_TRIANGLES)
    took = []
    with Sandbox(Limits.of(NodeSettings()), folder / "scratch") as sandbox:
        for _ in range(rounds + 1):
            started = time.perf_counter()
            with sandbox.measure(path, "0" * 64, "") as measured:
                took.append((measured.cpu_seconds, time.perf_counter() - started))
                assert not measured.report.faults
    cpu, wall = (min(times) for times in zip(*took[1:], strict=True))
    print(f"\nSTL of {SANDBOX_TRIANGLES} triangles through the warm sandbox, pictures too: {cpu:.2f} s of CPU, {wall:.2f} s")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default=",".join((*MESHES, "step")), help="formats, parted by commas")
    parser.add_argument("--sizes", default="", help="counts of triangles, parted by commas; else all")
    arguments = parser.parse_args()
    formats = arguments.only.split(",")
    sizes = [int(size) for size in arguments.sizes.split(",") if size] or TRIANGLES
    for module in (*WARM, *WARM_TOO):
        importlib.import_module(module)
    print(f"{'':<26}{'read':>9}{'measure':>10}{'pictures':>10}{'ratio':>8}   CPU s; ratio of measuring to reading")
    with tempfile.TemporaryDirectory(prefix="commonfab-bench-") as name:
        folder = Path(name)
        for ending in (ending for ending in MESHES if ending in formats):
            for triangles in sizes:
                path = folder / f"{triangles}.{ending}"
                draw_mesh(path, triangles)
                if triangles == sizes[0]:
                    trimesh.load(path)  # so that its own lazy imports are done
                compare(path, f"{ending}, {triangles} triangles", MESH_AIM, arguments.rounds)
                path.unlink()
        for faces in FACES if "step" in formats else ():
            path = folder / f"{faces}.step"
            in_a_child(plate_of(faces), path)
            compare(path, f"step, {faces} faces", SOLID_AIM, arguments.rounds)
        through_the_sandbox(folder, arguments.rounds)


if __name__ == "__main__":
    if not all(os.environ.get(name) == "1" for name in ONE_THREAD):  # libraries read these when they are imported
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | dict.fromkeys(ONE_THREAD, "1"))
    main()
