# SPDX-License-Identifier: AGPL-3.0-or-later
"""How long and how even a solid is: whether it is bar or profile that is sawn off. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from commonfab import v1
from registry.geometry.solids.directions import Marks, own_axes
from registry.geometry.solids.faces import PARALLEL, Body, Points, across
from registry.geometry.solids.holes import RoundHole

SQUARE = 0.02
"""The cosine below which a normal counts as square to the length: a little over a degree."""


def note_profile(facts: v1.SolidFacts, body: Body, holes: Sequence[RoundHole]) -> None:
    """Fill in the slenderness and the share of the surface that runs lengthwise, along whichever of the part's own axes it is longest."""
    corners = body.triangles.reshape(-1, 3)
    if not len(corners):
        return
    axes = own_axes(body)
    lengths = np.ptp(corners @ axes.T, axis=0)
    long = axes[int(np.argmax(lengths))]
    sides = np.ptp(corners @ _beside(axes, long).T, axis=0)
    facts.slenderness = float(lengths.max()) / max(1e-9, float(sides.max()))
    facts.profile_share = _lengthwise(body, long, holes)


def _beside(axes: Points, long: Points) -> Points:
    """Two axes square to `long`, shape (2, 3): one of the part's own where it has one."""
    other = next((axis for axis in axes if abs(float(axis @ long)) < SQUARE), across(long)[0])
    return np.array([other, np.cross(long, other)])


def _lengthwise(body: Body, long: Points, holes: Sequence[RoundHole]) -> float:
    first, second, third = (body.triangles[:, corner] for corner in range(3))
    crossed = np.cross(second - first, third - first)
    sizes = np.linalg.norm(crossed, axis=1)
    cosines = np.abs(crossed @ long) / np.maximum(sizes, 1e-30)
    drilled = np.isin(body.owners, [face for hole in holes for face in hole.faces])
    ends = cosines > PARALLEL
    at_ends = _at_ends(body.triangles @ long, ends)
    counted = ~drilled & ~at_ends
    share = sizes[counted & (cosines < SQUARE)].sum() / max(1e-30, sizes[counted].sum())
    # A long shaft with a shoulder runs lengthwise nearly all over; what tells it from bar is how much of its section the shoulder takes.
    stepping = (sizes * cosines)[counted & (cosines >= SQUARE)].sum() / max(1e-30, sizes[at_ends].sum())
    return max(0.0, min(float(share), 1.0 - float(stepping)))


def _at_ends(along: Points, square: Marks) -> Marks:
    """Which triangles are part of the two end faces: square to the length, and at its very end."""
    near = 1e-3 * float(np.ptp(along))
    at_end: Marks = square & ((along.min(axis=1) > along.max() - near) | (along.max(axis=1) < along.min() + near))
    return at_end
