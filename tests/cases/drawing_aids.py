# SPDX-License-Identifier: AGPL-3.0-or-later
"""What several `draw.py` use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from drawings import Triangles, ascii_stl, ball, binary_stl, box, moved, write_3mf

__all__ = ["ascii_stl", "ball", "binary_stl", "box", "export", "mesh_of", "moved", "write_3mf"]


def export(shape: Any, path: Path) -> None:
    """A CadQuery shape as a file; its ending says which."""
    import cadquery

    cadquery.exporters.export(shape, str(path), tolerance=0.05, angularTolerance=0.1)


def mesh_of(shape: Any, tolerance: float = 0.05) -> Triangles:
    """The triangles of a CadQuery shape, outward, so that a draw.py can damage or scale them."""
    corners, faces = shape.val().tessellate(tolerance, 0.1)
    points = np.array([corner.toTuple() for corner in corners])
    mesh: Triangles = points[np.array(faces)]
    return mesh


def new_dxf(unit: int = 4) -> tuple[Any, Any]:
    """An empty drawing and its model space. Parameters: `unit`, the number of `$INSUNITS`: 4 is mm, 1 inch, 0 none."""
    import ezdxf

    drawing = ezdxf.new("R2010")
    drawing.header["$INSUNITS"] = unit
    return drawing, drawing.modelspace()


def rectangle(space: Any, x: float, y: float, width: float, height: float, layer: str = "0") -> None:
    """A closed outline with its lower left corner at x, y."""
    corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
    space.add_lwpolyline(corners, close=True, dxfattribs={"layer": layer})
