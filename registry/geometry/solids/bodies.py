# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which solids a file holds. Where it holds none, what else it holds, and whether closed surfaces can be taken for solids."""

from __future__ import annotations

from dataclasses import dataclass

from OCP.BRep import BRep_Tool
from OCP.BRepBuilderAPI import BRepBuilderAPI_MakeSolid, BRepBuilderAPI_Sewing
from OCP.BRepGProp import BRepGProp
from OCP.BRepLib import BRepLib
from OCP.GProp import GProp_GProps
from OCP.TopAbs import TopAbs_EDGE, TopAbs_FACE, TopAbs_SHELL, TopAbs_SOLID
from OCP.TopLoc import TopLoc_Location
from OCP.TopoDS import TopoDS, TopoDS_Shape

from commonfab import v1
from commonfab.reasons import reason
from commonfab.units import mm
from registry.geometry.faults import Unmeasurable
from registry.geometry.solids.kernel import each, together
from registry.geometry.solids.validity import check

SEWING_GAP_MM = 0.01
"""Surfaces whose edges lie within this of each other are taken to meet. Our own choice: the finest tolerance that a garage works to, and
what drawing programs commonly allow when they write IGES."""


@dataclass(frozen=True)
class Body:
    """A solid as often as it is in the file: `first` in its place, `volume` in mm³ with its sign (negative where it is inside out)."""

    first: TopoDS_Shape
    volume: float
    count: int


@dataclass(frozen=True)
class Found:
    """The shape that is measured: all solids, or the surfaces of a file that has none. Every different solid is in `bodies` once."""

    shape: TopoDS_Shape
    solids: tuple[TopoDS_Shape, ...]
    bodies: tuple[Body, ...]
    remarks: tuple[v1.Reason, ...] = ()


def find_solids(shape: TopoDS_Shape) -> Found:
    """The solids in `shape`, those that were inside out turned round.

    A file of surfaces only has its closed shells taken for solids, sewn together where they are loose, and a remark says so.
    Errors: `Unmeasurable` (`brep.no_solid`, `brep.empty`) where it has no surfaces either.
    """
    solids = list(each(shape, TopAbs_SOLID))
    if solids:
        loose = sum(1 for _ in each(shape, TopAbs_FACE, TopAbs_SOLID))
        return _turned(solids, [reason("brep.loose_surfaces", faces=loose)] if loose else [])
    faces = list(each(shape, TopAbs_FACE))
    if not faces:
        raise Unmeasurable("brep.empty" if next(each(shape, TopAbs_EDGE), None) is None else "brep.no_solid")
    shells = list(each(shape, TopAbs_SHELL))
    if shells and all(map(_closed, shells)) and next(each(shape, TopAbs_FACE, TopAbs_SHELL), None) is None:
        return _turned([_filled(shell) for shell in shells], [reason("brep.closed_shell", shells=len(shells))])
    sewn = [_filled(shell) for shell in _sewn(faces)]
    # Parts that touch are sewn to one another as well. What comes of it encloses the wrong space, and is found invalid.
    if sewn and not any(check(solid).faults or volume_of(solid) <= 0 for solid in sewn):
        return _turned(sewn, [reason("brep.sewn", faces=len(faces), solids=len(sewn), gap=mm(SEWING_GAP_MM))])
    return Found(together(faces), (), ())


def volume_of(solid: TopoDS_Shape) -> float:
    """The volume of the exact shape, mm³, negative for one that is inside out."""
    measured = GProp_GProps()
    BRepGProp.VolumeProperties_s(solid, measured)
    return float(measured.Mass())


def _turned(solids: list[TopoDS_Shape], remarks: list[v1.Reason]) -> Found:
    bodies = _different(solids)
    volumes = {_key(body.first): body.volume for body in bodies}
    outward = [solid.Reversed() if volumes[_key(solid)] < 0 else solid for solid in solids]
    inside_out = sum(body.count for body in bodies if body.volume < 0)
    if inside_out:
        remarks.append(reason("brep.inside_out", inside_out=inside_out, solids=len(solids)))
    return Found(together(outward), tuple(outward), tuple(bodies), tuple(remarks))


def _key(solid: TopoDS_Shape) -> tuple[int, str]:
    """What instances of one solid have in common, wherever they are placed."""
    return hash(solid.Located(TopLoc_Location())), solid.Orientation().name


def _different(solids: list[TopoDS_Shape]) -> list[Body]:
    """An assembly has the same screw twenty times; it is measured once."""
    firsts: dict[tuple[int, str], TopoDS_Shape] = {}
    counts: dict[tuple[int, str], int] = {}
    for solid in solids:
        key = _key(solid)
        firsts.setdefault(key, solid)
        counts[key] = counts.get(key, 0) + 1
    return [Body(first, volume_of(first), counts[key]) for key, first in firsts.items()]


def _closed(shell: TopoDS_Shape) -> bool:
    """Whether every edge of the shell has two sides; the flag in the file is not believed."""
    return bool(BRep_Tool.IsClosed_s(shell))


def _filled(shell: TopoDS_Shape) -> TopoDS_Shape:
    solid = BRepBuilderAPI_MakeSolid(TopoDS.Shell_s(shell)).Solid()
    BRepLib.OrientClosedSolid_s(solid)
    return solid


def _sewn(faces: list[TopoDS_Shape]) -> list[TopoDS_Shape]:
    """The closed shells that the faces make when edges at the same place are joined; none where any face is left over."""
    sewing = BRepBuilderAPI_Sewing(SEWING_GAP_MM)
    for face in faces:
        sewing.Add(face)
    sewing.Perform()
    shape = sewing.SewedShape()
    if shape is None or shape.IsNull():
        return []
    shells = list(each(shape, TopAbs_SHELL))
    whole = next(each(shape, TopAbs_FACE, TopAbs_SHELL), None) is None and all(map(_closed, shells))
    return shells if whole else []
