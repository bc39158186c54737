# SPDX-License-Identifier: AGPL-3.0-or-later
"""How a part may lie on a bed: as it is drawn, and on the largest flat faces of its convex hull.

A part can rest on no other face than one of its hull. For each, the boxes that it needs, the area that really touches the bed, and what
would hang in the air.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from commonfab import v1
from registry.geometry.boxes import turned_boxes
from registry.geometry.facets import Facets, facets_of
from registry.geometry.hull import Hull, hull_of
from registry.geometry.triangles import Triangles
from registry.geometry.turning import matrix_of, rotation_laying

Floats = npt.NDArray[np.float64]

MOST_LIES = 6
LEAST_FACE = 0.01
"""A face of less than this part of the hull's surface is none to lie on. Our own choice: a ball or a vase gets no lies from its facets."""

MOST_TRIED = 100
"""Triangles of the hull, the largest first, that a flat face is looked for round."""

FLAT_DEG = 0.5
"""Facets within this angle are one flat face: more than the rounding of 32-bit numbers tilts them, less than a tessellated curve does."""

ON_BED = 1e-4
"""What is nearer to the lowest plane than this part of the largest side lies on the bed: 0.01 mm in 100 mm."""

OVERHANG = float(np.cos(np.radians(45.0)))
"""Surfaces that face down with less than 45° to the horizontal need support: the usual limit of fused filament, and what slicers preset."""

DOWN = np.array([0.0, 0.0, -1.0])


def lies(triangles: Triangles) -> list[v1.Lie]:
    """Ways in which a part may lie: as drawn first, then on its flat faces, the one that touches the bed most first.

    Parameters: `triangles`, mm, of a surface whose normals look outwards.
    """
    points = triangles.reshape(-1, 3)
    return lies_of(facets_of(triangles), points, hull_of(points))


def lies_of(facets: Facets, points: Floats, hull: Hull | None) -> list[v1.Lie]:
    """As `lies`, where facets, all `points` of the surface, and their hull (nothing for a flat surface) are known already."""
    points = hull.points if hull is not None and hull.exact else points
    faces = [] if hull is None else flat_faces(hull)
    others = [normal for normal in faces if normal @ DOWN < np.cos(np.radians(FLAT_DEG))][: MOST_LIES - 1]
    normals = np.array([DOWN, *others])
    facing = facets.normals @ normals.T
    found = [_lie(facets, points, normal, facing[:, index]) for index, normal in enumerate(normals)]
    found[0].as_drawn = True
    return [found[0], *sorted(found[1:], key=lambda lie: -lie.base_area_mm2)]


def flat_faces(hull: Hull) -> list[Floats]:
    """The outward normals of the hull's flat faces, the largest face first, each the mean over the triangles that make it up."""
    order = np.argsort(-hull.areas, kind="stable")
    normals, areas = hull.normals[order], hull.areas[order]
    near = normals[:MOST_TRIED] @ normals.T > np.cos(np.radians(FLAT_DEG))
    free = np.ones(len(areas), dtype=bool)
    faces: list[tuple[float, Floats]] = []
    for index in range(min(len(areas), MOST_TRIED)):
        if not free[index]:
            continue
        same = np.flatnonzero(free & near[index])
        free[same] = False
        mean = areas[same] @ normals[same]
        faces.append((float(areas[same].sum()), mean / np.linalg.norm(mean)))
    least = LEAST_FACE * float(areas.sum())
    return [normal for area, normal in sorted(faces, key=lambda face: -face[0]) if area >= least]


def _lie(facets: Facets, points: Floats, normal: Floats, facing: Floats) -> v1.Lie:
    """The part with `normal` downwards; `facing`, shape (n,), the cosine between each facet's normal and `normal`."""
    turn = v1.Rotation() if normal @ DOWN == 1 else rotation_laying(normal)
    turned = points @ matrix_of(turn).T
    height = float(np.ptp(turned[:, 2]))
    down = np.flatnonzero(facing > OVERHANG + 1e-6)
    depths = (facets.triangles[down] @ normal).min(axis=1)
    resting = (facing[down] > np.cos(np.radians(FLAT_DEG))) & (depths > float((points @ normal).max()) - ON_BED * facets.largest)
    base = float(facets.areas[down][resting].sum())
    return v1.Lie(
        placements=turned_boxes(turned[:, :2], height, turn),
        base_area_mm2=base,
        overhang_area_mm2=float(facets.areas[down].sum()) - base,
    )
