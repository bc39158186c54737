# SPDX-License-Identifier: AGPL-3.0-or-later
"""STL, binary and ASCII. It names no unit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from trimesh.exchange.stl import load_stl_ascii

from registry.geometry.faults import Unmeasurable
from registry.geometry.meshes.drawn import Drawn
from registry.geometry.triangles import STL_HEADER_BYTES, STL_TRIANGLE, Triangles


def read_binary(path: Path) -> Drawn:
    """The triangles of a binary STL. Errors: `Unmeasurable` (`mesh.empty`)."""
    return _some(_read_binary(path))


def read_ascii(path: Path) -> Drawn:
    """The triangles of an ASCII STL. Errors: `Unmeasurable` (`file.unreadable`, `mesh.empty`)."""
    return _some(_read_ascii(path))


def _some(triangles: Triangles) -> Drawn:
    if len(triangles) == 0:
        raise Unmeasurable("mesh.empty")
    return Drawn(triangles)


def _read_binary(path: Path) -> Triangles:
    with path.open("rb") as file:
        head = file.read(STL_HEADER_BYTES)
        count = int.from_bytes(head[-4:], "little")
        # Not trimesh: it refuses a file with bytes behind its last triangle, as several programs write them.
        return np.fromfile(file, dtype=STL_TRIANGLE, count=count)["corners"].astype(np.float64)


def _read_ascii(path: Path) -> Triangles:
    try:
        with path.open("rb") as file:
            loaded = load_stl_ascii(file)
        bodies = loaded["geometry"].values() if "geometry" in loaded else [loaded]
        corners = [np.asarray(body["vertices"], dtype=np.float64).reshape(-1, 3, 3) for body in bodies]
    except ValueError as error:
        raise Unmeasurable("file.unreadable", str(error)) from None
    return np.concatenate(corners) if corners else np.empty((0, 3, 3))
