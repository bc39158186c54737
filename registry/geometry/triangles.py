# SPDX-License-Identifier: AGPL-3.0-or-later
"""Triangles as every kind of file hands them on, and as a binary STL on the disk.

A mesh is a `float64` array of shape (n, 3, 3): triangles, corners, coordinates.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

Triangles = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

STL_HEADER_BYTES = 84
STL_TRIANGLE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
"""A binary STL is 80 bytes of free text, a little-endian 32-bit count, and 50 bytes a triangle (3D Systems, 1988)."""


def write_stl(path: Path, triangles: Triangles) -> None:
    """Write a binary STL with zero normals, which readers compute for themselves."""
    rows = np.zeros(len(triangles), dtype=STL_TRIANGLE)
    rows["corners"] = triangles
    with path.open("wb") as file:
        file.write(b"commonfab, millimetres".ljust(STL_HEADER_BYTES - 4, b" "))
        file.write(len(rows).to_bytes(4, "little"))
        file.write(rows.data)
