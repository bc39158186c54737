# SPDX-License-Identifier: AGPL-3.0-or-later
"""Triangle meshes, measured.

Corners at the same place are one corner, where "same" allows for the rounding of a 32-bit number and for nothing more: closing a gap would
be a repair.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from commonfab import v1
from commonfab.reasons import reason
from commonfab.units import MILLIMETRES_PER
from registry.geometry.faults import Unmeasurable
from registry.geometry.meshes.reading import read
from registry.geometry.source import DERIVED_MESH, Source
from registry.geometry.triangles import Numbers, Triangles, write_stl
from registry.geometry.unit_reading import note_unit

FARTHEST = 1e9
"""Coordinates beyond this are garbage and not lengths: a thousand kilometres in millimetres."""

ROUNDING = 1e-6
"""Corners nearer than this part of the largest side may be one corner written twice: some 16 steps of a 32-bit number."""

NO_VOLUME = 1e-9
"""A volume below this part of the cube of the largest side is none: what is left of rounding when a flat mesh is added up."""


def measure(report: v1.GeometryReport, source: Source) -> Triangles:
    """Measure a mesh file into `report`; its triangles in millimetres. Errors: `Unmeasurable`."""
    drawn = read(source)
    factor = drawn.factor if drawn.unit else MILLIMETRES_PER[source.declared_unit or "mm"]
    triangles = drawn.triangles * factor
    report.settings.extend(drawn.settings)
    report.texts.extend(drawn.texts)
    report.warnings.extend(drawn.remarks)
    note_mesh(report, triangles, drawn.groups)
    note_unit(report, drawn.unit, source.declared_unit)
    if factor == 1.0 and source.format in (v1.FILE_FORMAT_STL_BINARY, v1.FILE_FORMAT_STL_ASCII):
        report.mesh_sha256 = report.sha256
    else:
        write_stl(source.scratch / DERIVED_MESH, triangles)
    return triangles


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
