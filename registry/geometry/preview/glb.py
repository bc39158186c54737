# SPDX-License-Identifier: AGPL-3.0-or-later
"""A light mesh as glTF 2.0 in its binary container, as browsers show it."""

from __future__ import annotations

import numpy as np
from trimesh import Trimesh
from trimesh.visual.material import PBRMaterial
from trimesh.visual.texture import TextureVisuals

from registry.geometry.preview.simplified import Light

METRES_PER_MM = 0.001

COLOUR = (0.78, 0.74, 0.68, 1.0)
"""Bare birch plywood."""


def glb_bytes(mesh: Light) -> bytes:
    """The mesh as GLB. glTF counts in metres, with Y upwards (glTF 2.0, section 3.4), so it is scaled and turned."""
    x, y, z = (mesh.corners * np.float32(METRES_PER_MM)).T
    placed = np.stack([x, z, -y], axis=1)
    material = PBRMaterial(baseColorFactor=COLOUR, metallicFactor=0.0, roughnessFactor=0.8, doubleSided=True)
    # Without normals a viewer shades each facet flat, which is what a part of flat faces should look like (section 3.7.2.1).
    body = Trimesh(vertices=placed, faces=mesh.faces, process=False, visual=TextureVisuals(material=material))
    exported: bytes = body.export(file_type="glb", include_normals=False)
    return exported
