# SPDX-License-Identifier: AGPL-3.0-or-later
"""What room a part takes when it is turned about the vertical.

A part fits a rectangle in *some* turn, and which one depends on the rectangle: a long strip needs the diagonal of a square bed and the
length of a narrow one. So what is kept is every box that no other box beats along both sides.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial import ConvexHull, QhullError

from commonfab import v1

Points = npt.NDArray[np.float64]

STEP_DEG = 1.0
"""Turns that are tried besides those with an edge of the hull along an axis, the smallest box among them (Freeman, Shapira 1975)."""

MOST_BOXES = 24
"""Of more boxes than these, so many are kept, evenly from the longest and narrowest to the one that is shortest along its longer side."""

LEAST_GAIN = 1e-3
"""A box must be shorter than its neighbour by this part to be kept besides it."""

MOST_CORNERS = 180

FEW, FAN, CHUNK = 2000, 24, 10_000
"""Of more points than these, those inside the polygon of the farthest along so many directions never reach the hull's own algorithm."""


def turned_boxes(points: Points, height: float, turn: v1.Rotation | None = None) -> list[v1.Placement]:
    """The boxes that a part needs over turns about the vertical, the smallest footprint first.

    Parameters: `points`, shape (n, 2), what is seen from above, mm; `height`, mm; `turn`, how the part lies already, to which the turn
    about Z is added.
    """
    before = turn or v1.Rotation()
    hull = hull_corners(points)
    angles = _angles(hull)
    sides = extents(hull, angles)
    chosen = sorted(_spread(_unbeaten(sides)), key=lambda index: float(sides[index].prod()))
    return [
        v1.Placement(
            turn=v1.Rotation(x_deg=before.x_deg, y_deg=before.y_deg, z_deg=(before.z_deg + float(np.degrees(angles[index]))) % 360),
            size_mm=v1.Size(x=float(sides[index, 0]), y=float(sides[index, 1]), z=height),
        )
        for index in chosen
    ]


def hull_corners(points: Points) -> Points:
    """The corners of the convex hull, in order; for points on a line its two ends."""
    points = points if len(points) <= FEW else points[_outside(points)]
    try:
        corners: Points = points[ConvexHull(points).vertices]
        return corners
    except (QhullError, ValueError):  # all on one line, or fewer than three
        along = points - points[0]
        far = points[int(np.argmax((along**2).sum(axis=1)))]
        other = points[int(np.argmax(((points - far) ** 2).sum(axis=1)))]
        return np.array([far, other])


def _outside(points: Points) -> npt.NDArray[np.int64]:
    """Indices of the points that are not well inside the polygon of those farthest along a fan of directions."""
    angles = np.arange(FAN) * (2 * np.pi / FAN)
    fan = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    some = np.concatenate([part[(fan @ part.T).argmax(axis=1)] for part in _parts(points)])
    farthest = some[(fan @ some.T).argmax(axis=1)]
    edges = np.roll(farthest, -1, axis=0) - farthest
    normals = np.stack([edges[:, 1], -edges[:, 0]], axis=1)
    # Where one point is the farthest along two directions, the edge between has no length.
    normals = normals[edges.any(axis=1)]
    limits = np.einsum("ij,ij->i", farthest[edges.any(axis=1)], normals) - 1e-9 * (normals**2).sum(axis=1)
    beyond = np.concatenate([(normals @ part.T - limits[:, None]).max(axis=0, initial=-1.0) >= 0 for part in _parts(points)])
    kept: npt.NDArray[np.int64] = np.flatnonzero(beyond) if len(normals) else np.arange(len(points))
    return kept


def _parts(points: Points) -> list[Points]:
    """Pieces small enough for what is made of them to stay in the processor's cache."""
    return [points[start : start + CHUNK] for start in range(0, len(points), CHUNK)]


def extents(hull: Points, angles: Points) -> Points:
    """The sides (along X, along Y) of the box round `hull` when it is turned by each of `angles`, radians; shape (n, 2)."""
    cosine, sine = np.cos(angles)[:, None], np.sin(angles)[:, None]
    x, y = hull[:, 0], hull[:, 1]
    along, across = cosine * x - sine * y, sine * x + cosine * y
    return np.stack([np.ptp(along, axis=1), np.ptp(across, axis=1)], axis=1)


def _angles(hull: Points) -> Points:
    """The turns to be tried, radians in [0, π): an even fan, and those that lay an edge of the hull along X or Y. As drawn is the first."""
    edges = np.roll(hull, -1, axis=0) - hull
    longest = np.argsort(-(edges**2).sum(axis=1))[:MOST_CORNERS]
    level = -np.arctan2(edges[longest, 1], edges[longest, 0])
    fan = np.radians(np.arange(0.0, 180.0, STEP_DEG))
    turns = np.concatenate([fan, level, level + np.pi / 2]) % np.pi
    return np.concatenate([[0.0], np.unique(turns)])


def _unbeaten(sides: Points) -> list[int]:
    """Indices of boxes that no other beats along both sides, with the longer side along X first."""
    longer = np.maximum(sides[:, 0], sides[:, 1])
    shorter = np.minimum(sides[:, 0], sides[:, 1])
    order = np.lexsort((np.arange(len(sides)), np.round(longer, 9), np.round(shorter, 9)))
    kept: list[int] = []
    least_longer = np.inf
    for index in order:  # by growing shorter side: each that is kept must have a shorter longer side than all before
        if longer[index] < least_longer * (1 - LEAST_GAIN):
            least_longer = float(longer[index])
            kept.append(int(index))
    return kept


def _spread(kept: list[int]) -> list[int]:
    """At most `MOST_BOXES` of them, the first and the last among them."""
    if len(kept) <= MOST_BOXES:
        return kept
    return [kept[round(place)] for place in np.linspace(0, len(kept) - 1, MOST_BOXES)]
