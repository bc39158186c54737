# SPDX-License-Identifier: AGPL-3.0-or-later
"""The bodies of a mesh: which shell encloses matter, which a hollow, which is inside out, and which bodies touch.

A shell is a connected surface. A closed one with its normals inwards is a cavity where it lies inside a shell that faces the other way,
and inside out where it lies in none; what lies inside a shell that is turned round is turned with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from registry.geometry.facets import Facets, Floats, turned_round
from registry.geometry.meshes.edges import Edges, Mask
from registry.geometry.triangles import Numbers, Triangles

MOST_WINDINGS = 5_000_000
"""Solid angles that are added up to see what lies inside what (about a second); beyond, a shell counts as inside where its box is."""

MOST_NESTED = 2000
"""Shells beyond this number are not compared with each other: each stands alone and none is turned round."""

NO_VOLUME = 1e-9
"""A volume below this part of the cube of the largest side is none: what is left of rounding when a flat mesh is added up."""


@dataclass(frozen=True)
class Bodies:
    """The shells of a mesh, once every one that was inside out has been turned round.

    `facets`, with those triangles turned; `volume`, of the whole, mm³, an approximation where edges are open. For each shell: `volumes`,
    mm³, below zero for a cavity, zero for what is not closed or encloses nothing; `lows`, `highs`, shape (shells, 3), mm; `triangles`, how
    many; `around`, the shell that is next around it, or -1; `cavity`; `turned`.
    """

    facets: Facets
    volumes: Floats
    lows: Floats
    highs: Floats
    triangles: Numbers
    around: Numbers
    cavity: Mask
    turned: Mask
    volume: float


def bodies_of(facets: Facets, edges: Edges) -> Bodies:
    """What the shells enclose.

    A volume is the sum of the signed tetrahedra between each triangle and the middle of the part (divergence theorem).
    """
    count = len(edges.closed)
    shells = edges.shells
    signed = np.bincount(shells + 1, weights=_tetrahedra(facets), minlength=count + 1)
    whole, signed = float(signed.sum()), signed[1:]
    least = NO_VOLUME * facets.largest**3
    sound = edges.closed & (np.abs(signed) > least)
    volumes = np.where(sound, signed, 0.0)
    lows, highs = (facets.low[None], facets.high[None]) if count == 1 else _boxes(facets.triangles, shells, count)
    around = np.full(count, -1, dtype=np.int64)
    turned = np.zeros(count, dtype=bool)
    if 1 < count <= MOST_NESTED:
        around = _around(facets.triangles, shells, volumes, lows, highs)
    if count <= MOST_NESTED:
        turned = volumes[_outermost(around)] < 0
    volumes = np.where(turned, -volumes, volumes)
    whole += 2 * float(volumes[turned].sum())
    if turned.any():
        facets = turned_round(facets, (shells >= 0) & turned[shells])
    triangles = np.bincount(shells + 1, minlength=count + 1)[1:]
    cavity = (volumes < 0) & (around >= 0)
    return Bodies(facets, volumes, lows, highs, triangles, around, cavity, turned, abs(whole) if abs(whole) > least else 0.0)


def _tetrahedra(facets: Facets) -> Floats:
    """The signed volume between each triangle and the middle of the part: a third of its distance times its area."""
    first = facets.triangles[:, 0] - (facets.low + facets.high) / 2
    volumes: Floats = np.einsum("ij,ij->i", first, facets.normals) * facets.areas / 3
    return volumes


def _boxes(triangles: Triangles, shells: Numbers, count: int) -> tuple[Floats, Floats]:
    real = np.flatnonzero(shells >= 0)
    if count == 0:
        return np.empty((0, 3)), np.empty((0, 3))
    order = real[np.argsort(shells[real], kind="stable")]
    starts = np.flatnonzero(np.diff(shells[order], prepend=-1))
    lows: Floats = np.minimum.reduceat(triangles[order].min(axis=1), starts, axis=0)
    highs: Floats = np.maximum.reduceat(triangles[order].max(axis=1), starts, axis=0)
    return lows, highs


def _around(triangles: Triangles, shells: Numbers, volumes: Floats, lows: Floats, highs: Floats) -> Numbers:
    """The smallest shell that each shell lies in, or -1."""
    around = np.full(len(volumes), -1, dtype=np.int64)
    places = np.zeros((len(volumes), 3))
    places[shells[shells >= 0]] = triangles[shells >= 0].mean(axis=1)  # the middle of some triangle of each
    budget = MOST_WINDINGS
    for outer in np.argsort(-np.abs(volumes), kind="stable"):  # the largest first, so that the last one found is the next around
        if volumes[outer] == 0:
            break
        boxed = (lows > lows[outer]).all(axis=1) & (highs < highs[outer]).all(axis=1) & (volumes != 0)
        inner = np.flatnonzero(boxed)
        if len(inner) == 0:
            continue
        surface = triangles[shells == outer]
        if budget >= len(surface) * len(inner):
            budget -= len(surface) * len(inner)
            inner = inner[[abs(winding(surface, place)) > 0.5 for place in places[inner]]]
        around[inner] = outer
    return around


def winding(surface: Triangles, place: Floats) -> float:
    """How often `surface` goes round `place`: 1 inside a closed surface that faces outwards, -1 inside one turned in, 0 outside.

    The sum of the solid angles of its triangles over 4π (Van Oosterom, Strackee 1983).
    """
    a, b, c = (surface[:, corner] - place for corner in range(3))
    long_a, long_b, long_c = (np.sqrt(np.einsum("ij,ij->i", side, side)) for side in (a, b, c))
    above = np.einsum("ij,ij->i", a, np.cross(b, c))
    below = long_a * long_b * long_c
    below += np.einsum("ij,ij->i", a, b) * long_c + np.einsum("ij,ij->i", b, c) * long_a + np.einsum("ij,ij->i", c, a) * long_b
    return float(np.arctan2(above, below).sum() / (2 * np.pi))


def _outermost(around: Numbers) -> Numbers:
    """The last shell outwards from each; a shell in none is its own."""
    outermost = np.arange(len(around))
    inside = around >= 0
    while inside.any():
        outermost = np.where(inside, around[outermost], outermost)
        inside = around[outermost] >= 0
    return outermost


def holes_through(edges: Edges) -> int:
    """Holes through the part: the genus of every closed shell, added up (Euler: corners - edges + triangles = 2 - 2 · genus); -1 where an
    edge is open, crowded or twisted, for then nobody can say."""
    if edges.open or edges.crowded or edges.twisted or not len(edges.closed):
        return -1
    real = edges.shells >= 0
    count = int(real.sum())
    pairs = np.sort(np.repeat(edges.shells[real], 3) * len(edges.corners.places) + edges.corners.numbers[real].ravel())
    corners = 1 + int((pairs[1:] != pairs[:-1]).sum())  # `numpy.unique` takes eight times as long
    euler = corners - count * 3 // 2 + count
    return (2 * len(edges.closed) - euler) // 2
