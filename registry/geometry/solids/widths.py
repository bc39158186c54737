# SPDX-License-Identifier: AGPL-3.0-or-later
"""How wide an outline is at its narrowest place. Pure."""

from __future__ import annotations

import numpy as np

from registry.geometry.solids.faces import Body, Points, across

MOST_RAYS = 200
"""Places on an outline that are looked across from; more would find hardly more."""

MOST_SEGMENTS = 5000
"""Segments that rays are tried against: with more, the floor of a pocket with a thousand islands would fill the memory."""

FACING = 0.7
"""Two walls face each other when they are within 45° of parallel: the corner of a triangle is no width."""


def segments_of(body: Body, edges: tuple[int, ...], normal: Points) -> Points:
    """The edges, seen along `normal`, as straight segments; shape (n, 2, 2)."""
    frame = across(normal)
    pieces = [np.stack([line[:-1], line[1:]], axis=1) for line in (body.edges[edge].points @ frame.T for edge in edges)]
    return np.concatenate(pieces) if pieces else np.empty((0, 2, 2))


def least_width(segments: Points) -> float:
    """The narrowest place within an outline, from wall to facing wall; 0 where no walls face each other, or where there are
    too many to look.

    Parameters: `segments`, shape (n, 2, 2), in any order; inner loops may be among them.
    Method: from the middle of each segment (of at most 200 of them) a ray goes squarely inwards to the first segment that it meets; the
    shortest that ends on a facing wall is the width. It is exact between parallel walls and on circles, an upper bound elsewhere.
    """
    lengths = np.linalg.norm(segments[:, 1] - segments[:, 0], axis=1)
    segments = segments[lengths > 1e-9]
    if len(segments) < 2 or len(segments) > MOST_SEGMENTS:
        return 0.0
    ways = segments[:, 1] - segments[:, 0]
    ways = ways / np.linalg.norm(ways, axis=1)[:, None]
    chosen = np.unique(np.linspace(0, len(segments) - 1, MOST_RAYS).astype(int))
    # Not quite the middle, so that a ray does not run through the corner between two segments of the other side.
    starts = segments[chosen, 0] * 0.5003 + segments[chosen, 1] * 0.4997
    best = np.inf
    for side in (1.0, -1.0):
        rays = side * np.stack([-ways[chosen, 1], ways[chosen, 0]], axis=1)
        best = min(best, _shortest(starts, rays, segments, ways, chosen))
    return float(best) if np.isfinite(best) else 0.0


def _shortest(starts: Points, rays: Points, segments: Points, ways: Points, own: Points) -> float:
    """The shortest of the rays that go inwards (they cross the outline an odd number of times) and end on a facing wall."""
    sides = segments[:, 1] - segments[:, 0]
    crossing = rays[:, None, 0] * sides[None, :, 1] - rays[:, None, 1] * sides[None, :, 0]
    gaps = segments[None, :, 0] - starts[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = (gaps[..., 0] * sides[None, :, 1] - gaps[..., 1] * sides[None, :, 0]) / crossing
        along = (gaps[..., 0] * rays[:, None, 1] - gaps[..., 1] * rays[:, None, 0]) / crossing
    hit = np.isfinite(reach) & (reach > 1e-9) & (along >= 0) & (along < 1)
    hit[np.arange(len(starts)), own] = False
    reach = np.where(hit, reach, np.inf)
    first = reach.argmin(axis=1)
    normals = np.stack([-ways[first, 1], ways[first, 0]], axis=1)
    facing = np.abs((normals * rays).sum(axis=1)) > FACING
    inwards = hit.sum(axis=1) % 2 == 1
    lengths = reach[np.arange(len(starts)), first][facing & inwards]
    return float(lengths.min()) if len(lengths) else np.inf
