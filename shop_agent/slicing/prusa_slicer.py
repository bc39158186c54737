# SPDX-License-Identifier: AGPL-3.0-or-later
"""PrusaSlicer's command line: found, run with bounded time and memory, and taken at its word only where the result shows it.

The mesh comes from outside. A 3MF may carry slicer settings, and with them `post_process`: a program that PrusaSlicer would run on this
computer. So only the shapes of a 3MF are passed on, and every setting that could run or inject something is set by us.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from commonfab import v1
from commonfab.envelope import best_room
from commonfab.errors import Refused
from commonfab.units import minutes
from shop_agent.journal.records import Toolpath
from shop_agent.shop_toml.machine_section import MachineSection
from shop_agent.slicing.profiles import check_filament, last_word, profile_for, profile_of
from shop_agent.slicing.result import insist_on, read_result
from shop_agent.slicing.settings import asked_of
from shop_agent.slicing.shapes import only_shapes

PROGRAMS = ("prusa-slicer", "PrusaSlicer", "prusa-slicer-console", "PrusaSlicer-console")
SLICER_SECONDS = 900.0
SLICER_MEMORY_KIB = 4 * 1024 * 1024
LEAST_TURN_DEG = 1e-6


@dataclass(frozen=True)
class SliceRequest:
    """What is sliced, for which machine, with which material."""

    mesh: Path
    output: Path
    machine: MachineSection
    material: str
    need: v1.Requirement


def find_slicer(named: str = "") -> str:
    """The PrusaSlicer program, or an empty text where there is none. `named` is what the settings say."""
    found = (shutil.which(name) for name in ((named,) if named else PROGRAMS))
    return next((program for program in found if program), "")


def turn_for(need: v1.Requirement, machine: MachineSection) -> list[str]:
    """PrusaSlicer's options that lay the part into the first allowed placement that fits; none where it fits as drawn.

    They are carried out in the order in which they stand, each about an axis of the bed, as `v1.Rotation` has it.
    """
    width, depth, height = machine.envelope_mm
    turn = best_room(need, v1.Size(x=width, y=depth, z=height)).turn
    angles = (("--rotate-x", turn.x_deg), ("--rotate-y", turn.y_deg), ("--rotate", turn.z_deg))
    return [text for option, angle in angles if abs(angle) > LEAST_TURN_DEG for text in (option, f"{angle:.6f}")]


async def slice_mesh(program: str, wanted: SliceRequest, limit_seconds: float = SLICER_SECONDS) -> Toolpath:
    """Slice a mesh as the job demands. The bytes whose digest is answered are the bytes in `wanted.output`.

    Errors: `Refused` (`slicer.missing`, `slicer.material`, `slicer.mesh`, `slicer.failed`, `slicer.slow`, `slicer.layer_height`,
    `slicer.nozzle`, `slicer.setting_range`, `slicer.setting_not_kept`).
    """
    if not program:
        raise Refused("slicer.missing")
    check_filament(wanted.machine, wanted.material)
    asked = asked_of(wanted.need, wanted.machine.nozzle_mm)
    wanted.output.parent.mkdir(parents=True, exist_ok=True)
    # A new folder each time: a slicer that outlived its agent may still write into an old one.
    work = Path(tempfile.mkdtemp(prefix="slicing-", dir=wanted.output.parent))
    try:
        mesh = await asyncio.to_thread(only_shapes, wanted.mesh, work)
        scratch = work / "out.gcode"
        said = await _run(_arguments(program, wanted, asked.options, work, mesh, scratch), work, limit_seconds)
        if not scratch.exists():
            raise Refused("slicer.failed", _last_line(said))
        insist_on(asked.options, await asyncio.to_thread(read_result, scratch))
        scratch.replace(wanted.output)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return (await asyncio.to_thread(read_result, wanted.output)).toolpath


def _arguments(program: str, wanted: SliceRequest, options: Mapping[str, str], work: Path, mesh: Path, output: Path) -> list[str]:
    """PrusaSlicer takes of several files what the last of them says: the plain profile, the shop's own, what is demanded."""
    own = profile_for(wanted.machine, wanted.material)
    plain = _written(work / "machine.ini", profile_of(wanted.machine, wanted.material))
    demanded = _written(work / "demanded.ini", {**last_word(own, wanted.material), **options})
    profiles = [text for file in (plain, own, demanded) if file for text in ("--load", str(file))]
    x, y, _ = wanted.machine.envelope_mm
    place = ["--center", f"{x / 2:g},{y / 2:g}"]
    return [program, "--export-gcode", *profiles, *turn_for(wanted.need, wanted.machine), *place, "--output", str(output), str(mesh)]


def _written(file: Path, settings: Mapping[str, str]) -> Path:
    file.write_text("".join(f"{key} = {value}\n" for key, value in settings.items()), encoding="utf-8")
    return file


async def _run(arguments: list[str], folder: Path, limit_seconds: float) -> str:
    """Run the slicer in a process of its own with bounded memory. Errors: `Refused` (`slicer.failed`, `slicer.slow`)."""
    if os.name == "posix":
        arguments = ["/bin/sh", "-c", f'ulimit -v {SLICER_MEMORY_KIB}; exec nice -n 10 "$@"', "sh", *arguments]
    environment = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT") if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        *arguments,
        cwd=folder,
        env={**environment, "HOME": str(folder)},  # the profiles of whoever runs the agent are none of this job's business
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(limit_seconds):
            said = (await process.communicate())[0].decode(errors="replace")
    except TimeoutError:
        raise Refused("slicer.slow", limit=minutes(limit_seconds / 60)) from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                _kill(process.pid)
            await process.wait()
    if process.returncode != 0:
        raise Refused("slicer.failed", _last_line(said))
    return said


def _kill(pid: int) -> None:
    if os.name == "posix":
        os.killpg(pid, signal.SIGKILL)
    else:
        os.kill(pid, signal.SIGTERM)


def _last_line(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    last = lines[-1] if lines else "it said nothing"
    return re.sub(r"^(\[[^\]]*\]\s*)+", "", last)
