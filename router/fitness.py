# SPDX-License-Identifier: AGPL-3.0-or-later
"""May this machine make this part? Hard rules, each with a reason code. Pure: nothing here knows of networks or clocks."""

from __future__ import annotations

from commonfab import materials, processes, v1
from commonfab.reasons import reason
from commonfab.units import mm

TOLERANCE_MM = 0.01
"""A part of exactly the machine's size fits, whatever the last bit of a measurement says."""


def misfits(need: v1.Requirement, machine: v1.Machine) -> list[v1.Reason]:
    """Every rule by which `machine` cannot make what `need` describes; empty where it can."""
    if not processes.satisfies(machine.process, need.process):
        # The other rules would compare what cannot be compared: a laser's bed is no build volume.
        return [reason("process.other", need.process)]
    return [*_too_small(need.size_mm, machine.envelope_mm), *_material_missing(need, machine), *_out_of_service(machine)]


def usable_material(need: v1.Requirement, machine: v1.Machine) -> str:
    """The material on hand that would be used: the first that satisfies the need; empty where none does."""
    return next((has for has in machine.materials if materials.satisfies(has, need.material)), "")


def _too_small(part: v1.Size, room: v1.Size) -> list[v1.Reason]:
    """The axes along which the part does not fit, lying as drawn or turned a quarter about the vertical, whichever misses less."""
    as_drawn = [("size.x", part.x, room.x), ("size.y", part.y, room.y)]
    turned = [("size.x", part.y, room.x), ("size.y", part.x, room.y)]
    across = min((as_drawn, turned), key=lambda sides: sum(max(0.0, needs - has) for _, needs, has in sides))
    sides = [*across, ("size.z", part.z, room.z)]
    return [reason(code, needs=mm(needs), has=mm(has)) for code, needs, has in sides if needs > has + TOLERANCE_MM]


def _material_missing(need: v1.Requirement, machine: v1.Machine) -> list[v1.Reason]:
    if usable_material(need, machine):
        return []
    return [reason("material.missing", need.material or "any material")]


def _out_of_service(machine: v1.Machine) -> list[v1.Reason]:
    if machine.state == v1.MACHINE_STATE_OUT_OF_ORDER:
        return [reason("machine.out_of_order", machine.state_reason or "no reason given")]
    if machine.state == v1.MACHINE_STATE_OFFLINE:
        return [reason("machine.offline")]
    return []
