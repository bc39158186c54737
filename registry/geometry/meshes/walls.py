# SPDX-License-Identifier: AGPL-3.0-or-later
"""How thick the walls of a part are, from rays.

From points spread evenly over the surface a ray goes straight inwards, and the first surface that it leaves the part through is the other
side of the wall (the ray method of Sinha 2007, "Thickness and clearance visualization", with one ray a point: a median over a cone of rays
would hide thin ribs). A ray that enters another body first measures nothing and is left out, as is one that leaves through nothing.
"""

from __future__ import annotations

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene

from commonfab import v1
from registry.geometry.facets import Facets, Floats
from registry.geometry.meshes.edges import Corners
from registry.geometry.triangles import Numbers

POINTS = 2000
"""Enough for the hundredth part of the surface to be seen by some twenty rays. Our own choice."""

STEP_INWARDS = 1e-5
"""Rays start inside by this part of the largest side, so that they do not meet the triangle that they start from."""

MOST_ENTERING = 0.05
NO_WALL = 2e-3
"""Where more than this share of the rays meets a surface from outside first, the surface lies on itself in places: a face that its file
trims wrongly covers another, and their facets weave through each other. What is thinner there than this part of the largest side (twice as
far as a solid's facets leave its faces) is that weave and no wall."""

EMBREE_SIDE = 100.0
"""The largest side that the part is scaled to for the ray library, which reckons with 32-bit numbers."""


def wall_thickness(facets: Facets, corners: Corners) -> v1.WallThickness | None:
    """The distribution of wall thickness over the surface, mm; nothing where no ray met another wall."""
    if not facets.areas.any():
        return None
    triangles, starts = spread(facets, POINTS)
    inwards = -facets.normals[triangles]
    hits = _first_hits(facets, corners, starts + inwards * (STEP_INWARDS * facets.largest), inwards)
    met = np.flatnonzero((hits >= 0) & (hits != triangles))
    leaving = np.einsum("ij,ij->i", facets.normals[hits[met]], inwards[met])
    entering = int((leaving < -1e-6).sum())
    met, leaving = met[leaving > 1e-6], leaving[leaving > 1e-6]
    if len(met) == 0:
        return None
    across = np.einsum("ij,ij->i", facets.triangles[hits[met], 0] - starts[met], facets.normals[hits[met]])
    thick = np.sort(np.maximum(across / leaving, 0.0))
    if entering > MOST_ENTERING * len(starts):
        thick = thick[thick > NO_WALL * facets.largest]
        if len(thick) == 0:
            return None
    p01, p05, median = np.percentile(thick, [1, 5, 50])
    return v1.WallThickness(
        least_mm=float(thick[0]), p01_mm=float(p01), p05_mm=float(p05), median_mm=float(median), most_mm=float(thick[-1]), rays=len(thick)
    )


def spread(facets: Facets, points: int) -> tuple[Numbers, Floats]:
    """`points` places spread evenly over the surface, and the triangles they are in: the same for the same mesh every time.

    Each stands for the same area; within their triangles they follow the R2 sequence (Roberts 2018), which fills a square evenly, folded
    over its diagonal.
    """
    ends = np.cumsum(facets.areas)
    triangles = np.searchsorted(ends, (np.arange(points) + 0.5) / points * ends[-1]).clip(0, len(ends) - 1)
    golden = 1.32471795724474602596
    u, v = ((0.5 + np.arange(1, points + 1) / golden**power) % 1 for power in (1, 2))
    u, v = np.where(u + v > 1, 1 - u, u), np.where(u + v > 1, 1 - v, v)
    first, second, third = (facets.triangles[triangles, corner] for corner in range(3))
    return triangles, first + u[:, None] * (second - first) + v[:, None] * (third - first)


def _first_hits(facets: Facets, corners: Corners, starts: Floats, directions: Floats) -> Numbers:
    """The triangle that each ray meets first, or -1."""
    middle, scale = (facets.low + facets.high) / 2, EMBREE_SIDE / facets.largest
    scene = EmbreeScene()
    TriangleMesh(scene=scene, vertices=((corners.places - middle) * scale).astype(np.float32), indices=corners.numbers.astype(np.int32))
    hits: Numbers = scene.run(((starts - middle) * scale).astype(np.float32), directions.astype(np.float32)).astype(np.int64)
    return hits
