# SPDX-License-Identifier: AGPL-3.0-or-later
"""Pictures of a part: light enough for a telephone, the right way up, and never at the price of the report."""

from __future__ import annotations

import io
import json
import struct
from pathlib import Path

import numpy as np
import pytest
from drawings import Triangles, ball, binary_stl, box, moved
from PIL import Image

from registry.geometry.preview.glb import glb_bytes
from registry.geometry.preview.simplified import MOST_TRIANGLES, simplified
from registry.geometry.preview.view import SIDE, painted
from registry.geometry.sandbox import Limits, Sandbox

LARGEST_PICTURE = 2_000_000


def bounds(glb: bytes) -> tuple[list[float], list[float]]:
    """The lowest and highest corner that the file itself declares."""
    (length,) = struct.unpack_from("<I", glb, 12)
    told = json.loads(glb[20 : 20 + length])
    places = told["accessors"][told["meshes"][0]["primitives"][0]["attributes"]["POSITION"]]
    return places["min"], places["max"]


def test_a_part_is_shown_in_metres_and_standing_up() -> None:
    low, high = bounds(glb_bytes(simplified(box(20, 30, 40))))
    assert np.subtract(high, low) == pytest.approx([0.02, 0.04, 0.03])


def test_a_large_mesh_is_made_light_and_keeps_its_size() -> None:
    drawn = ball(50, 220)
    assert len(drawn) > 2 * MOST_TRIANGLES
    light = simplified(drawn)
    assert len(light.faces) <= MOST_TRIANGLES
    assert np.ptp(light.corners, axis=0) == pytest.approx([100, 100, 100], rel=0.01)
    assert len(glb_bytes(light)) < LARGEST_PICTURE


def test_a_soup_of_loose_triangles_becomes_light_too() -> None:
    rng = np.random.default_rng(1)
    soup: Triangles = rng.random((120_000, 1, 3)) * 100 + rng.random((120_000, 3, 3))
    assert LARGEST_PICTURE * 0.9 < len(glb_bytes(simplified(soup))) < LARGEST_PICTURE  # no corner is shared: the worst that there is


def test_the_picture_shows_the_part_in_the_middle_of_a_clear_ground() -> None:
    picture = Image.open(io.BytesIO(painted(simplified(box(20, 30, 40)))))
    assert picture.size == (SIDE, SIDE) and picture.mode == "RGBA"
    seen = np.asarray(picture)[:, :, 3] > 128
    assert not seen[0].any() and not seen[:, 0].any() and seen[SIDE // 2, SIDE // 2]
    assert 0.3 < seen.mean() < 0.9


def test_three_faces_of_a_box_are_told_apart_by_their_shade() -> None:
    picture = np.asarray(Image.open(io.BytesIO(painted(simplified(box(20, 20, 20))))))
    opaque = picture[picture[:, :, 3] == 255]
    shades, counts = np.unique(opaque[:, 0], return_counts=True)
    assert (counts > 0.1 * len(opaque)).sum() == 3, dict(zip(shades.tolist(), counts.tolist(), strict=True))


def test_a_flat_or_tiny_or_far_part_has_a_picture() -> None:
    for drawn in (box(20, 20, 20)[:2], box(1e-3, 1e-3, 1e-3), moved(box(5, 5, 5), 1e6, 0, 0)):
        assert np.asarray(Image.open(io.BytesIO(painted(simplified(drawn)))))[:, :, 3].any()


def test_the_sandbox_hands_out_both_pictures_of_a_body(tmp_path: Path) -> None:
    file = tmp_path / "part.stl"
    file.write_bytes(binary_stl(box(20, 30, 40)))
    with Sandbox(Limits(60, 2048), tmp_path / "scratch") as sandbox, sandbox.measure(file, "0" * 64, "") as measured:
        pictures = {picture.media_type: picture.path.read_bytes() for picture in measured.pictures}
    assert pictures["model/gltf-binary"].startswith(b"glTF") and pictures["image/png"].startswith(b"\x89PNG")
