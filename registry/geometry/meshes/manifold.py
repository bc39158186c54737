# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the manifold library says of a mesh, and with its help which bodies touch."""

from __future__ import annotations

import manifold3d
import numpy as np

from registry.geometry.facets import Facets
from registry.geometry.meshes.bodies import Bodies
from registry.geometry.meshes.edges import ROUNDING, Edges, numbered
from registry.geometry.triangles import Numbers

MOST_RUN = 5_000
"""Up to so many triangles the library judges every mesh, in some 10 ms. Beyond, its own rule is applied where it leaves no doubt."""

MOST_TRIANGLES = 1_000_000
NOT_RUN = "NotRun"
"""The verdict on a doubtful mesh of more triangles than the library judges in a second or two; edges are counted all the same."""

NO_ERROR, NOT_MANIFOLD = str(manifold3d.Error.NoError.name), str(manifold3d.Error.NotManifold.name)

MOST_PAIRED = 100_000
MOST_PAIRS = 200
"""Triangles and pairs of bodies that are tried for intersection; pairs beyond that are taken as apart unless they share a corner."""


def verdict_of(edges: Edges) -> str:
    """ "NoError", or the name of the library's error, for the mesh with its corners joined as `edges_of` joined them.

    No gap is closed for it: corners are joined as written or within the rounding of a 32-bit number, as slicers do on reading, and
    triangles with two corners in one place, which have no surface, are left out.

    The library's rule is that every side of a triangle is met by one that runs the other way. The edges say so already: with an open or
    twisted one it is broken, with none of them, and none crowded, it is kept. Its verdict on a large mesh would take a third of all the
    time that measuring takes, so there it is asked only about crowded edges, of which it pairs some and not others.
    """
    triangles = edges.corners.numbers[edges.shells >= 0]
    if len(triangles) > MOST_RUN and (edges.open or edges.twisted):
        return NOT_MANIFOLD
    if len(triangles) > MOST_RUN and not edges.crowded:
        return NO_ERROR
    if len(triangles) > MOST_TRIANGLES:
        return NOT_RUN
    return str(_solid(edges, triangles).status().name)


def _solid(edges: Edges, triangles: Numbers) -> manifold3d.Manifold:
    """The library's solid of `triangles`; coordinates as 32-bit numbers about the middle, which STL files have anyway."""
    places = edges.corners.places
    middle = (places.min(axis=0) + places.max(axis=0)) / 2
    return manifold3d.Manifold(manifold3d.Mesh((places - middle).astype(np.float32), triangles.astype(np.uint32)))


def touching(facets: Facets, edges: Edges, bodies: Bodies) -> int:
    """How many bodies touch or intersect another one; a body and the cavity around it do not.

    Bodies touch where they share a corner, or where the library finds no gap between them. The second is tried for closed bodies with
    boxes that meet, as many as `MOST_PAIRED` and `MOST_PAIRS` allow, the smallest first.
    """
    if len(edges.closed) < 2:
        return 0
    near = _sharing(edges) & ~bodies.cavity
    solid = np.flatnonzero(edges.closed & ~bodies.cavity & (bodies.volumes != 0))
    reach = facets.largest * ROUNDING * 4
    built: dict[int, manifold3d.Manifold] = {}
    budget = MOST_PAIRED
    for one, other in _pairs(bodies, solid, reach)[:MOST_PAIRS]:
        budget -= int(bodies.triangles[one] + bodies.triangles[other])
        if budget < 0:
            break
        if near[one] and near[other]:
            continue
        for shell in (one, other):
            if shell not in built:
                built[shell] = _shell(edges, bodies, shell)
        if not any(built[shell].is_empty() for shell in (one, other)) and built[one].min_gap(built[other], reach * 2) <= reach:
            near[[one, other]] = True
    return int(near.sum())


def _shell(edges: Edges, bodies: Bodies, shell: int) -> manifold3d.Manifold:
    triangles = edges.corners.numbers[edges.shells == shell]
    return _solid(edges, triangles[:, ::-1] if bodies.turned[shell] else triangles)


def _pairs(bodies: Bodies, solid: Numbers, reach: float) -> list[tuple[int, int]]:
    """Pairs of shells with boxes that meet, those with the fewest triangles first."""
    order = solid[np.argsort(bodies.triangles[solid], kind="stable")][:500]
    lows, highs = bodies.lows[order] - reach, bodies.highs[order] + reach
    meet = (lows[:, None] <= highs[None]).all(axis=2) & (highs[:, None] >= lows[None]).all(axis=2)
    one, other = np.nonzero(np.triu(meet, 1))
    fewest = np.argsort(bodies.triangles[order][one] + bodies.triangles[order][other], kind="stable")
    pairs = [(int(order[one[pair]]), int(order[other[pair]])) for pair in fewest]
    return [(one, other) for one, other in pairs if _room(bodies, one) == _room(bodies, other)]


def _room(bodies: Bodies, shell: int) -> int:
    """The next cavity round a shell, or -1: what lies loose in a cavity does not touch what is outside."""
    around = int(bodies.around[shell])
    while around >= 0 and not bodies.cavity[around]:
        around = int(bodies.around[around])
    return around


def _sharing(edges: Edges) -> np.typing.NDArray[np.bool_]:
    """Which shells have a corner in common with another, whatever object they belong to."""
    places = edges.corners.places
    same, _ = numbered(places)
    real = edges.shells >= 0
    count = len(edges.closed)
    pairs = np.sort(same[edges.corners.numbers[real]].ravel() * count + np.repeat(edges.shells[real], 3))
    pairs = pairs[np.concatenate([[True], pairs[1:] != pairs[:-1]])]
    corners, shells = pairs // count, pairs % count
    shared = np.bincount(corners)[corners] > 1
    found = np.zeros(count, dtype=bool)
    found[shells[shared]] = True
    return found
