# SPDX-License-Identifier: AGPL-3.0-or-later
"""The convex hull of many points, quickly: what lies well inside never reaches the hull's own algorithm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import ConvexHull, QhullError

Floats = npt.NDArray[np.float64]

FEW = 5000
"""So many points go to the hull's own algorithm: some 25 ms."""

DIRECTIONS = 32
CELLS = 28
"""Where more than `FEW` points are left outside a first hull, each side of a cube round the part, as large as the part along each axis, is
divided into so many cells along both directions, and the farthest point seen in each is kept.

The points kept in neighbouring cells are up to 4/28 of the radius apart, so a ball loses up to 0.26 % of its radius between them (the
sagitta of a chord, c²/8r). A part with at most `FEW` points outside the first hull loses nothing.
"""
CHUNK = 10_000


@dataclass(frozen=True)
class Hull:
    """`points`, shape (m, 3), its corners; `normals`, shape (k, 3), outwards, and `areas`, shape (k,), mm², of its triangles; `volume`,
    mm³. `exact`, whether no point of it was left out; else its volume is up to 0.6 % too small."""

    points: Floats
    normals: Floats
    areas: Floats
    volume: float
    exact: bool


def hull_of(points: Floats) -> Hull | None:
    """The convex hull of `points`, shape (n, 3), mm; nothing for points in one plane."""
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    sides = np.ptp(points, axis=0)
    if not sides.all():
        return None
    exact = True
    try:
        if len(points) > FEW:
            kept, exact = _outside((points - middle) / (sides / 2))
            points = points[kept]
        points = points - middle
        hull = ConvexHull(points)
    except (QhullError, ValueError):
        return None
    first, second, third = (points[hull.simplices[:, corner]] for corner in range(3))
    areas = np.linalg.norm(np.cross(second - first, third - first), axis=1) / 2
    return Hull(points[hull.vertices] + middle, hull.equations[:, :3], areas, float(hull.volume), exact)


def _outside(scaled: Floats) -> tuple[npt.NDArray[np.int64], bool]:
    """Indices of points that may be on the hull, and whether they are all of those.

    Parameters: `scaled`, from -1 to 1 along each axis (an affine map keeps the hull's corners).
    """
    extremes = _extremes(scaled)
    first = ConvexHull(scaled[extremes])
    normals, offsets = first.equations[:, :3].astype(np.float32), first.equations[:, 3].astype(np.float32)
    small = scaled.astype(np.float32)
    beyond = np.concatenate(
        [(normals @ small[i : i + CHUNK].T + offsets[:, None]).max(axis=0) > -1e-5 for i in range(0, len(small), CHUNK)]
    )
    left = np.flatnonzero(beyond)
    exact = len(left) <= FEW
    if not exact:
        left = left[_farthest(scaled[left])]
    return np.union1d(left, extremes), exact


def _extremes(scaled: Floats) -> npt.NDArray[np.int64]:
    """The farthest points along evenly spread directions (a Fibonacci spiral) and along the axes."""
    step = np.arange(DIRECTIONS) + 0.5
    height, angle = 1 - 2 * step / DIRECTIONS, np.pi * (1 + 5**0.5) * step
    radius = np.sqrt(1 - height**2)
    fan = np.stack([radius * np.cos(angle), radius * np.sin(angle), height], axis=1)
    directions = np.concatenate([fan, np.eye(3), -np.eye(3)])
    farthest: npt.NDArray[np.int64] = np.unique((directions.astype(np.float32) @ scaled.T.astype(np.float32)).argmax(axis=1))
    return farthest


def _farthest(scaled: Floats) -> npt.NDArray[np.int64]:
    """For each cell of the six sides of a cube, the point farthest out along its line from the middle."""
    main = np.abs(scaled).argmax(axis=1)
    along = np.take_along_axis(scaled, main[:, None], axis=1)[:, 0]
    others = np.stack([np.take_along_axis(scaled, ((main + turn) % 3)[:, None], axis=1)[:, 0] for turn in (1, 2)], axis=1)
    cells = np.clip(((others / np.abs(along)[:, None] + 1) * (CELLS / 2)).astype(np.int64), 0, CELLS - 1)
    number = ((main * 2 + (along > 0)) * CELLS + cells[:, 0]) * CELLS + cells[:, 1]
    order = np.lexsort((-(scaled**2).sum(axis=1), number))
    starts = np.flatnonzero(np.concatenate([[True], np.diff(number[order]) > 0]))
    chosen: npt.NDArray[np.int64] = order[starts]
    return chosen
