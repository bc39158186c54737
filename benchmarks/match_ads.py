# SPDX-License-Identifier: AGPL-3.0-or-later
"""Machines and jobs as ClassAds, the matchmaking language of HTCondor, for the rules that can be written in it.

The ads have process, envelope, material, axes, enclosure, power and state: the others of `router/fitness.py` would need ads for each tool
and sheet. A machine's ad lists every broader term of its process and materials, so that matching them is one look at a list.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from commonfab import materials, processes, v1
from commonfab.envelope import TOLERANCE_MM
from router.fitness import USUAL_AXES

RULES = frozenset(
    (
        *("process.other", "process.broad", "size.x", "size.y", "size.z", "size.unknown", "material.missing", "material.unsaid"),
        *("axes.missing", "machine.not_enclosed", "machine.power", "machine.offline", "machine.out_of_order", "machine.maintenance"),
    )
)
"""The reasons that the ads know of."""

IN_SERVICE = (
    v1.MACHINE_STATE_UNSPECIFIED,
    v1.MACHINE_STATE_READY,
    v1.MACHINE_STATE_NEEDS_PERSON,
    v1.MACHINE_STATE_BUSY,
)


def machine_ad(classad: Any, machine: v1.Machine) -> Any:
    """The machine's ad. It takes any job while it is in service."""
    ad, room = classad.ClassAd(), machine.envelope_mm
    ad["Processes"] = list(processes.broader_terms(machine.process))
    ad["Materials"] = sorted({broad for has in machine.materials for broad in materials.broader_terms(has)})
    ad["X"], ad["Y"], ad["Z"] = room.x, room.y, room.z
    ad["Axes"] = machine.axes or USUAL_AXES
    ad["Enclosed"] = machine.enclosed
    ad["PowerW"] = machine.power_w
    ad["InService"] = machine.state in IN_SERVICE
    ad["Requirements"] = classad.ExprTree("MY.InService")
    return ad


def job_ad(classad: Any, ways: Iterable[v1.Makeability]) -> Any:
    """The job's ad: any of its ways will do."""
    ad = classad.ClassAd()
    ad["Requirements"] = classad.ExprTree(" || ".join(f"({_condition(way.requirement)})" for way in ways))
    return ad


def matcher(job: Any) -> Callable[[Any], bool]:
    """Whether a machine's ad and the job's ad take each other."""
    return lambda machine: bool(job.symmetricMatch(machine))


def _condition(need: v1.Requirement) -> str:
    conditions = [f'member("{need.process}", TARGET.Processes)', f"({_boxes(need)})", _material(need)]
    if need.axes:
        conditions.append(f"TARGET.Axes >= {need.axes}")
    if need.enclosed:
        conditions.append("TARGET.Enclosed")
    if need.least_power_w:
        conditions.append(f"(TARGET.PowerW == 0 || TARGET.PowerW >= {need.least_power_w})")
    return " && ".join(conditions)


def _material(need: v1.Requirement) -> str:
    wishes = [need.material] if need.material else list(need.materials_allowed)
    if not wishes:
        return "size(TARGET.Materials) > 0"
    return "(" + " || ".join(f'member("{materials.canonical(wish)}", TARGET.Materials)' for wish in wishes) + ")"


def _boxes(need: v1.Requirement) -> str:
    boxes = [(one.size_mm.x, one.size_mm.y, one.size_mm.z) for one in need.placements]
    boxes = boxes or [(need.size_mm.x, need.size_mm.y, need.size_mm.z)]
    if not need.keep_direction:
        boxes += [(y, x, z) for x, y, z in boxes if not math.isclose(x, y)]
    return " || ".join(
        f"(TARGET.X >= {x - TOLERANCE_MM} && TARGET.Y >= {y - TOLERANCE_MM} && TARGET.Z >= {z - TOLERANCE_MM})" for x, y, z in boxes
    )
