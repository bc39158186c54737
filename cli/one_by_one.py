# SPDX-License-Identifier: AGPL-3.0-or-later
"""Several bodies in one file that have no room together, but have one by one: that is offered, and never done silently. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from commonfab import processes, v1
from commonfab.reasons import reason
from router.fitness import misfits


def offer_one_by_one(report: v1.GeometryReport, ways: Sequence[v1.Makeability], shops: Sequence[v1.Shop]) -> v1.Reason | None:
    """The question whether the bodies may be made one by one, where some printer has room for each of them; nothing where none has.

    Each body is tried as it is drawn. Parameters: `ways`, none of which any shop can go with all the bodies together.
    """
    bodies = report.mesh.each_body
    if report.bodies < 2 or len(bodies) != report.bodies:
        return None
    needs = [way.requirement for way in ways if processes.satisfies(way.process, "additive")]
    machines = [(machine, shop) for shop in shops for machine in shop.machines]
    for machine, shop in machines:
        if any(all(not misfits(_of_body(need, body), machine, shop) for body in bodies) for need in needs):
            return reason("shape.one_by_one", shop.name or shop.id, bodies=report.bodies)
    return None


def _of_body(need: v1.Requirement, body: v1.BodyFacts) -> v1.Requirement:
    alone = v1.Requirement()
    alone.CopyFrom(need)
    del alone.placements[:]
    alone.size_mm.CopyFrom(body.size_mm)
    return alone
