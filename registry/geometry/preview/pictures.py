# SPDX-License-Identifier: AGPL-3.0-or-later
"""The pictures of a body: a 3D one that a browser turns, and a flat one for lists. A drawing's picture is made where drawings are read."""

from __future__ import annotations

from pathlib import Path

from registry.geometry.preview.simplified import simplified
from registry.geometry.preview.view import painted
from registry.geometry.triangles import Triangles

GLB, PNG, SVG = "preview.glb", "preview.png", "preview.svg"


def draw(triangles: Triangles, scratch: Path) -> None:
    """Leave `GLB` and `PNG` in the folder `scratch`. Parameters: `triangles`, millimetres, the vertical along Z."""
    from registry.geometry.preview.glb import glb_bytes

    mesh = simplified(triangles)
    (scratch / PNG).write_bytes(painted(mesh))
    (scratch / GLB).write_bytes(glb_bytes(mesh))
