# SPDX-License-Identifier: AGPL-3.0-or-later
"""From a mesh to a toolpath, with the real PrusaSlicer."""

from __future__ import annotations

import asyncio
import hashlib
import io
import shutil
import stat
import struct
import subprocess
import zipfile
from pathlib import Path

import pytest
from small_shop import offer, shop
from stl_boxes import stl_box

from commonfab import v1
from commonfab.errors import Refused
from shop_agent import gcode
from shop_agent.journal.records import Toolpath
from shop_agent.shop_toml.machine_section import MachineSection
from shop_agent.slicing import SliceRequest, find_slicer, material_for, profile_of, slice_mesh, turn_for

needs_slicer = pytest.mark.usefixtures("prusa_slicer")


def request_for(folder: Path, mesh: bytes, size: tuple[float, float, float], **machine: object) -> SliceRequest:
    facts = shop(folder, **machine).machine[0]
    file = folder / "mesh"
    file.write_bytes(mesh)
    return SliceRequest(
        file,
        folder / "toolpaths" / "out.gcode",
        facts,
        facts.materials[0],
        v1.Requirement(size_mm=v1.Size(x=size[0], y=size[1], z=size[2])),
    )


async def sliced(wanted: SliceRequest) -> tuple[Toolpath, gcode.Toolpath]:
    toolpath = await slice_mesh(find_slicer(), wanted)
    return toolpath, gcode.read_toolpath_file(wanted.output)


def laid(path: gcode.Toolpath) -> list[float]:
    return [high - low for low, high in zip(path.laid_lowest, path.laid_highest, strict=True)]


@needs_slicer
async def test_a_box_is_sliced_in_the_middle_of_the_bed_with_time_grams_and_digest(tmp_path: Path) -> None:
    wanted = request_for(tmp_path, stl_box(20, 30, 10), (20, 30, 10))
    toolpath, path = await sliced(wanted)
    assert toolpath.sha256 == hashlib.sha256(wanted.output.read_bytes()).hexdigest()
    solid = 20 * 30 * 10 / 1000 * 1.24
    assert 0.2 * solid < toolpath.grams < solid  # walls and infill of PLA
    assert toolpath.seconds == pytest.approx(path.seconds, rel=0.6)  # PrusaSlicer also knows how fast a machine speeds up
    x, y, z = laid(path)
    assert (
        (x, y) == (pytest.approx(20, abs=1), pytest.approx(30, abs=1)) and path.laid_highest[2] == pytest.approx(10, abs=0.3) and z < 10.3
    )
    assert (path.laid_lowest[0] + path.laid_highest[0]) / 2 == pytest.approx(60, abs=0.5)
    assert path.hottest["the nozzle"].value == 210 and path.hottest["the bed"].value == 60
    assert gcode.check(path, wanted.machine) == []


@needs_slicer
async def test_nothing_of_the_work_is_left_behind_but_the_toolpath(tmp_path: Path) -> None:
    wanted = request_for(tmp_path, stl_box(10, 10, 5), (10, 10, 5))
    await sliced(wanted)
    assert [file.name for file in wanted.output.parent.iterdir()] == ["out.gcode"]


@needs_slicer
async def test_petg_is_heavier_and_hotter_than_pla(tmp_path: Path) -> None:
    pla, _ = await sliced(request_for(tmp_path / "pla", stl_box(20, 20, 5), (20, 20, 5)))
    petg, path = await sliced(request_for(tmp_path / "petg", stl_box(20, 20, 5), (20, 20, 5), materials=["petg"]))
    assert petg.grams == pytest.approx(pla.grams * 1.27 / 1.24, rel=0.02)
    assert path.hottest["the nozzle"].value == 240


@needs_slicer
async def test_a_part_that_fits_only_when_turned_is_turned(tmp_path: Path) -> None:
    wanted = request_for(tmp_path, stl_box(110, 30, 3), (110, 30, 3), envelope_mm=[60, 120, 100])
    _, path = await sliced(wanted)
    assert laid(path)[0] == pytest.approx(30, abs=1) and laid(path)[1] == pytest.approx(110, abs=1)
    assert gcode.check(path, wanted.machine) == []


@needs_slicer
async def test_a_part_larger_than_the_bed_is_sliced_by_prusaslicer_without_a_word_and_stopped_by_the_gate(tmp_path: Path) -> None:
    """The slicer's command line does not look at the bed; without the gate the head would be driven into the frame."""
    wanted = request_for(tmp_path, stl_box(150, 30, 3), (150, 30, 3))
    _, path = await sliced(wanted)
    assert {reason.code for reason in gcode.check(path, wanted.machine)} == {"toolpath.outside"}


