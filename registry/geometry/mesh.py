# SPDX-License-Identifier: AGPL-3.0-or-later
"""Triangle meshes: read from STL, measured, and written as binary STL.

A mesh is a `float64` array of shape (n, 3, 3): triangles, corners, coordinates. Corners at the same place are one corner, where "same"
allows for the rounding of a 32-bit number and for nothing more: closing a gap would be a repair.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from trimesh.exchange.stl import load_stl_ascii

from commonfab import v1
from commonfab.reasons import reason
from registry.geometry.faults import Unmeasurable
from registry.geometry.sniff import STL_HEADER_BYTES

Triangles = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

STL_TRIANGLE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])

FARTHEST = 1e9
"""Coordinates beyond this are garbage and not lengths: a thousand kilometres in millimetres."""

ROUNDING = 1e-6
"""Corners nearer than this part of the largest side may be one corner written twice: some 16 steps of a 32-bit number."""

NO_VOLUME = 1e-9
"""A volume below this part of the cube of the largest side is none: what is left of rounding when a flat mesh is added up."""


def read_stl(path: Path, file_format: v1.FileFormat.ValueType) -> Triangles:
    """The triangles of an STL file, in the file's own unit.

    Errors: `Unmeasurable` (`file.unreadable`, `mesh.empty`).
    """
    triangles = _read_binary(path) if file_format == v1.FILE_FORMAT_STL_BINARY else _read_ascii(path)
    if len(triangles) == 0:
        raise Unmeasurable("mesh.empty")
    return triangles


def _read_binary(path: Path) -> Triangles:
    with path.open("rb") as file:
        head = file.read(STL_HEADER_BYTES)
        count = int.from_bytes(head[-4:], "little")
        # Not trimesh: it refuses a file with bytes behind its last triangle, as several programs write them.
        return np.fromfile(file, dtype=STL_TRIANGLE, count=count)["corners"].astype(np.float64)


def _read_ascii(path: Path) -> Triangles:
    try:
        with path.open("rb") as file:
            loaded = load_stl_ascii(file)
        bodies = loaded["geometry"].values() if "geometry" in loaded else [loaded]
        corners = [np.asarray(body["vertices"], dtype=np.float64).reshape(-1, 3, 3) for body in bodies]
    except ValueError as error:
        raise Unmeasurable("file.unreadable", str(error)) from None
    return np.concatenate(corners) if corners else np.empty((0, 3, 3))


def write_stl(path: Path, triangles: Triangles) -> None:
    """Write a binary STL with zero normals, which readers compute for themselves."""
    rows = np.zeros(len(triangles), dtype=STL_TRIANGLE)
    rows["corners"] = triangles
    with path.open("wb") as file:
        file.write(b"commonfab, millimetres".ljust(STL_HEADER_BYTES - 4, b" "))
        file.write(len(rows).to_bytes(4, "little"))
        file.write(rows.data)


def note_mesh(report: v1.GeometryReport, triangles: Triangles, groups: Numbers | None = None) -> None:
    """Measure `triangles`, given in millimetres, into `report`: size, volume, area, bodies, edges, and warnings about them.

    The volume is the sum of the signed tetrahedra between each triangle and the middle of the part (divergence theorem): exact for a
    closed surface, an approximation where edges are open, and said to be so by a warning.
    Parameters: `groups`, shape (n,), the object that each triangle belongs to; objects that touch are not joined. All one without it.
    Errors: `Unmeasurable` (`mesh.numbers`).
    """
    bad = ~(np.isfinite(triangles) & (np.abs(triangles) < FARTHEST))
    if bad.any():
        raise Unmeasurable("mesh.numbers", bad=int(bad.any(axis=2).sum()))
    low, high = triangles.min(axis=(0, 1)), triangles.max(axis=(0, 1))
    report.size_mm.CopyFrom(v1.Size(**dict(zip("xyz", (high - low).tolist(), strict=True))))
    report.triangles = len(triangles)
    first, second, third = (triangles[:, corner] - (low + high) / 2 for corner in range(3))
    normals = np.cross(second - first, third - first)
    report.area_mm2 = float(np.linalg.norm(normals, axis=1).sum() / 2)
    volume = float(np.einsum("ij,ij->", first, normals) / 6)
    report.volume_mm3 = abs(volume) if abs(volume) > NO_VOLUME * float((high - low).max()) ** 3 else 0.0
    _note_edges(report, _joined(triangles, float((high - low).max()), np.zeros(len(triangles), np.int64) if groups is None else groups))
    _warn(report, inside_out=volume < 0)


def _joined(triangles: Triangles, largest: float, groups: Numbers) -> _Edges:
    """The edges with corners joined as they are written, or within the rounding where that closes more of them.

    Rounding to a grid parts neighbours on two sides of a grid line, so a grid shifted by half a step is tried as well.
    """
    edges = _edges(_corner_numbers(triangles, groups))
    step = largest * ROUNDING
    for shift in (0.0, 0.5):
        if edges.open and step:
            rounded = _edges(_corner_numbers(np.floor(triangles / step + shift + 0.25), groups))
            edges = min(edges, rounded, key=lambda tried: tried.open)
    return edges


def _corner_numbers(triangles: Triangles, groups: Numbers) -> Numbers:
    """Each corner as a number, the same for corners of one group at the same place; shape (n, 3)."""
    places = triangles.reshape(-1, 3) + 0.0  # so that -0.0 and 0.0 are one place
    numbers = np.repeat(groups, 3)
    for axis in range(3):
        values, along = np.unique(places[:, axis], return_inverse=True)
        _, numbers = np.unique(numbers * len(values) + along, return_inverse=True)
    return numbers.reshape(-1, 3)


@dataclass(frozen=True)
class _Edges:
    """How triangles meet. `open`, `crowded` and `twisted` count edges with one side, with more than two, and with two that disagree."""

    triangles: int
    open: int
    crowded: int
    twisted: int
    bodies: int


def _edges(corners: Numbers) -> _Edges:
    # A triangle with two corners in one place has no surface and joins nothing.
    real = (corners[:, 0] != corners[:, 1]) & (corners[:, 1] != corners[:, 2]) & (corners[:, 2] != corners[:, 0])
    corners = corners[real]
    starts, ends = corners.ravel(), corners[:, [1, 2, 0]].ravel()
    highest = int(corners.max(initial=0)) + 1
    _, edge_of_side, sides = np.unique(
        np.minimum(starts, ends) * highest + np.maximum(starts, ends), return_inverse=True, return_counts=True
    )
    # Along a sound edge its two triangles run in opposite directions.
    directions = np.bincount(edge_of_side, weights=np.where(starts < ends, 1, -1), minlength=len(sides))
    return _Edges(
        triangles=len(corners),
        open=int((sides == 1).sum()),
        crowded=int((sides > 2).sum()),
        twisted=int(((sides == 2) & (directions != 0)).sum()),
        bodies=_bodies(edge_of_side, len(corners), len(sides)),
    )


def _note_edges(report: v1.GeometryReport, edges: _Edges) -> None:
    report.open_edges = edges.open
    report.non_manifold_edges = edges.crowded
    report.watertight = edges.triangles > 0 and not edges.open and not edges.crowded
    report.bodies = edges.bodies
    if edges.twisted:
        report.warnings.append(reason("mesh.winding", edges=edges.twisted))


def _bodies(edge_of_side: Numbers, triangles: int, edges: int) -> int:
    """How many groups of triangles hang together by shared edges."""
    if triangles == 0:
        return 0
    ends = (np.repeat(np.arange(triangles), 3), triangles + edge_of_side)
    links = coo_matrix((np.ones(len(edge_of_side), dtype=np.int8), ends), shape=(triangles + edges, triangles + edges))
    return int(connected_components(links, directed=False, return_labels=False))


def _warn(report: v1.GeometryReport, inside_out: bool) -> None:
    if report.open_edges:
        report.warnings.append(reason("mesh.open_edges", edges=report.open_edges))
    elif inside_out and report.volume_mm3:
        report.warnings.append(reason("mesh.inside_out"))
    if report.non_manifold_edges:
        report.warnings.append(reason("mesh.non_manifold_edges", edges=report.non_manifold_edges))
