# SPDX-License-Identifier: AGPL-3.0-or-later
"""A mesh seen from above and one corner, painted by rays: no graphics card and no window is needed."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from PIL import Image

from registry.geometry.preview.simplified import Light

SIDE = 480
FINER = 2
"""The picture is painted this many times finer and then made smaller, so that edges are smooth."""

MARGIN = 1.06
CAMERA = (1.0, -1.3, 0.9)
"""Where the eye is, from the middle of the part: before it, to the right, and above."""

LIGHT = (0.45, -0.55, 1.0)
BRIGHT, DARK = (222, 212, 196), (72, 78, 92)

Floats = npt.NDArray[np.float32]


def painted(mesh: Light) -> bytes:
    """A PNG of `SIDE` × `SIDE` pixels with a clear background, the part seen without perspective."""
    middle = (mesh.corners.min(axis=0) + mesh.corners.max(axis=0)) / 2
    reach = max(float(np.linalg.norm(mesh.corners - middle, axis=1).max()), 1e-6)
    corners = (mesh.corners - middle) / reach
    right, up, back = _frame()
    hits = _hits(corners, mesh.faces, right, up, back)
    shade = _shade(corners, mesh.faces, back)
    colours = np.zeros((len(shade) + 1, 4), dtype=np.uint8)  # the last for rays that meet nothing, which have the number -1
    colours[:-1, :3] = np.asarray(DARK) + shade[:, None] * (np.asarray(BRIGHT) - np.asarray(DARK))
    colours[:-1, 3] = 255
    pixels = SIDE * FINER
    picture = Image.fromarray(colours[hits].reshape(pixels, pixels, 4), "RGBA").resize((SIDE, SIDE), Image.Resampling.BOX)
    out = io.BytesIO()
    picture.save(out, "PNG", compress_level=6)  # the most would take four times as long for a few per cent
    return out.getvalue()


def _frame() -> tuple[Floats, Floats, Floats]:
    """The picture's axes in space: to the right, upwards, and towards the eye."""
    back = _unit(np.asarray(CAMERA, dtype=np.float32))
    right = _unit(np.cross(np.asarray((0, 0, 1), dtype=np.float32), back))
    return right, np.cross(back, right).astype(np.float32), back


def _unit(vector: npt.NDArray[np.float32]) -> Floats:
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def _hits(corners: Floats, faces: npt.NDArray[np.int32], right: Floats, up: Floats, back: Floats) -> npt.NDArray[np.int64]:
    """For each pixel, row by row from the top, the triangle that is seen there, or -1."""
    seen = np.stack([corners @ right, corners @ up], axis=1)
    low, high = seen.min(axis=0), seen.max(axis=0)
    half = max(float((high - low).max()) / 2 * MARGIN, 1e-6)
    across = np.linspace(-half, half, SIDE * FINER, dtype=np.float32)
    x, y = np.meshgrid(across + (low[0] + high[0]) / 2, -across + (low[1] + high[1]) / 2)
    starts = x.reshape(-1, 1) * right + y.reshape(-1, 1) * up + 3.0 * back
    scene = EmbreeScene()
    TriangleMesh(scene=scene, vertices=np.ascontiguousarray(corners, dtype=np.float32), indices=faces)
    directions = np.broadcast_to(-back, starts.shape)
    met: npt.NDArray[np.int64] = scene.run(starts.astype(np.float32), np.ascontiguousarray(directions, dtype=np.float32)).astype(np.int64)
    return met


def _shade(corners: Floats, faces: npt.NDArray[np.int32], back: Floats) -> Floats:
    """How bright each triangle is, 0 to 1, whichever of its sides is seen."""
    a, b, c = (corners[faces[:, corner]] for corner in range(3))
    normals = np.cross(b - a, c - a)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-20)
    normals *= np.where(normals @ back < 0, -1, 1)[:, None]
    lit = np.clip(normals @ _unit(np.asarray(LIGHT, dtype=np.float32)), 0, 1)
    return (0.12 + 0.88 * lit).astype(np.float32)