@needs_slicer
async def test_a_binary_stl_that_prusaslicer_takes_for_text_is_sliced_all_the_same(tmp_path: Path) -> None:
    """10 × 10 × 3 mm: no byte of its first triangles is above 127, which is how PrusaSlicer tells binary from text."""
    mesh = stl_box(10, 10, 3)
    assert max(mesh[84:212]) <= 127
    _, path = await sliced(request_for(tmp_path, mesh, (10, 10, 3)))
    assert laid(path)[0] == pytest.approx(10, abs=0.6) and path.laid_highest[2] == pytest.approx(3, abs=0.2)
    assert (tmp_path / "mesh").read_bytes() == mesh


@needs_slicer
async def test_what_is_no_mesh_is_refused_with_the_slicers_own_last_words(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="Loading of a model file failed") as refused:
        await sliced(request_for(tmp_path, b"solid nonsense", (1, 1, 1)))
    assert refused.value.code == "slicer.failed"
    assert list((tmp_path / "toolpaths").iterdir()) == []


def three_mf_with_settings(settings: str) -> bytes:
    """A 3MF as PrusaSlicer saves projects, with slicer settings inside."""
    corners = "".join(f'<vertex x="{x}" y="{y}" z="{z}"/>' for z in (0, 5) for x, y in ((0, 0), (10, 0), (10, 10), (0, 10)))
    faces = "021 032 456 467 015 054 126 165 237 276 304 347"
    triangles = "".join(f'<triangle v1="{a}" v2="{b}" v3="{c}"/>' for a, b, c in faces.split())
    model = (
        '<?xml version="1.0"?><model unit="millimeter" xmlns="http://schemas.microsoft.com/3dmanufacturing/core/2015/02"><resources>'
        f'<object id="1" type="model"><mesh><vertices>{corners}</vertices><triangles>{triangles}</triangles></mesh></object></resources>'
        '<build><item objectid="1"/></build></model>'
    )
    types = (
        '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="model" ContentType="application/vnd.ms-package.3dmanufacturing-3dmodel+xml"/></Types>'
    )
    relations = (
        '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship '
        'Target="/3D/3dmodel.model" Id="r" Type="http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"/></Relationships>'
    )
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w") as archive:
        archive.writestr("[Content_Types].xml", types)
        archive.writestr("_rels/.rels", relations)
        archive.writestr("3D/3dmodel.model", model)
        archive.writestr("Metadata/Slic3r_PE.config", settings)
    return kept.getvalue()


@needs_slicer
async def test_a_3mf_cannot_bring_a_program_or_its_own_commands_with_it(tmp_path: Path) -> None:
    """PrusaSlicer takes settings from inside a 3MF, and `post_process` names a program that it then runs."""
    trap, sprung = tmp_path / "trap.sh", tmp_path / "sprung"
    trap.write_text(f"#!/bin/sh\ntouch {sprung}\n", encoding="utf-8")
    trap.chmod(trap.stat().st_mode | stat.S_IXUSR)
    head = "; generated by PrusaSlicer 2.5.0 on 2026-01-01 at 00:00:00 UTC\n"
    settings = f"{head}; post_process = {trap}\n; start_gcode = M997\n; color_change_gcode = M500\n; temperature = 400\n"
    toolpath, path = await sliced(request_for(tmp_path, three_mf_with_settings(settings), (10, 10, 5)))
    assert toolpath.seconds > 0 and laid(path)[0] == pytest.approx(10, abs=1)
    assert not sprung.exists()
    assert path.forbidden == [] and path.hottest["the nozzle"].value == 210

    # The trap is a real one: PrusaSlicer by itself steps into it.
    (tmp_path / "project.3mf").write_bytes(three_mf_with_settings(settings))
    bare = [find_slicer(), "--export-gcode", "--output", str(tmp_path / "bare.gcode"), str(tmp_path / "project.3mf")]
    process = await asyncio.create_subprocess_exec(*bare, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL)
    await process.wait()
    assert sprung.exists()


