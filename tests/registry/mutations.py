# SPDX-License-Identifier: AGPL-3.0-or-later
"""Small whole files of every format that is measured, and ways to spoil them. The same format and number always give the same bytes."""

from __future__ import annotations

import io
import random
import re
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
from drawings import Triangles, ascii_stl, ball, binary_stl, box, moved, write_3mf, write_step

NUMBER = re.compile(rb"[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?")
ODD_NUMBERS = (b"nan", b"inf", b"1e308", b"-1e308", b"1e-320", b"-1", b"0", b"4294967296", b"2147483648", b"9" * 40, b"", b"1.5", b"\xff")
ODD_WORDS = tuple(
    struct.pack(form, value)
    for form, value in (
        ("<f", float("nan")),
        ("<f", float("inf")),
        ("<f", 1e38),
        ("<f", -1e-40),
        ("<i", -1),
        ("<i", 0),
        ("<I", 2**31),
        ("<I", 2**24),
        ("<d", 1e308),
        ("<d", float("nan")),
        (">I", 1),
    )
)


def flip_bits(data: bytearray, dice: random.Random) -> None:
    for _ in range(dice.choice((1, 1, 2, 8))):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)


def swap_bytes(data: bytearray, dice: random.Random) -> None:
    for _ in range(dice.choice((1, 4))):
        here, there = dice.randrange(len(data)), dice.randrange(len(data))
        data[here], data[there] = data[there], data[here]


def truncate(data: bytearray, dice: random.Random) -> None:
    del data[dice.randrange(len(data)) :]


def splice(data: bytearray, dice: random.Random) -> None:
    begin = dice.randrange(len(data))
    piece = bytes(data[begin : begin + dice.choice((1, 4, 50, 400))])
    at = dice.randrange(len(data))
    data[at : at + dice.choice((0, 0, 4, 50))] = piece


def change_number(data: bytearray, dice: random.Random) -> None:
    found = list(NUMBER.finditer(data))
    for match in sorted(dice.sample(found, min(len(found), dice.choice((1, 1, 3)))), key=lambda match: -match.start()):
        data[match.start() : match.end()] = dice.choice(ODD_NUMBERS)


def overwrite_word(data: bytearray, dice: random.Random) -> None:
    word = dice.choice(ODD_WORDS)
    at = dice.randrange(len(data)) // 2 * 2
    data[at : at + len(word)] = word


def change_lines(data: bytearray, dice: random.Random) -> None:
    lines = bytes(data).split(b"\n")
    at, how = dice.randrange(len(lines)), dice.randrange(4)
    if how == 0:
        del lines[at : at + dice.choice((1, 2, 10))]
    elif how == 1:
        lines.insert(dice.randrange(len(lines)), lines[at])
    elif how == 2:
        lines[at:at] = [lines[at]] * dice.choice((2, 200))
    else:
        other = dice.randrange(len(lines))
        lines[at], lines[other] = lines[other], lines[at]
    data[:] = b"\n".join(lines)


WAYS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    flip_bits,
    swap_bytes,
    truncate,
    splice,
    change_number,
    change_number,
    overwrite_word,
    change_lines,
)


def mutated(kind: str, seeds: Mapping[str, bytes], number: int) -> bytes:
    """The mutation `number` of the seed file `kind`. In an archive it is mostly the files inside that are spoilt."""
    dice = random.Random(f"{kind} {number}")
    seed = seeds[kind]
    if seed.startswith(b"PK") and dice.random() < 0.75:
        return _inside(seed, dice)
    return _spoilt(seed, dice)


def _spoilt(seed: bytes, dice: random.Random) -> bytes:
    data = bytearray(seed)
    for _ in range(dice.choice((1, 1, 1, 2, 5))):
        if data:
            dice.choice(WAYS)(data, dice)
    while data == seed and data:  # no lines to be doubled in a binary file, no numbers to be replaced
        dice.choice(WAYS)(data, dice)
    return bytes(data)


def _inside(seed: bytes, dice: random.Random) -> bytes:
    with zipfile.ZipFile(io.BytesIO(seed)) as archive:
        entries = [(info.filename, archive.read(info)) for info in archive.infolist()]
    at = dice.randrange(len(entries))
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", dice.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        for index, (name, data) in enumerate(entries):
            archive.writestr(zipfile.ZipInfo(name), _spoilt(data, dice) if index == at else data)
    return written.getvalue()


def _obj(triangles: Triangles) -> bytes:
    corners, sides = np.unique(triangles.reshape(-1, 3), axis=0, return_inverse=True)
    lines = ["o part", *(f"v {x} {y} {z}" for x, y, z in corners), *(f"f {a} {b} {c}" for a, b, c in sides.reshape(-1, 3) + 1)]
    return "\n".join(lines).encode() + b"\n"


def _amf() -> bytes:
    corners, sides = np.unique(box(10, 20, 30).reshape(-1, 3), axis=0, return_inverse=True)
    places = "".join(f"<vertex><coordinates><x>{x}</x><y>{y}</y><z>{z}</z></coordinates></vertex>" for x, y, z in corners)
    faces = "".join(f"<triangle><v1>{a}</v1><v2>{b}</v2><v3>{c}</v3></triangle>\n" for a, b, c in sides.reshape(-1, 3))
    mesh = f"<mesh><vertices>{places}</vertices>\n<volume>{faces}</volume></mesh>"
    placed = '<constellation id="2"><instance objectid="1"><deltax>5</deltax><rz>90</rz></instance></constellation>'
    return f'<?xml version="1.0"?>\n<amf unit="millimeter"><object id="1">{mesh}</object>{placed}</amf>'.encode()


