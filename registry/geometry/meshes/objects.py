# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which of a file's objects stand on their own.

"Solids" in STL, groups in OBJ and nodes in glTF are sometimes things and sometimes patches of one thing's surface. A thing is closed by
itself; patches close each other. So what is closed stays an object, and all patches together are one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from registry.geometry.triangles import Numbers, Triangles

Hashes = npt.NDArray[np.uint64]

ODD = tuple(np.uint64(number) for number in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93))
"""Large odd numbers, to mix bits by multiplication: any will do."""


def standing(triangles: Triangles, groups: Numbers, names: Sequence[str]) -> tuple[Numbers, tuple[str, ...]]:
    """The groups anew, numbered from 0 without gaps, with patches of one surface joined; and the name of each.

    Parameters: `groups`, shape (n,), the group of each triangle; `names`, by group number.
    """
    present, numbered = np.unique(groups, return_inverse=True)
    if len(present) <= 1:
        return np.zeros(len(groups), np.int64), tuple(names[group] for group in present)
    closed = _closed(triangles, numbered, len(present))
    first_patch = int(np.argmin(closed))
    kept = np.where(closed, np.arange(len(present)), first_patch)
    chosen, again = np.unique(kept, return_inverse=True)
    return again[numbered], tuple(names[present[group]] for group in chosen)


def _closed(triangles: Triangles, groups: Numbers, count: int) -> npt.NDArray[np.bool_]:
    """Of each group, whether every edge is run along as often one way as the other.

    Each side of a triangle gets a hash that changes sign with its direction, so the hashes of a closed surface add up to nothing. Corners
    are the same where their coordinates are, to the bit. An open surface passes once in 2⁶⁴.
    """
    places = np.ascontiguousarray(triangles + 0.0).view(np.uint64)  # + 0.0, so that -0.0 and 0.0 are one place
    corners = _mixed(places[..., 0] * ODD[0] + places[..., 1] * ODD[1] + places[..., 2] * ODD[2])
    ends = corners[:, [1, 2, 0]]
    sides = (_mixed(corners * ODD[3] + ends) - _mixed(ends * ODD[3] + corners)).sum(axis=1)
    order = np.argsort(groups, kind="stable")
    firsts = np.searchsorted(groups[order], np.arange(count))
    return np.asarray(np.add.reduceat(sides[order], firsts) == 0)


def _mixed(numbers: Hashes) -> Hashes:
    for shift, factor in ((32, ODD[0]), (29, ODD[1])):
        numbers = (numbers ^ (numbers >> np.uint64(shift))) * factor
    return numbers ^ (numbers >> np.uint64(32))
