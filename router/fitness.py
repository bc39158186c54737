# SPDX-License-Identifier: AGPL-3.0-or-later
"""May this machine make this part? Hard rules, each with a reason code. Pure: nothing here knows of networks or clocks."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from types import MappingProxyType

from commonfab import processes, v1
from commonfab.envelope import TOLERANCE_MM, too_small
from commonfab.reasons import reason
from commonfab.units import Quantity, mm
from router import stock

USUAL_AXES = 3
"""What a machine that does not say has."""

USUAL_TOLERANCE_MM: Mapping[str, float] = MappingProxyType(
    {"additive": 0.5, "cutting": 0.5, "cnc_routing": 0.4, "milling": 0.2, "turning": 0.1, "forming": 1.0}
)
"""The width of the band that a sound machine of a process keeps without anybody having measured it, mm.

About ISO 2768-1 m for sizes of 30 to 120 mm (±0.3 mm) for what is cut, doubled for what is printed or bent, halved and less for machining.
Below it, a machine must have been measured.
"""

OPERATION_CODES: Mapping[str, str] = MappingProxyType(
    {
        "tap": "op.tapping",
        "countersink": "op.countersinking",
        "counterbore": "op.counterboring",
        "knurl": "op.knurling",
        "bend": "op.bending",
        "drill": "op.drilling",
    }
)

END_MILLS = ("end_mill", "ball_mill")

NOBODY = v1.Shop()


def misfits(need: v1.Requirement, machine: v1.Machine, shop: v1.Shop = NOBODY) -> list[v1.Reason]:
    """Every rule by which `machine` cannot make what `need` describes; empty where it can.

    Parameters: `shop`, whose other machines may do the steps that follow, and whose people may do operations by hand.
    """
    if not processes.satisfies(machine.process, need.process):
        # The other rules would compare what cannot be compared: a laser's bed is no build volume.
        return [reason("process.other", need.process)]
    return [
        *too_small(need, machine.envelope_mm),
        *stock.misfits(need, machine),
        *_means(need, machine),
        *_operations(need, machine, shop),
        *_following_steps(need, machine, shop),
        *_out_of_service(machine),
    ]


def usable_material(need: v1.Requirement, machine: v1.Machine) -> str:
    """The material on hand that would be used: the first that satisfies the need; empty where none does."""
    return next(stock.usable(need, machine), "")


def _means(need: v1.Requirement, machine: v1.Machine) -> Iterator[v1.Reason]:
    axes = machine.axes or USUAL_AXES
    if need.axes > axes:
        yield reason("axes.missing", needs=need.axes, has=axes)
    if need.enclosed and not machine.enclosed:
        yield reason("machine.not_enclosed")
    if 0 < machine.power_w < need.least_power_w and not stock.knows_its_limit(need, machine):
        yield reason("machine.power", needs=Quantity(need.least_power_w, "W"), has=Quantity(machine.power_w, "W"))
    if need.smallest_feature_mm and machine.smallest_feature_mm > need.smallest_feature_mm + TOLERANCE_MM:
        yield reason("machine.resolution", needs=mm(need.smallest_feature_mm), has=mm(machine.smallest_feature_mm))
    yield from _tolerance(need, machine)
    yield from _tools(need, machine)


def _tolerance(need: v1.Requirement, machine: v1.Machine) -> Iterator[v1.Reason]:
    if not need.tolerance_mm:
        return
    if machine.tolerance_mm:
        if machine.tolerance_mm > need.tolerance_mm:
            yield reason("tolerance.machine", needs=mm(need.tolerance_mm), has=mm(machine.tolerance_mm))
        return
    usual = next((USUAL_TOLERANCE_MM[term] for term in processes.broader_terms(machine.process) if term in USUAL_TOLERANCE_MM), 0.0)
    if need.tolerance_mm < usual:
        yield reason("tolerance.unmeasured", needs=mm(need.tolerance_mm), usual=mm(usual))


def _tools(need: v1.Requirement, machine: v1.Machine) -> Iterator[v1.Reason]:
    """Cutters are compared where the machine lists its own; where it lists none, its owner knows them."""
    if machine.tools:
        yield from _reaching(need.smallest_tool_mm, need.tool_reach_mm, END_MILLS, machine)
        # An end mill enters a hole that is wider than itself; a drill makes no pocket.
        yield from _reaching(need.smallest_drill_mm, need.drill_reach_mm, (*END_MILLS, "drill"), machine)


def _reaching(width: float, deep: float, kinds: Container[str], machine: v1.Machine) -> Iterator[v1.Reason]:
    if not width:
        return
    cutters = [tool for tool in machine.tools if tool.kind in kinds]
    small = [tool for tool in cutters if tool.diameter_mm <= width + TOLERANCE_MM]
    if not small:
        has = min((tool.diameter_mm for tool in cutters), default=0.0)
        yield reason("tool.diameter", needs=mm(width), has=mm(has))
    elif deep and all(tool.reach_mm and tool.reach_mm < deep - TOLERANCE_MM for tool in small):
        yield reason("tool.reach", needs=mm(deep), has=mm(max(tool.reach_mm for tool in small)))


def _operations(need: v1.Requirement, machine: v1.Machine, shop: v1.Shop) -> Iterator[v1.Reason]:
    known = {*machine.operations, *shop.operations}
    for operation in need.operations:
        if operation not in known and not _is_own_work(operation, machine):
            yield reason(OPERATION_CODES.get(operation, "op.other"), operation)


def _is_own_work(operation: str, machine: v1.Machine) -> bool:
    """What a machining centre or a lathe does with an ordinary tool needs not be listed; a tap or a knurling wheel does."""
    machines = processes.satisfies(machine.process, "milling") or processes.satisfies(machine.process, "turning")
    return machines and operation in ("drill", "countersink", "counterbore")


def _following_steps(need: v1.Requirement, machine: v1.Machine, shop: v1.Shop) -> Iterator[v1.Reason]:
    """What comes after, such as bending, is done in the same shop: by another machine, or by this one as an operation."""
    for step in need.then:
        # Its people do by hand what they do for any step; its machines are tried one by one.
        people = v1.Shop(operations=shop.operations)
        others = [other for other in shop.machines if not misfits(step, other, people)]
        if not others and step.process not in (*machine.operations, *shop.operations):
            yield reason("route.no_second_machine", step.process)


def _out_of_service(machine: v1.Machine) -> list[v1.Reason]:
    if machine.state == v1.MACHINE_STATE_OUT_OF_ORDER:
        return [reason("machine.out_of_order", machine.state_reason or "no reason given")]
    if machine.state == v1.MACHINE_STATE_OFFLINE:
        return [reason("machine.offline")]
    return []
