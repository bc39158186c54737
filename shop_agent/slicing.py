# SPDX-License-Identifier: AGPL-3.0-or-later
"""From a mesh to a toolpath, with PrusaSlicer's command line.

The mesh comes from outside. A 3MF may carry slicer settings, and with them `post_process`: a program that PrusaSlicer would run on this
computer. So only the shapes of a 3MF are passed on, and every setting that could run or inject something is set by us.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import re
import shutil
import signal
import struct
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from commonfab import v1
from commonfab.envelope import best_room
from commonfab.errors import Refused
from commonfab.materials import DENSITY_G_PER_CM3, broader_terms, satisfies
from commonfab.units import minutes
from shop_agent.machine_section import MachineSection
from shop_agent.records import Toolpath

PROGRAMS = ("prusa-slicer", "PrusaSlicer", "prusa-slicer-console", "PrusaSlicer-console")
SLICER_SECONDS = 900.0
SLICER_MEMORY_KIB = 4 * 1024 * 1024
LARGEST_MODEL_BYTES = 2 * 1024**3
LEAST_TURN_DEG = 1e-6

NOZZLE_C = {"pla": 210, "petg": 240, "abs": 250, "asa": 255, "tpu": 225}
BED_C = {"pla": 60, "petg": 80, "abs": 100, "asa": 100, "tpu": 45}
"""Middle of the ranges that makers of the generic materials print on their spools."""


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
    """Slice a mesh. The bytes whose digest is answered are the bytes in `wanted.output`.

    Errors: `Refused` (`slicer.missing`, `slicer.mesh`, `slicer.failed`, `slicer.slow`).
    """
    if not program:
        raise Refused("slicer.missing")
    _known_filament(wanted)
    wanted.output.parent.mkdir(parents=True, exist_ok=True)
    # A new folder each time: a slicer that outlived its agent may still write into an old one.
    work = Path(tempfile.mkdtemp(prefix="slicing-", dir=wanted.output.parent))
    try:
        mesh = await asyncio.to_thread(_only_shapes, wanted.mesh, work)
        base = work / "machine.ini"
        base.write_text(
            "".join(f"{key} = {value}\n" for key, value in profile_of(wanted.machine, wanted.material).items()), encoding="utf-8"
        )
        scratch = work / "out.gcode"
        said = await _run(_arguments(program, wanted, base, mesh, scratch), work, limit_seconds)
        if not scratch.exists():
            raise Refused("slicer.failed", _last_line(said))
        scratch.replace(wanted.output)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return await asyncio.to_thread(toolpath_in, wanted.output)


def profile_of(machine: MachineSection, material: str) -> dict[str, str]:
    """A sane profile from the machine's facts; the shop's own profile is laid over it."""
    x, y, z = machine.envelope_mm
    kind = _printable(material) or "pla"
    nozzle, bed = min(NOZZLE_C[kind], int(machine.max_nozzle_c)), min(BED_C[kind], int(machine.max_bed_c))
    return {
        "bed_shape": f"0x0,{x:g}x0,{x:g}x{y:g},0x{y:g}",
        "max_print_height": f"{z:g}",
        "nozzle_diameter": f"{machine.nozzle_mm:g}",
        "layer_height": f"{machine.nozzle_mm / 2:g}",
        "first_layer_height": f"{machine.nozzle_mm / 2:g}",
        "filament_type": kind.upper(),
        "filament_density": f"{DENSITY_G_PER_CM3[kind]:g}",
        "filament_diameter": "1.75",
        "temperature": str(nozzle),
        "first_layer_temperature": str(nozzle),
        "bed_temperature": str(bed),
        "first_layer_bed_temperature": str(bed),
        "gcode_flavor": "marlin",
        # A skirt or a brim could leave the bed beside a part that just fits.
        "skirts": "0",
        "brim_width": "0",
        # Set, because what is not set here would be taken from a 3MF.
        "post_process": "",
        "before_layer_gcode": "",
        "layer_gcode": "",
        "between_objects_gcode": "",
        "toolchange_gcode": "",
        # One text for each filament, so quoted: an empty list makes PrusaSlicer 2.5 write bytes from beyond its end into the toolpath.
        "start_filament_gcode": '""',
        "end_filament_gcode": '""',
        "start_gcode": "G28\\nG1 Z5 F5000",
        "end_gcode": "M104 S0\\nM140 S0\\nM107\\nM84",
    }


def toolpath_in(file: Path) -> Toolpath:
    """What the slicer says of its toolpath (time and grams stand in comments at the end), and the digest of its bytes."""
    digest = hashlib.sha256()
    with file.open("rb") as content:
        while chunk := content.read(1024 * 1024):
            digest.update(chunk)
        content.seek(max(0, file.stat().st_size - 256 * 1024))
        tail = content.read().decode(errors="replace")
    time = re.search(r"^; estimated printing time \(normal mode\) = (.+)$", tail, re.MULTILINE)
    grams = re.search(r"^; (?:total )?filament used \[g\] = ([\d.]+)", tail, re.MULTILINE)
    return Toolpath(str(file), digest.hexdigest(), _seconds(time[1]) if time else 0.0, float(grams[1]) if grams else 0.0)


def material_for(offer: v1.Offer, machine: MachineSection) -> str:
    """The stock on this machine that the offer can be made of."""
    return next((has for has in machine.on_hand if satisfies(has, offer.requirement.material)), machine.on_hand[0])


def _printable(material: str) -> str:
    """The material, or the nearest broader one, for which temperatures are known; empty where there is none."""
    return next((term for term in broader_terms(material) if term in NOZZLE_C), "")


def _known_filament(wanted: SliceRequest) -> str:
    """What the plain profile is made for. Errors: `Refused` (`slicer.material`) where only the shop's own profile could know."""
    kind = _printable(wanted.material)
    if not kind and not wanted.machine.slicer_profile:
        raise Refused("slicer.material", wanted.material)
    return kind or "pla"  # the shop's profile is laid over it


