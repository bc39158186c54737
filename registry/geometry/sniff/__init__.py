# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a file is, found from its content; its name plays no part.

Only the beginning and the end of the file are read, and of a zip archive its directory. `sniff` and `check_promise` are the door.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from commonfab import v1
from registry.geometry.faults import Unmeasurable
from registry.geometry.sniff.archives import EMPTY, START, archive
from registry.geometry.sniff.drawings import binary_dxf
from registry.geometry.sniff.exchange import brep
from registry.geometry.sniff.glance import Glance
from registry.geometry.sniff.magic import check_magic
from registry.geometry.sniff.meshes import glb, ply
from registry.geometry.sniff.stl import announced, binary_by_length, binary_by_triangles
from registry.geometry.sniff.text import text

PROMISES = (".stl", ".3mf", ".step", ".stp", ".iges", ".igs", ".obj", ".ply", ".off", ".amf", ".glb", ".dxf", ".svg")


def sniff(path: Path) -> v1.FileFormat.ValueType:
    """The format of the file at `path`.

    Errors: `Unmeasurable` where it is none that is known, or is cut short: `file.empty`, `file.truncated`, `file.breaks_off`, `file.text`,
    `file.json`, `file.web_page`, `file.lfs_pointer`, `file.picture`, `file.document`, `file.dwg`, `file.closed`, `file.unsupported`,
    `file.encrypted`, `file.zip_broken`, `file.zip_entries`, `file.zip_lies`, `file.unrecognised`; `OSError`.
    """
    glance = Glance.at(path)
    if glance.size == 0:
        raise Unmeasurable("file.empty")
    # Nothing but triangles has the very length that its count says; but a count of none says little.
    if announced(glance) and binary_by_length(glance):
        return v1.FILE_FORMAT_STL_BINARY
    if glance.head.startswith((START, EMPTY)):
        return archive(glance)
    for binary in (glb, ply, binary_dxf, brep):
        if found := binary(glance):
            return found
    check_magic(glance)
    if glance.is_text:
        return text(glance)
    if found := v1.FILE_FORMAT_STL_BINARY if binary_by_length(glance) else binary_by_triangles(glance):
        return found
    raise Unmeasurable("file.unrecognised")


def check_promise(path: Path, name: str) -> None:
    """Whether a file that is called `name` plainly is not what that name promises.

    Only first and last bytes are looked at, so this is safe outside the sandbox; what is inside an archive is for the sandbox to find out.
    A name that promises nothing we measure is never refused. Errors: as `sniff`.
    """
    if PurePosixPath(name).suffix.lower() in PROMISES and not Glance.at(path).head.startswith((START, EMPTY)):
        sniff(path)
