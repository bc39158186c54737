# SPDX-License-Identifier: AGPL-3.0-or-later
"""How triangles meet: which corners are one corner, and what is the matter along the edges.

Corners at the same place are one corner, where "same" allows for the rounding of a 32-bit number and for nothing more: closing a gap would
be a repair.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from registry.geometry.facets import Facets, Floats
from registry.geometry.triangles import Numbers

Mask = npt.NDArray[np.bool_]

ROUNDING = 1e-6
"""Corners nearer than this part of the largest side may be one corner written twice: some 16 steps of a 32-bit number."""

MIXERS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93)
"""Odd numbers with well spread bits, to mix the bits of coordinates with. Which ones does not matter to any result."""


@dataclass(frozen=True)
class Corners:
    """`numbers`, shape (n, 3), the corners of each triangle, numbered in the order they are written; `places`, shape (m, 3), mm."""

    numbers: Numbers
    places: Floats


@dataclass(frozen=True)
class Edges:
    """How triangles meet.

    `open`, `crowded` and `twisted` count edges with one side, with more than two, and with two that disagree about which side is outside.
    `shells`, shape (n,), numbers the connected surface that each triangle belongs to, -1 for one with two corners in one place, which
    joins nothing; `closed`, shape (shells,), says which of them have neither open nor twisted edges.
    """

    corners: Corners
    open: int
    crowded: int
    twisted: int
    shells: Numbers
    closed: Mask


def edges_of(facets: Facets, groups: Numbers | None = None) -> Edges:
    """The edges, with corners joined as they are written, or within the rounding where that closes more of them.

    Rounding to a grid parts neighbours on two sides of a grid line, so a grid shifted by half a step is tried as well.
    Parameters: `groups`, shape (n,), the object that each triangle belongs to; objects that touch are not joined. All one without it.
    """
    points = facets.triangles.reshape(-1, 3)
    owners = None if groups is None else np.repeat(groups, 3)
    edges = _edges(joined(points, points, owners))
    step = facets.largest * ROUNDING
    for shift in (0.0, 0.5):
        if edges.open and step:
            rounded = _edges(joined(np.floor(points / step + shift + 0.25), points, owners))
            edges = min(edges, rounded, key=lambda tried: tried.open)
    return edges


def joined(keys: Floats, places: Floats, owners: Numbers | None = None) -> Corners:
    """Corners with the same `keys`, shape (3n, 3), and owner are one; `places`, shape (3n, 3), mm, where each is."""
    numbers, firsts = numbered(keys, owners)
    return Corners(numbers.reshape(-1, 3), places[firsts])


def numbered(keys: Floats, owners: Numbers | None = None) -> tuple[Numbers, Numbers]:
    """Rows numbered in the order that they first appear, and where that is: rows with the same `keys`, shape (n, 3), and owner are one.

    They are found by a 64-bit mix of their bits, which sorts ten times faster than rows do; the result is compared with the keys, and
    sorted by rows should two of them ever mix to the same number.
    """
    mixed = _mixed(keys, owners)
    order = np.argsort(mixed)
    mixed = mixed[order]
    new = np.concatenate([[True], mixed[1:] != mixed[:-1]])
    firsts = np.minimum.reduceat(order, np.flatnonzero(new))
    written = np.argsort(firsts)
    rank = np.empty(len(firsts), dtype=np.int64)
    rank[written] = np.arange(len(firsts))
    numbers = np.empty(len(order), dtype=np.int64)
    numbers[order] = rank[np.cumsum(new) - 1]
    firsts = firsts[written]
    if not (keys[firsts][numbers] == keys).all() or (owners is not None and not (owners[firsts][numbers] == owners).all()):
        rows = keys if owners is None else np.column_stack([keys, owners])
        _, firsts, numbers = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    return numbers, firsts


def _mixed(keys: Floats, owners: Numbers | None) -> npt.NDArray[np.uint64]:
    """A number for each row, the same for equal rows."""
    bits = (keys + 0.0).view(np.uint64)  # so that -0.0 and 0.0 are one place
    mixed = np.zeros(len(keys), dtype=np.uint64) if owners is None else owners.astype(np.uint64) * np.uint64(MIXERS[3])
    for axis in range(3):
        column = bits[:, axis]
        mixed += column ^ (column >> np.uint64(29))  # the low half of a number that was 32 bits long is empty
        mixed *= np.uint64(MIXERS[axis])
        mixed ^= mixed >> np.uint64(32)
    return mixed


def _edges(corners: Corners) -> Edges:
    a, b, c = corners.numbers.T
    real = np.flatnonzero((a != b) & (b != c) & (c != a))
    starts = corners.numbers[real].ravel()
    ends = corners.numbers[real][:, [1, 2, 0]].ravel()
    keys = np.minimum(starts, ends) * (len(corners.places) + 1) + np.maximum(starts, ends)
    order = np.argsort(keys)
    keys = keys[order]
    firsts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]])) if len(keys) else np.empty(0, np.int64)
    sides = np.diff(np.append(firsts, len(keys)))
    # Along a sound edge its two triangles run in opposite directions.
    runs = np.where(starts < ends, 1, -1)[order]
    directions = np.add.reduceat(runs, firsts) if len(firsts) else firsts
    owners = order // 3
    pairs = firsts[sides == 2]
    shells = _shells(len(real), owners[pairs], owners[pairs + 1], [owners[f : f + s] for f, s in _crowds(firsts, sides)])
    twisted = pairs[directions[sides == 2] != 0]
    closed = np.ones(int(shells.max(initial=-1)) + 1, dtype=bool)
    closed[shells[owners[firsts[sides == 1]]]] = False
    closed[shells[owners[twisted]]] = False
    if not closed.all():
        shells, closed = _with_fragments(corners.numbers[real], shells, closed)
    owner_of = np.full(len(corners.numbers), -1, dtype=np.int64)
    owner_of[real] = shells
    return Edges(corners, int((sides == 1).sum()), int((sides > 2).sum()), len(twisted), owner_of, closed)


def _with_fragments(numbers: Numbers, shells: Numbers, closed: Mask) -> tuple[Numbers, Mask]:
    """Shells joined where one that is not closed shares a corner with another: a fragment of a torn surface is no body of its own."""
    count = len(closed)
    torn = np.zeros(int(numbers.max()) + 1, dtype=bool)
    torn[numbers[~closed[shells]].ravel()] = True
    meeting = torn[numbers.ravel()]
    whole = _components(count + len(torn), np.repeat(shells, 3)[meeting], count + numbers.ravel()[meeting])[:count]
    labels = np.unique(whole, return_inverse=True)[1]
    sound = np.ones(int(labels.max()) + 1, dtype=bool)
    sound[labels[~closed]] = False
    return labels[shells], sound


def _crowds(firsts: Numbers, sides: Numbers) -> list[tuple[int, int]]:
    crowded = sides > 2
    return list(zip(firsts[crowded].tolist(), sides[crowded].tolist(), strict=True))


def _shells(triangles: int, one: Numbers, other: Numbers, crowds: list[Numbers]) -> Numbers:
    """The connected surface that each triangle belongs to.

    Triangles hang together by the edges of just two. Surfaces that only touch along a crowded edge stay apart, where each has two, or
    four, … triangles there; where one of them would be left open by that, all that meet there are one.
    """
    if triangles == 0:
        return np.empty(0, dtype=np.int64)
    shells = _components(triangles, one, other)
    links = [crowd for crowd in crowds if (np.unique(shells[crowd], return_counts=True)[1] % 2).any()]
    if links:
        more = np.concatenate([crowd[1:] for crowd in links])
        first = np.concatenate([np.repeat(crowd[:1], len(crowd) - 1) for crowd in links])
        shells = _components(triangles, np.concatenate([one, first]), np.concatenate([other, more]))
    return shells


def _components(nodes: int, one: Numbers, other: Numbers) -> Numbers:
    links = coo_matrix((np.ones(len(one), dtype=np.int8), (one, other)), shape=(nodes, nodes))
    labels: Numbers = connected_components(links, directed=False)[1].astype(np.int64)
    return labels
