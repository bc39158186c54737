# SPDX-License-Identifier: AGPL-3.0-or-later
"""A mesh made light enough to be looked at: corners joined, and where there are too many triangles, fewer of them."""

from __future__ import annotations

from dataclasses import dataclass

import fast_simplification
import numpy as np
import numpy.typing as npt

from registry.geometry.meshes.edges import numbered
from registry.geometry.triangles import Triangles

LARGEST_BYTES = 1_990_000
"""Corners and triangles together: with its header a 3D picture stays below 2 MB, which a telephone on a village's network loads while
somebody still looks. Our own choice."""

CORNER_BYTES = TRIANGLE_BYTES = 12
"""Three float32 coordinates; three uint32 numbers of corners."""

MOST_TRIANGLES = 80_000
"""A closed surface has half a corner for each triangle, so this is 1.44 MB."""

FEWER_FIRST = 600_000
"""Above this, corners are first joined on a grid, because taking triangles out one by one would take longer than measuring the part."""

GRID = 400
"""Cells of that grid along the largest side: finer than the picture shows."""


@dataclass(frozen=True)
class Light:
    """Corners, shape (n, 3), float32, mm, and triangles by the numbers of their corners, shape (m, 3)."""

    corners: npt.NDArray[np.float32]
    faces: npt.NDArray[np.int32]


def simplified(triangles: Triangles) -> Light:
    """The mesh with at most `MOST_TRIANGLES` triangles and `LARGEST_BYTES` bytes. For pictures only.

    By quadric edge collapse (Garland and Heckbert 1997).
    """
    mesh = _welded(triangles.reshape(-1, 3).astype(np.float32))
    if len(mesh.faces) > FEWER_FIRST:
        mesh = _on_a_grid(mesh)
    if len(mesh.faces) > MOST_TRIANGLES:
        corners, faces = fast_simplification.simplify(mesh.corners, mesh.faces, target_count=MOST_TRIANGLES)
        mesh = Light(corners.astype(np.float32), faces.astype(np.int32))
    if len(mesh.faces) > MOST_TRIANGLES:  # open or knotted surfaces may not collapse far enough
        mesh = _largest(mesh, MOST_TRIANGLES)
    mesh = _used(mesh)
    if CORNER_BYTES * len(mesh.corners) + TRIANGLE_BYTES * len(mesh.faces) > LARGEST_BYTES:  # hardly a corner is shared
        mesh = _used(_largest(mesh, LARGEST_BYTES // (3 * CORNER_BYTES + TRIANGLE_BYTES)))
    return mesh


def _largest(mesh: Light, most: int) -> Light:
    """The largest triangles, for they show the most."""
    return Light(mesh.corners, mesh.faces[np.argsort(-_areas(mesh))[:most]])


def _welded(places: npt.NDArray[np.float32]) -> Light:
    """Equal corners as one."""
    numbers, first = numbered(places.astype(np.float64))
    return Light(places[first], _real(numbers.reshape(-1, 3).astype(np.int32)))


def _on_a_grid(mesh: Light) -> Light:
    low = mesh.corners.min(axis=0)
    step = max(float(np.ptp(mesh.corners, axis=0).max()), 1e-9) / GRID
    cells = np.floor((mesh.corners - low) / step).astype(np.int64)
    packed = (cells[:, 0] * (GRID + 1) + cells[:, 1]) * (GRID + 1) + cells[:, 2]
    _, first, numbers = np.unique(packed, return_index=True, return_inverse=True)
    return Light(mesh.corners[first], _real(numbers[mesh.faces].astype(np.int32)))


def _real(faces: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Triangles whose corners are three."""
    a, b, c = faces.T
    real: npt.NDArray[np.int32] = faces[(a != b) & (b != c) & (c != a)]
    return real


def _areas(mesh: Light) -> npt.NDArray[np.float32]:
    a, b, c = (mesh.corners[mesh.faces[:, corner]] for corner in range(3))
    areas: npt.NDArray[np.float32] = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    return areas


def _used(mesh: Light) -> Light:
    """Without corners that no triangle has."""
    used, numbers = np.unique(mesh.faces, return_inverse=True)
    return Light(mesh.corners[used], numbers.reshape(-1, 3).astype(np.int32))
