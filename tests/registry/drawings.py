# SPDX-License-Identifier: AGPL-3.0-or-later
"""Real files of parts, drawn by the tests themselves."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import lib3mf
import numpy as np
import numpy.typing as npt

Triangles = npt.NDArray[np.float64]


def box(x: float, y: float, z: float) -> Triangles:
    """A closed box with one corner at the origin, its 12 triangles facing outward."""
    corners = np.array([(i & 1, i >> 1 & 1, i >> 2) for i in range(8)], dtype=np.float64) * (x, y, z)
    faces = [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5)]
    return np.array([corners[[a, b, c]] for a, b, c in ((f[0], f[i], f[i + 1]) for f in faces for i in (1, 2))])


def moved(mesh: Triangles, x: float, y: float, z: float) -> Triangles:
    """The mesh at another place."""
    shifted: Triangles = mesh + np.array((x, y, z))
    return shifted


def ball(radius: float, rings: int) -> Triangles:
    """A closed sphere of 4 · rings² or so triangles, to be large where a test needs a large file."""
    up = np.linspace(0, np.pi, rings + 1)
    round_about = np.linspace(0, 2 * np.pi, 2 * rings + 1)
    round_about[-1] = 0.0
    u, v = np.meshgrid(up, round_about, indexing="ij")
    sine = np.sin(u)
    sine[[0, -1]] = 0.0
    points = radius * np.stack([sine * np.cos(v), sine * np.sin(v), np.cos(u)], axis=-1)
    a, b, c, d = points[:-1, :-1], points[1:, :-1], points[1:, 1:], points[:-1, 1:]
    return np.concatenate([np.stack([a, b, c], axis=2).reshape(-1, 3, 3), np.stack([a, c, d], axis=2).reshape(-1, 3, 3)])


def binary_stl(triangles: Triangles, header: bytes = b"drawn by a test") -> bytes:
    rows = np.zeros(len(triangles), dtype=[("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
    rows["corners"] = triangles
    return header.ljust(80, b"\0") + struct.pack("<I", len(rows)) + rows.tobytes()


def ascii_stl(triangles: Triangles) -> bytes:
    def corner(place: npt.NDArray[np.float64]) -> str:
        return "vertex " + " ".join(f"{number:.9e}" for number in place)

    facets = "\n".join(
        "facet normal 0 0 0\n outer loop\n  " + "\n  ".join(map(corner, triangle)) + "\n endloop\nendfacet" for triangle in triangles
    )
    return f"solid test\n{facets}\nendsolid test\n".encode()


def write_3mf(
    path: Path, triangles: Triangles, unit: int = lib3mf.ModelUnit.MilliMeter, places: tuple[tuple[float, float, float], ...] = ((0, 0, 0),)
) -> None:
    """A 3MF file that builds the same mesh once at each of `places`; numbers are in `unit`."""
    wrapper = lib3mf.get_wrapper()
    model = wrapper.CreateModel()
    model.SetUnit(unit)
    mesh = model.AddMeshObject()
    corners, sides = np.unique(triangles.reshape(-1, 3), axis=0, return_inverse=True)
    mesh.SetGeometry([_position(corner) for corner in corners], [_triangle(side) for side in sides.reshape(-1, 3)])
    for place in places:
        model.AddBuildItem(mesh, wrapper.GetTranslationTransform(*place))
    model.QueryWriter("3mf").WriteToFile(str(path))


def _position(corner: npt.NDArray[np.float64]) -> lib3mf.Position:
    position = lib3mf.Position()
    position.Coordinates[:] = [float(number) for number in corner]
    return position


def _triangle(corners: npt.NDArray[np.int64]) -> lib3mf.Triangle:
    triangle = lib3mf.Triangle()
    triangle.Indices[:] = [int(number) for number in corners]
    return triangle


def write_step(path: Path, x: float, y: float, z: float, unit: str = "MM") -> None:
    """A box with a round hole, as a STEP file in the given unit (the numbers are millimetres of the real thing)."""
    import cadquery

    body = cadquery.Workplane().box(x, y, z).faces(">Z").workplane().hole(min(x, y) / 2)
    cadquery.exporters.export(body, str(path), outputUnit=unit)


def write_zip_bomb(path: Path, megabytes: int) -> None:
    """A 3MF whose model is white space without end: it packs a thousandfold."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        with archive.open("3D/3dmodel.model", "w", force_zip64=True) as entry:
            for _ in range(megabytes):
                entry.write(b" " * 1024 * 1024)
