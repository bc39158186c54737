# SPDX-License-Identifier: AGPL-3.0-or-later
"""Several pieces in one file that have no room together, but have one by one: that is offered, and never done silently. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from commonfab import processes, v1
from commonfab.reasons import reason
from router.fitness import YES, judge

TOGETHER = "shape.several_parts"
"""The question whether one order means all of them, which the offer to make them one by one takes the place of."""


def offer_one_by_one(report: v1.GeometryReport, ways: Sequence[v1.Makeability], shops: Sequence[v1.Shop]) -> tuple[v1.Reason, ...]:
    """The question whether the pieces may be made one by one, and what else that way asks; empty where no machine has room for each.

    Each piece is tried as it is drawn: bodies in printers, the parts of a drawing in what cuts sheet.
    Parameters: `ways`, none of which any shop can go with all the pieces together.
    """
    pieces = _pieces(report)
    for way in ways if len(pieces) > 1 else ():
        if processes.satisfies(way.process, "additive") == report.HasField("drawing"):
            continue
        for shop in shops:
            if any(_makes_each(way.requirement, pieces, machine, shop) for machine in shop.machines):
                return (reason("shape.one_by_one", shop.name or shop.id, pieces=len(pieces)), *_asked(way))
    return ()


def _makes_each(need: v1.Requirement, pieces: Sequence[v1.Size], machine: v1.Machine, shop: v1.Shop) -> bool:
    return all(judge(_of_piece(need, piece), machine, shop).verdict == YES for piece in pieces)


def _pieces(report: v1.GeometryReport) -> list[v1.Size]:
    """The extent of each piece; nothing where not every one is listed."""
    if report.HasField("drawing"):
        outlines = [contour.size_mm for contour in report.drawing.contours if contour.outer and contour.part]
        return outlines if len(outlines) == report.drawing.parts else []
    bodies = report.mesh.each_body
    return [body.size_mm for body in bodies] if len(bodies) == report.bodies else []


def _asked(way: v1.Makeability) -> Iterator[v1.Reason]:
    return (one for one in way.reasons if way.verdict == v1.VERDICT_ASK and one.code != TOGETHER)


def _of_piece(need: v1.Requirement, size: v1.Size) -> v1.Requirement:
    alone = v1.Requirement()
    alone.CopyFrom(need)
    del alone.placements[:]
    alone.size_mm.CopyFrom(v1.Size(x=size.x, y=size.y, z=size.z or need.thickness_mm))
    return alone
