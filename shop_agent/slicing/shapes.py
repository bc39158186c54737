# SPDX-License-Identifier: AGPL-3.0-or-later
"""The mesh as the slicer may see it: shapes and nothing else, under a name that says what it is."""

from __future__ import annotations

import shutil
import struct
import zipfile
from pathlib import Path

from commonfab.errors import Refused

LARGEST_MODEL_BYTES = 2 * 1024**3


def only_shapes(mesh: Path, work: Path) -> Path:
    """The mesh in the folder `work` under a name whose ending says what it is; of a 3MF only the model, without any settings.

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
