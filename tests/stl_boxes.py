# SPDX-License-Identifier: AGPL-3.0-or-later
"""The plainest part there is, as a file."""

from __future__ import annotations

import struct


def stl_box(x: float, y: float, z: float) -> bytes:
    """A binary STL of a box with a corner at the origin, sides in whatever unit the reader assumes."""
    corners = [(i * x, j * y, k * z) for i in (0, 1) for j in (0, 1) for k in (0, 1)]
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    triangles = [triangle for a, b, c, d in quads for triangle in ((a, b, c), (a, c, d))]
    facets = (struct.pack("<12fH", 0, 0, 0, *(value for corner in t for value in corners[corner]), 0) for t in triangles)
    return bytes(80) + struct.pack("<I", len(triangles)) + b"".join(facets)
