# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the faces of a solid say about how it is made: holes, pockets, bends, turned work, directions of tools, flat stock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from OCP.Bnd import Bnd_Box
from OCP.BRepBndLib import BRepBndLib
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
from registry.geometry.solids.tessellating import Skin
from registry.geometry.solids.turned import find_turned

MOST_SOLIDS = 50
MOST_FACES = 10_000
"""Features are looked for in this many solids, with this many faces together. Our own choice: a machined part has hundreds, and whoever
sends an assembly has its parts made one by one."""

NO_SKINS: Mapping[int, Skin] = MappingProxyType({})

MOST_POCKETS = 500
"""Pockets that are written down, the deepest first: a perforated sheet has thousands alike."""


def note_features(report: v1.GeometryReport, shape: TopoDS_Shape, skins: Mapping[int, Skin] = NO_SKINS) -> None:
    """Fill in the features of `report.solid` and, for flat stock, `report.sheet`.

    Holes, pockets and inner radii are those of all solids, the largest first, within limits (`brep.features_limited` says if some were
    left out). Turned work, directions of tools and flat stock are questions about one piece, answered where there is one solid only.
    Parameters: `shape`, in millimetres; its triangles are used where it has some, else made; `skins`, the faces of
    solids, by their hash, that are known already.
    """
    solids = each(shape, TopAbs_SOLID)
    taken = _within_limits(solids)
    if len(taken) < len(solids):
        report.warnings.append(reason("brep.features_limited", solids=len(solids), taken=len(taken)))
    holes: list[RoundHole] = []
    hollows: list[Hollow] = []
    for solid in taken:
        body = gather(solid, skins.get(hash(solid)))
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
    """The solids, those with the largest boxes first, whose faces stay within the limit together; one that alone has more is left out."""
    if len(solids) > 1:
        solids = sorted(solids, key=_room, reverse=True)
    taken, faces = [], 0
    for solid in solids[:MOST_SOLIDS]:
        here = _faces_of(solid)
        if faces + here <= MOST_FACES:
            faces += here
            taken.append(solid)
    return taken


def _room(solid: TopoDS_Shape) -> float:
    """The volume of the kernel's quick box, mm³, to a millionth: enough to put solids in order."""
    box = Bnd_Box()
    BRepBndLib.Add_s(solid, box, False)
    if box.IsVoid():
        return 0.0
    low, high = box.CornerMin(), box.CornerMax()
    return float(round((high.X() - low.X()) * (high.Y() - low.Y()) * (high.Z() - low.Z()), 6))


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
    flat_stock = find_sheet(body, holes)
    if flat_stock:
        sheet, estimated = flat_stock
        if estimated:
            report.warnings.append(reason("bend.blank_estimated"))
        report.sheet.CopyFrom(sheet)
        facts.bends.extend(sheet.bends)
