# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the ending of a file's name promises. Content decides in the end; the ending says which files of a folder are worth looking at."""

from __future__ import annotations

from pathlib import PurePosixPath

SOLIDS = (".step", ".stp", ".brep", ".brp", ".iges", ".igs")
MESHES = (".3mf", ".amf", ".stl", ".ply", ".off", ".obj", ".glb")
DRAWINGS = (".dxf", ".svg")

PARTS = (*SOLIDS, *MESHES, *DRAWINGS)
"""Endings of files that describe a part, the richest description first."""


def ending(path: str) -> str:
    """The ending in lower case, with its dot; of `plate.gcode.3mf` that is ".gcode", because such a file is a toolpath."""
    name = PurePosixPath(path).name.lower()
    return ".gcode" if name.endswith(".gcode.3mf") else PurePosixPath(name).suffix


def file_stem(path: str) -> str:
    """The path without its ending, by which the files of one part are known: `plates/arm` for `plates/arm.gcode.3mf`."""
    return path[: -len(".gcode.3mf")] if path.lower().endswith(".gcode.3mf") else str(PurePosixPath(path).with_suffix(""))


def describes_a_part(path: str) -> bool:
    """Whether the name promises a file that describes a part's shape."""
    return ending(path) in PARTS


def richness(path: str) -> int:
    """The place of a file among those that describe a part: 0 describes it best."""
    return PARTS.index(ending(path))
