# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the faces of a solid say about how it is made: holes, pockets, bends, turned work, directions of tools, flat stock."""

from __future__ import annotations

from collections.abc import Sequence

from OCP.TopAbs import TopAbs_FACE, TopAbs_SOLID
from OCP.TopExp import TopExp
from OCP.TopoDS import TopoDS_Shape
from OCP.TopTools import TopTools_IndexedMapOfShape

from commonfab import v1
from commonfab.reasons import reason
from registry.geometry.solids import directions, pockets
from registry.geometry.solids.faces import Body
from registry.geometry.solids.gathering import each, gather
from registry.geometry.solids.holes import RoundHole, find_holes, grouped
from registry.geometry.solids.pockets import Hollow
from registry.geometry.solids.profile import note_profile
from registry.geometry.solids.sheet import find_sheet
from registry.geometry.solids.turned import find_turned

MOST_SOLIDS = 50
MOST_FACES = 10_000
"""Features are looked for in this many solids, with this many faces together. Our own choice: a machined part has hundreds, and whoever
sends an assembly has its parts made one by one."""

MOST_POCKETS = 500
"""Pockets that are written down, the deepest first: a perforated sheet has thousands alike."""


def note_features(report: v1.GeometryReport, shape: TopoDS_Shape) -> None:
    """Fill in the features of `report.solid` and, for flat stock, `report.sheet`.

    Holes, pockets and inner radii are those of all solids in file order, within limits (`brep.features_limited` says if some were
    left out). Turned work, directions of tools and flat stock are questions about one piece, answered where there is one solid only.
    Parameters: `shape`, in millimetres; its triangles are used where it has some, else made.
    """
    solids = each(shape, TopAbs_SOLID)
    taken = _within_limits(solids)
    if len(taken) < len(solids):
        report.warnings.append(reason("brep.features_limited", solids=len(solids), taken=len(taken)))
    holes: list[RoundHole] = []
    hollows: list[Hollow] = []
    for solid in taken:
        body = gather(solid)
        found = find_holes(body)
        drilled = frozenset(face for hole in found for face in hole.faces)
        open_ = pockets.find_pockets(body, drilled)
        holes += found
        hollows += open_
        if len(solids) == 1:
            _note_piece(report, body, found, open_)
    facts = report.solid
    facts.holes.extend(grouped(holes))
    facts.pockets.extend(pockets.written(sorted(hollows, key=lambda hollow: -hollow.depth)[:MOST_POCKETS]))
    if len(solids) > 1:
        facts.sharp_inner_edges = any(hollow.sharp for hollow in hollows)
        radii = [hollow.corner_radius for hollow in hollows if hollow.corner_radius]
        facts.least_inner_radius_mm = 0.0 if facts.sharp_inner_edges else min(radii, default=0.0)


def _within_limits(solids: Sequence[TopoDS_Shape]) -> list[TopoDS_Shape]:
    """The first solids whose faces stay within the limit."""
    taken, faces = [], 0
    for solid in solids[:MOST_SOLIDS]:
        faces += _faces_of(solid)
        if faces > MOST_FACES:
            break
        taken.append(solid)
    return taken


def _faces_of(solid: TopoDS_Shape) -> int:
    faces = TopTools_IndexedMapOfShape()
    TopExp.MapShapes_s(solid, TopAbs_FACE, faces)
    return int(faces.Extent())


def _note_piece(report: v1.GeometryReport, body: Body, holes: list[RoundHole], hollows: list[Hollow]) -> None:
    """What is asked of one piece only."""
    if not len(body.triangles):
        return
    facts = report.solid
    note_profile(facts, body, holes)
    turned = find_turned(body)
    if turned:
        facts.turned.CopyFrom(turned)
    reach = directions.find_reach(body, holes, hollows)
    facts.tool_directions.extend(directions.written(reach))
    facts.unreachable_share = reach.unreachable_share
    facts.sharp_inner_edges = directions.has_sharp_corner(body, reach)
    facts.least_inner_radius_mm = (
        0.0 if facts.sharp_inner_edges else directions.inner_radius(body, reach, frozenset(face for hole in holes for face in hole.faces))
    )
    sheet = find_sheet(body, holes)
    if sheet:
        report.sheet.CopyFrom(sheet)
        facts.bends.extend(sheet.bends)
