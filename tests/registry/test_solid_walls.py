# SPDX-License-Identifier: AGPL-3.0-or-later
"""Wall thickness where a surface lies on itself, as a wrongly trimmed face of a solid makes it."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from commonfab import v1
from registry.geometry.meshes.measuring import note_mesh
from registry.geometry.triangles import Triangles


def box(x: float, y: float, z: float) -> Triangles:
    return np.asarray(trimesh.creation.box((x, y, z)).triangles, dtype=np.float64)


def walls_of(triangles: Triangles) -> v1.WallThickness:
    report = v1.GeometryReport()
    note_mesh(report, triangles)
    return report.mesh.walls


def test_a_face_that_covers_another_is_no_thin_wall() -> None:
    cube = box(100, 100, 100)
    top = cube[(cube[..., 2] > 49).all(axis=1)]
    covers = [top - (0, 0, 0.01), top[:, ::-1] - (0, 0, 0.02)]
    assert walls_of(np.concatenate([cube, *covers])).p01_mm == pytest.approx(100, rel=1e-3)


def test_a_foil_keeps_its_thickness() -> None:
    assert walls_of(box(100, 100, 0.1)).p05_mm == pytest.approx(0.1, rel=1e-3)