async def test_a_damaged_3mf_is_refused_before_any_program_sees_it(tmp_path: Path) -> None:
    whole = three_mf_with_settings("")
    with pytest.raises(Refused) as refused:
        await slice_mesh(shutil.which("false") or "false", request_for(tmp_path, whole[: len(whole) // 2], (1, 1, 1)))
    assert refused.value.code == "slicer.mesh"


async def test_a_slicer_that_hangs_is_ended_with_all_its_children(tmp_path: Path) -> None:
    program = tmp_path / "hangs"
    program.write_text(f"#!/bin/sh\nsleep 60 & echo $! > {tmp_path}/child\nwait\n", encoding="utf-8")
    program.chmod(0o755)
    for limit_seconds in (1.0, 10.0, 50.0):
        with pytest.raises(Refused) as refused:
            await slice_mesh(str(program), request_for(tmp_path, stl_box(5, 5, 5), (5, 5, 5)), limit_seconds=limit_seconds)
        assert refused.value.code == "slicer.slow"
        if (tmp_path / "child").exists() and (tmp_path / "child").read_text(encoding="utf-8"):
            break  # on a busy computer it may be ended before it has begun anything
    child = int((tmp_path / "child").read_text(encoding="utf-8"))
    async with asyncio.timeout(60):  # the kernel ends it when it next gives it the processor
        while is_alive(child):
            await asyncio.sleep(0.01)


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # it may end while we read
        return False


async def test_without_a_slicer_the_owner_is_told_where_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="apt install prusa-slicer"):
        await slice_mesh(find_slicer("no-such-program"), request_for(tmp_path, stl_box(5, 5, 5), (5, 5, 5)))


@pytest.mark.parametrize(
    ("size", "turned"),
    [((50, 110, 5), []), ((110, 50, 5), ["--rotate", "90.000000"]), ((110, 110, 5), []), ((60, 60, 5), [])],
)
def test_a_quarter_turn_only_where_nothing_else_fits(size: tuple[float, float, float], turned: list[str], tmp_path: Path) -> None:
    machine = shop(tmp_path, envelope_mm=[60, 120, 100]).machine[0]
    assert turn_for(v1.Requirement(size_mm=v1.Size(x=size[0], y=size[1], z=size[2])), machine) == turned


def test_a_part_is_laid_as_the_placement_that_fits_says(prusa_slicer: str, tmp_path: Path) -> None:
    """A rod too tall to stand, laid down about Y and turned to the diagonal: the slicer's own extents must be those that were promised."""
    facts = shop(tmp_path, envelope_mm=[80, 80, 60]).machine[0]
    lying = v1.Placement(turn=v1.Rotation(y_deg=90, z_deg=45), size_mm=v1.Size(x=74.3, y=74.3, z=5))
    need = v1.Requirement(size_mm=v1.Size(x=5, y=5, z=100), placements=[v1.Placement(size_mm=v1.Size(x=5, y=5, z=100)), lying])
    mesh = tmp_path / "rod.stl"
    mesh.write_bytes(stl_box(5, 5, 100))
    turned = subprocess.run(
        [prusa_slicer, "--export-stl", *turn_for(need, facts), "--output", str(tmp_path / "turned.stl"), str(mesh)],
        check=True,
        capture_output=True,
    )
    assert turned.returncode == 0
    corners = stl_corners(tmp_path / "turned.stl")
    extents = [max(corner[axis] for corner in corners) - min(corner[axis] for corner in corners) for axis in range(3)]
    assert extents == pytest.approx([74.25, 74.25, 5], abs=0.05)


def stl_corners(file: Path) -> list[tuple[float, float, float]]:
    content = file.read_bytes()
    if content.startswith(b"solid"):
        return [tuple(map(float, line.split()[1:])) for line in content.decode().splitlines() if line.strip().startswith("vertex")]  # type: ignore[misc]
    numbers = [struct.unpack_from("<12f", content, 84 + 50 * index) for index in range(struct.unpack_from("<I", content, 80)[0])]
    return [row[at : at + 3] for row in numbers for at in (3, 6, 9)]  # type: ignore[misc]


def test_the_plain_profile_keeps_to_what_the_machine_can_stand(tmp_path: Path) -> None:
    machine: MachineSection = shop(tmp_path, max_nozzle_c=200, max_bed_c=50).machine[0]
    profile = profile_of(machine, "pla")
    assert (profile["temperature"], profile["bed_temperature"]) == ("200", "50")


def test_the_stock_that_satisfies_the_demand_is_used(tmp_path: Path) -> None:
    machine = shop(tmp_path, materials=["plywood", "petg"]).machine[0]
    wanted = offer()
    wanted.requirement.material = "thermoplastic"
    assert material_for(wanted, machine) == "petg"
