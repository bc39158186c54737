# SPDX-License-Identifier: AGPL-3.0-or-later
"""May this machine make this part? Hard rules, each with a reason code. Pure: nothing here knows of networks or clocks."""

from __future__ import annotations

from commonfab import materials, processes, v1
from commonfab.envelope import too_small
from commonfab.reasons import reason


def misfits(need: v1.Requirement, machine: v1.Machine) -> list[v1.Reason]:
    """Every rule by which `machine` cannot make what `need` describes; empty where it can."""
    if not processes.satisfies(machine.process, need.process):
        # The other rules would compare what cannot be compared: a laser's bed is no build volume.
        return [reason("process.other", need.process)]
    return [*too_small(need.size_mm, machine.envelope_mm), *_material_missing(need, machine), *_out_of_service(machine)]


def usable_material(need: v1.Requirement, machine: v1.Machine) -> str:
    """The material on hand that would be used: the first that satisfies the need; empty where none does."""
    return next((has for has in machine.materials if materials.satisfies(has, need.material)), "")


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
