# SPDX-License-Identifier: AGPL-3.0-or-later
"""Triangle meshes, measured: each figure where it is found, put together here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from commonfab import v1
from commonfab.reasons import reason
from commonfab.units import MILLIMETRES_PER
from registry.geometry.facets import Floats, facets_of
from registry.geometry.faults import Unmeasurable
from registry.geometry.hull import hull_of
from registry.geometry.lies import lies_of
from registry.geometry.meshes.bodies import Bodies, bodies_of, holes_through
from registry.geometry.meshes.edges import Edges, edges_of
from registry.geometry.meshes.flat import sheet_of
from registry.geometry.meshes.manifold import touching, verdict_of
from registry.geometry.meshes.reading import read
from registry.geometry.meshes.signature import signature, smallest_sides
from registry.geometry.meshes.walls import wall_thickness
from registry.geometry.source import DERIVED_MESH, Source
from registry.geometry.triangles import Numbers, Triangles, write_stl
from registry.geometry.unit_reading import note_unit

FARTHEST = 1e9
"""Coordinates beyond this are garbage and not lengths: a thousand kilometres in millimetres."""

MOST_NAMED_BODIES = 64


@dataclass(frozen=True)
class Labels:
    """What a file calls its objects, and the plates they stand on; each empty, or with an entry for every object."""

    names: tuple[str, ...] = ()
    plates: tuple[int, ...] = ()


STL = (v1.FILE_FORMAT_STL_BINARY, v1.FILE_FORMAT_STL_ASCII)


def measure(report: v1.GeometryReport, source: Source) -> Triangles:
    """Measure a mesh file into `report`; its triangles in millimetres, those of bodies that were inside out turned round.

    Errors: `Unmeasurable`.
    """
    drawn = read(source)
    factor = drawn.factor if drawn.unit else MILLIMETRES_PER[source.declared_unit or "mm"]
    report.settings.extend(drawn.settings)
    report.texts.extend(drawn.texts)
    report.warnings.extend(drawn.remarks)
    labels = Labels(drawn.names, drawn.plates)
    triangles = note_mesh(report, drawn.triangles if factor == 1.0 else drawn.triangles * factor, drawn.groups, labels)
    note_unit(report, drawn.unit, source.declared_unit)
    if factor == 1.0 and source.format in STL and not report.mesh.inside_out:
        report.mesh_sha256 = report.sha256
    else:
        write_stl(source.scratch / DERIVED_MESH, triangles)
    return triangles


def note_mesh(
    report: v1.GeometryReport, triangles: Triangles, groups: Numbers | None = None, labels: Labels | None = None, *, facts: bool = True
) -> Triangles:
    """Measure `triangles`, given in millimetres, into `report`, with warnings; the triangles, those that were inside out turned round.

    The volume is exact for a closed surface, an approximation where edges are open, and said to be so by a warning. Where bodies
    intersect, what they share counts for each.
    Parameters: `groups`, shape (n,), the object that each triangle belongs to; objects that touch are not joined. All one without it.
    `labels`, what the file calls the objects. `facts`: also the mesh's own facts, lies, sheet and signature; without it, size, volume,
    area, bodies and edges only.
    Errors: `Unmeasurable` (`mesh.numbers`, `mesh.no_volume`).
    """
    _check_numbers(triangles)
    facets = facets_of(triangles)
    report.size_mm.CopyFrom(_size(facets.high - facets.low))
    if not float((facets.high - facets.low).max()) > 0:  # every corner at one place
        raise Unmeasurable("mesh.no_volume")
    report.triangles = len(triangles)
    report.area_mm2 = float(facets.areas.sum())
    edges = edges_of(facets, groups)
    bodies = bodies_of(facets, edges)
    report.volume_mm3 = bodies.volume
    report.open_edges, report.non_manifold_edges = edges.open, edges.crowded
    report.watertight = len(edges.closed) > 0 and not edges.open and not edges.crowded
    report.bodies = len(edges.closed) - int(bodies.cavity.sum())
    report.mesh.inside_out = bool(bodies.turned.any())
    _warn(report, edges)
    if facts:
        _note_facts(report, edges, bodies)
        _note_objects(report, edges, bodies, groups, labels or Labels())
    return bodies.facets.triangles


def _check_numbers(triangles: Triangles) -> None:
    low, high = triangles.min(), triangles.max()  # not a number, where any is not
    if not (low > -FARTHEST and high < FARTHEST):
        bad = ~(np.abs(triangles) < FARTHEST)
        raise Unmeasurable("mesh.numbers", bad=int(bad.any(axis=2).sum()))


def _size(sides: Floats) -> v1.Size:
    x, y, z = (float(side) for side in sides)
    return v1.Size(x=x, y=y, z=z)


def _warn(report: v1.GeometryReport, edges: Edges) -> None:
    if edges.twisted:
        report.warnings.append(reason("mesh.winding", edges=edges.twisted))
    if edges.open:
        report.warnings.append(reason("mesh.open_edges", edges=edges.open))
    if report.mesh.inside_out:
        report.warnings.append(reason("mesh.inside_out"))
    if edges.crowded:
        report.warnings.append(reason("mesh.non_manifold_edges", edges=edges.crowded))
    if report.bodies > 1:
        report.warnings.append(reason("mesh.several_bodies", bodies=report.bodies))


def _note_facts(report: v1.GeometryReport, edges: Edges, bodies: Bodies) -> None:
    facets, mesh = bodies.facets, report.mesh
    mesh.manifold_verdict = verdict_of(edges)
    mesh.inverted_edges = edges.twisted
    mesh.degenerate_triangles = int((facets.areas == 0).sum())
    mesh.cavities = int(bodies.cavity.sum())
    mesh.cavity_volume_mm3 = -float(bodies.volumes[bodies.cavity].sum())
    mesh.touching_bodies = touching(facets, edges, bodies)
    walls = wall_thickness(facets, edges.corners)
    if walls is not None:
        mesh.walls.CopyFrom(walls)
    hull = hull_of(edges.corners.places)
    mesh.hull_volume_mm3 = 0.0 if hull is None else hull.volume
    found = lies_of(facets, edges.corners.places, hull)
    report.lies.extend(found)
    mesh.smallest_upright_box.CopyFrom(found[0].placements[0])
    mesh.flat_base_areas_mm2.extend(sorted((lie.base_area_mm2 for lie in found if lie.base_area_mm2 > 0), reverse=True))
    report.signature.CopyFrom(
        signature("solid", smallest_sides(found), report.volume_mm3, report.area_mm2, holes_through(edges)),
    )
    sheet = None if hull is None or report.volume_mm3 == 0 else sheet_of(facets, edges, hull, report.volume_mm3)
    if sheet is not None:
        report.sheet.CopyFrom(sheet)


def _note_objects(report: v1.GeometryReport, edges: Edges, bodies: Bodies, groups: Numbers | None, labels: Labels) -> None:
    """The objects of the file, and its bodies: the largest volume first, less the cavities in them."""
    real = edges.shells >= 0
    owners = np.zeros(len(edges.closed), dtype=np.int64)
    if groups is not None:
        owners[edges.shells[real]] = groups[real]
    report.mesh.objects = 1 if groups is None else len(np.unique(groups))
    report.mesh.plates = max(labels.plates, default=0)
    volumes = bodies.volumes.copy()
    hollow = np.flatnonzero(bodies.cavity)
    np.add.at(volumes, bodies.around[hollow], bodies.volumes[hollow])
    whole = np.flatnonzero(~bodies.cavity)
    order = whole[np.lexsort((-bodies.triangles[whole], -volumes[whole]))][:MOST_NAMED_BODIES]
    report.mesh.each_body.extend(
        v1.BodyFacts(
            size_mm=_size(bodies.highs[shell] - bodies.lows[shell]),
            volume_mm3=max(0.0, float(volumes[shell])),
            triangles=int(bodies.triangles[shell]),
            name=labels.names[owners[shell]] if labels.names else "",
            plate=labels.plates[owners[shell]] if labels.plates else 0,
        )
        for shell in order
    )
