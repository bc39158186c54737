# SPDX-License-Identifier: AGPL-3.0-or-later
"""Solids, measured with the Open CASCADE kernel: each figure where it is found, put together here."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
from OCP.TopAbs import TopAbs_FACE

from commonfab import v1
from commonfab.reasons import reason
from registry.geometry.faults import Unmeasurable
from registry.geometry.meshes.measuring import note_mesh
from registry.geometry.meshes.signature import signature, smallest_sides
from registry.geometry.solids.bodies import Body, Found, find_solids
from registry.geometry.solids.bounds import tight_size
from registry.geometry.solids.features import note_features
from registry.geometry.solids.kernel import each, kernel_faults
from registry.geometry.solids.product import product_of
from registry.geometry.solids.reading import Solids, read
from registry.geometry.solids.tessellating import Skin, area_of, skin_of, tessellate, triangles_in
from registry.geometry.solids.validity import check
from registry.geometry.source import DERIVED_MESH, Source
from registry.geometry.triangles import Triangles, write_stl
from registry.geometry.unit_reading import note_unit

NO_VOLUME = 1e-9
"""A volume below this part of the cube of the largest side is none: what is left of rounding when a flat shape is added up."""

MOST_NAMED = 3
"""Kinds of fault that the warning about invalid solids names."""


def measure(report: v1.GeometryReport, source: Source) -> Triangles:
    """Measure a file of solids into `report`; its tessellation in millimetres. Errors: `Unmeasurable`."""
    solids = read(source)
    _note_file(report, solids)
    with kernel_faults():
        found = _find(report, solids)
        if not found.solids:
            _refuse_surfaces(report, solids, found, source)
        triangles, skins = _note_solids(report, found, source)
        product = product_of(solids.document, report.size_mm) if solids.document is not None else None
        if product is not None:
            report.solid.product.CopyFrom(product)
        note_unit(report, solids.unit, source.declared_unit)
        _refuse_flat(report)
        note_features(report, found.shape, skins)
    return triangles


def _note_file(report: v1.GeometryReport, solids: Solids) -> None:
    """What the file says besides its shapes."""
    report.unit = solids.unit
    report.solid.schema = solids.schema
    report.solid.tolerances.extend(solids.tolerances)
    report.solid.external_references.extend(solids.references)
    report.solid.threads.extend(solids.threads)
    report.warnings.extend(solids.remarks)


def _find(report: v1.GeometryReport, solids: Solids) -> Found:
    """The solids. A file that only refers to others is told apart from one that lacks solids."""
    try:
        found = find_solids(solids.shape)
    except Unmeasurable:
        if solids.references:
            raise _missing(solids) from None
        raise
    if solids.references and found.solids:
        report.warnings.append(_missing(solids).reason)
    report.warnings.extend(found.remarks)
    return found


def _missing(solids: Solids) -> Unmeasurable:
    return Unmeasurable("brep.missing_reference", ", ".join(solids.references[:8]), files=len(solids.references))


def _refuse_surfaces(report: v1.GeometryReport, solids: Solids, found: Found, source: Source) -> None:
    """Measure open surfaces as far as they can be, and say that they are no part."""
    size = tight_size(found.shape)
    note_mesh(report, tessellate(found.shape, size, source.scratch / DERIVED_MESH), facts=False)
    report.size_mm.CopyFrom(size)
    report.area_mm2, report.volume_mm3, report.bodies = area_of(found.shape), 0.0, 0
    note_unit(report, solids.unit, source.declared_unit)
    raise Unmeasurable("brep.open_shell", faces=sum(1 for _ in each(found.shape, TopAbs_FACE)), edges=report.open_edges)


def _note_solids(report: v1.GeometryReport, found: Found, source: Source) -> tuple[Triangles, dict[int, Skin]]:
    """Size, volume and area are those of the exact shape; edges, walls and lies are those of its tessellation. Also the
    faces of each different solid, by its hash."""
    size = tight_size(found.shape)
    mesh_file = source.scratch / DERIVED_MESH
    triangles = tessellate(found.shape, size, mesh_file)
    counts = [triangles_in(solid) for solid in found.solids]
    outward = note_mesh(report, triangles, np.repeat(np.arange(len(counts)), counts))
    if report.mesh.inside_out:
        write_stl(mesh_file, outward)
    report.size_mm.CopyFrom(size)
    report.volume_mm3 = sum(abs(body.volume) * body.count for body in found.bodies)
    report.solids = report.bodies = report.solid.solids = len(found.solids)
    _note_bodies(report, found.bodies, max(size.x, size.y, size.z))
    skins = _note_faces(report, found, triangles, counts)
    sides = sorted((size.x, size.y, size.z))
    report.solid.slenderness = sides[2] / sides[1] if sides[1] else 0.0
    holes = report.signature.holes
    report.signature.CopyFrom(signature("solid", smallest_sides(report.lies), report.volume_mm3, report.area_mm2, holes))
    return outward, skins


def _note_bodies(report: v1.GeometryReport, bodies: tuple[Body, ...], largest: float) -> None:
    """Solids that the kernel finds invalid, and solids without volume."""
    faults: Counter[str] = Counter()
    unchecked = 0
    for body in bodies:
        if abs(body.volume) <= NO_VOLUME * largest * largest * largest:  # a power would raise where a product is infinite
            report.solid.without_volume += body.count
        checked = check(body.first)
        report.solid.invalid += body.count if checked.faults else 0
        faults.update(checked.faults)
        unchecked += checked.unchecked
    if unchecked:
        report.warnings.append(reason("brep.check_limited", faces=unchecked))
    if report.solid.invalid:
        kinds = "; ".join(f"{count} × {name}" for name, count in faults.most_common(MOST_NAMED))
        report.warnings.append(reason("brep.invalid", kinds, invalid=report.solid.invalid, solids=report.solids))


def _note_faces(report: v1.GeometryReport, found: Found, triangles: Triangles, counts: list[int]) -> dict[int, Skin]:
    ends = dict(zip(map(hash, found.solids), np.cumsum(counts).tolist(), strict=True))
    numbers: Counter[str] = Counter()
    areas: defaultdict[str, float] = defaultdict(float)
    skins = {}
    for body in found.bodies:
        end = ends[hash(body.first)]
        skin = skin_of(body.first, triangles[end - triangles_in(body.first) : end])
        skins[hash(body.first)] = skin
        for kind, area in zip(skin.kinds, skin.areas, strict=True):
            numbers[kind] += body.count
            areas[kind] += area * body.count
    for kind in sorted(areas, key=lambda kind: -areas[kind]):
        report.solid.faces.add(kind=kind, count=numbers[kind], area_mm2=areas[kind])
    report.area_mm2 = sum(areas.values())
    return skins


def _refuse_flat(report: v1.GeometryReport) -> None:
    """Solids without volume are a fault where there are no others, else a warning."""
    flat, solids = report.solid.without_volume, report.solids
    if flat == solids:
        report.volume_mm3 = 0.0
        raise Unmeasurable("brep.no_volume", flat=flat, solids=solids)
    if flat:
        report.warnings.append(reason("brep.no_volume", flat=flat, solids=solids))