def _svg() -> bytes:
    return b"""<?xml version="1.0"?>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="120mm" height="80mm" viewBox="0 0 120 80">
<style>.cut { stroke: #ff0000; fill: none }</style>
<defs><circle id="hole" r="3"/></defs>
<g transform="translate(10 10) rotate(15) scale(1.5 1)" class="cut">
<rect x="0" y="0" width="60" height="40" rx="4" stroke="red" fill="none"/>
<use xlink:href="#hole" x="10" y="10"/><ellipse cx="30" cy="20" rx="8" ry="5"/>
<path d="M5 30 h10 v5 q2 2 -5 0 t 3 1 C 1 2 3 4 5 6 S 7 8 9 10 A 5 3 20 0 1 20 30 L5 30 z" stroke="black" fill="none"/>
</g><polygon points="70,10 100,10 100,40"/><line x1="0" y1="70" x2="50" y2="70" stroke="black"/><text x="5" y="75">name</text>
</svg>
"""


FDM = (
    b"; generated by PrusaSlicer 2.6.0\nM104 S215\nM140 S60\nG21\nG90\nM83\nG28\nT0\nG92 E0\n"
    + b"".join(b"G1 X%d Y%d Z%.1f E0.4 F1800\nG2 X%d Y%d I5 J0 E0.3\n" % (10 + n, 20, 0.2 * n, 20 + n, 20) for n in range(1, 12))
    + b"M104 S0\n; estimated printing time (normal mode) = 12m 30s\n; filament used [mm] = 123.4\n; nozzle_diameter = 0.4\n"
)
MILLING = (
    b"%\nO1000 (plate)\nG20 G90 G17 G94\nT1 M6\nS12000 M3\nG0 X0 Y0 Z0.5\nG1 Z-0.1 F10\nG3 X1 Y1 R1.0\nG2 X2 Y0 I0.5 J-0.5 Z-0.2\n"
    b"G81 X1 Y1 Z-0.5 R0.1 F5\nX2 Y2\nG80\n#1=5\nG1 X[#1+2]\nG91 G28 Z0\nM5\nM30\n%\n"
)


def _zipped(entries: Mapping[str, bytes]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return written.getvalue()


def _dxf(release: str, form: str) -> bytes:
    from ezdxf.filemanagement import new

    document = new(release)
    space = document.modelspace()
    space.add_lwpolyline([(0, 0), (60, 0, 0, 0, 0.5), (60, 40), (0, 40)], close=True) if release != "R12" else space.add_polyline2d(
        [(0, 0), (60, 0), (60, 40), (0, 40)], close=True
    )
    space.add_circle((15, 15), 4)
    space.add_arc((40, 20), 6, 0, 180)
    space.add_line((34, 20), (46, 20))
    block = document.blocks.new("SLOT")
    block.add_circle((0, 0), 1)
    space.add_blockref("SLOT", (50, 30), dxfattribs={"xscale": 2, "yscale": 2, "rotation": 30})
    if release != "R12":
        space.add_ellipse((30, 30), (5, 0), 0.5)
        space.add_spline([(5, 30), (10, 35), (15, 30)])
    space.add_text("name")
    text = io.BytesIO() if form == "bin" else io.StringIO()
    document.write(text, fmt=form)  # type: ignore[arg-type]
    written = text.getvalue()
    return written if isinstance(written, bytes) else written.encode()


def _solids(folder: Path) -> dict[str, bytes]:
    import cadquery
    from OCP.IGESControl import IGESControl_Writer

    write_step(folder / "a.step", 30, 20, 10)
    part = cadquery.Workplane().box(30, 20, 5).faces(">Z").workplane().hole(6).edges("|Z").fillet(2)
    part.val().exportBrep(str(folder / "a.brep"))
    writer = IGESControl_Writer("MM", 1)
    writer.AddShape(part.val().wrapped)
    writer.ComputeModel()
    writer.Write(str(folder / "a.igs"))
    return {kind: (folder / f"a.{kind}").read_bytes() for kind in ("step", "brep", "igs")}


def _threemf(folder: Path) -> bytes:
    write_3mf(folder / "a.3mf", box(10, 20, 30), places=((0, 0, 0), (40, 0, 0)))
    return (folder / "a.3mf").read_bytes()


def seeds(folder: Path) -> Mapping[str, bytes]:
    """A small whole file of each kind, by a name that says what it is; `folder` is where programs write theirs first."""
    import trimesh

    mesh = np.concatenate([box(10, 20, 30), moved(ball(5, 4), 30, 5, 5)])
    body = trimesh.Trimesh(**trimesh.triangles.to_kwargs(mesh))
    sliced = {"[Content_Types].xml": b"<Types/>", "Metadata/plate_1.gcode": FDM, "Metadata/slice_info.config": b"<config/>"}
    return MappingProxyType(
        {
            "stl": binary_stl(mesh),
            "ascii stl": ascii_stl(mesh),
            "obj": _obj(mesh),
            "ply": bytes(body.export(file_type="ply")),
            "ascii ply": bytes(body.export(file_type="ply", encoding="ascii")),
            "off": body.export(file_type="off").encode(),
            "glb": bytes(body.export(file_type="glb")),
            "amf": _amf(),
            "zipped amf": _zipped({"a.amf": _amf()}),
            "3mf": _threemf(folder),
            "svg": _svg(),
            "r12 dxf": _dxf("R12", "asc"),
            "dxf": _dxf("R2010", "asc"),
            "binary dxf": _dxf("R2010", "bin"),
            "fdm": FDM,
            "milling": MILLING,
            "gcode.3mf": _zipped(sliced),
            **_solids(folder),
        }
    )