def _arguments(program: str, wanted: SliceRequest, base: Path, mesh: Path, output: Path) -> list[str]:
    x, y, _ = wanted.machine.envelope_mm
    profiles = ["--load", str(base)]
    if wanted.machine.slicer_profile:
        profiles += ["--load", str(wanted.machine.slicer_profile)]
    turn = turn_for(wanted.need, wanted.machine)
    density = ["--filament-density", f"{DENSITY_G_PER_CM3[_known_filament(wanted)]:g}"]
    place = ["--center", f"{x / 2:g},{y / 2:g}"]
    return [program, "--export-gcode", *profiles, *density, *turn, *place, "--output", str(output), str(mesh)]


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


def _seconds(text: str) -> float:
    units = {"d": 86400, "h": 3600, "m": 60, "s": 1}
    return float(sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([dhms])", text)))


def _only_shapes(mesh: Path, work: Path) -> Path:
    """The mesh under a name whose ending says what it is; of a 3MF only the model, without any settings.

    Errors: `Refused` (`slicer.mesh`).
    """
    with mesh.open("rb") as file:
        head = file.read(4)
    if head != b"PK\x03\x04":
        target = work / "part.stl"
        shutil.copyfile(mesh, target)
        _mark_as_binary(target)
        return target
    target = work / "part.3mf"
    try:
        with zipfile.ZipFile(mesh) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as kept:
            shapes = [entry for entry in source.infolist() if _is_shape(entry.filename)]
            if sum(entry.file_size for entry in shapes) > LARGEST_MODEL_BYTES:
                raise Refused("slicer.mesh", "its model is larger than 2 GiB when unpacked")
            for entry in shapes:
                with source.open(entry) as content, kept.open(entry.filename, "w") as copy:
                    shutil.copyfileobj(content, copy, 1024 * 1024)
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        raise Refused("slicer.mesh", f"a damaged 3MF ({error})") from error
    return target


def _mark_as_binary(stl: Path) -> None:
    """Make PrusaSlicer see that a binary STL is one.

    It looks for a byte above 127 in the 128 bytes after the head, and takes the file for text where there is none: so with a box of
    10 × 10 × 3 mm, whose coordinates have no such byte. The first triangle's normal, which slicers work out anew anyway, gets one: its x
    becomes minus nothing.
    """
    with stl.open("r+b") as file:
        head = file.read(84 + 128)
        triangles = int.from_bytes(head[80:84], "little")
        is_binary = len(head) >= 84 + 50 and stl.stat().st_size == 84 + 50 * triangles
        if is_binary and max(head[84:]) <= 127:
            file.seek(84)
            file.write(struct.pack("<f", -0.0))


def _is_shape(name: str) -> bool:
    return name in ("[Content_Types].xml", "_rels/.rels") or (name.startswith("3D/") and name.endswith((".model", ".rels")))
