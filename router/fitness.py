# SPDX-License-Identifier: AGPL-3.0-or-later
"""May this machine make this part? Hard rules, each with a reason code: it may, it may not, or only its owner can say.

Pure: nothing here knows of networks or clocks.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from commonfab import processes, v1
from commonfab.envelope import TOLERANCE_MM, has_room, too_small
from commonfab.reasons import reason
from commonfab.units import Quantity, minutes, mm
from router import hours, stock

OUT_OF_SERVICE = (v1.MACHINE_STATE_OUT_OF_ORDER, v1.MACHINE_STATE_MAINTENANCE, v1.MACHINE_STATE_OFFLINE)
"""In which nobody is given work for a machine."""

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

YES, ASK, NO = "yes", "ask", "no"

QUESTIONS = frozenset(
    (
        *("process.broad", "size.unknown", "material.unsaid", "machine.unsaid"),
        *("tolerance.old", "tolerance.undated", "route.unsure"),
    )
)
"""Reasons that do not stand against a machine: something is not known, and its owner can say."""

TOLERANCE_BELIEVED_DAYS = 730
"""How long a measured tolerance is believed, days. Calibration once a year is customary; a garage gets twice that: our own choice."""


@dataclass(frozen=True)
class Fit:
    """What one machine says to one part: every rule by which it cannot make it, and every question that its owner alone can answer."""

    misfits: tuple[v1.Reason, ...] = ()
    questions: tuple[v1.Reason, ...] = ()

    @property
    def verdict(self) -> str:
        """`YES`; `ASK` where nothing stands against it but something is not known; `NO`."""
        return NO if self.misfits else ASK if self.questions else YES


def judge(need: v1.Requirement, machine: v1.Machine, shop: v1.Shop = NOBODY, today: date | None = None) -> Fit:
    """Whether `machine` can make what `need` describes.

    What an agent leaves out of a machine is not there, or as is usual. A machine that stands in a directory (`control` is empty) has no
    agent: what is not said of it is not known, so it is asked about and not counted for or against it.
    Parameters: `shop`, whose other machines may do the steps that follow, and whose people may do operations by hand; of it, nothing but
    machines, operations and skills counts. `today`, for the age of measurements; None where it shall not count.
    """
    process = _as_what(need, machine)
    if not process:
        # The other rules would compare what cannot be compared: a laser's bed is no build volume.
        return Fit((reason("process.other", need.process),))
    found = list(_rules(need, machine, shop, today, process, stock.usable(need, machine)))
    if not found:
        return Fit()
    misfits = tuple(one for one in found if one.code not in QUESTIONS)
    return Fit(misfits, tuple(one for one in found if one.code in QUESTIONS))


def fits(need: v1.Requirement, machine: v1.Machine, shop: v1.Shop = NOBODY, today: date | None = None) -> tuple[str, ...]:
    """The materials on hand of which the machine can make it, where `judge` says `YES`, else none: it looks no farther than to the first
    rule that is failed."""
    process = _as_what(need, machine)
    usable = stock.usable(need, machine) if process else ()
    if not usable or next(_rules(need, machine, shop, today, process, usable), None) is not None:
        return ()
    return usable


def usable_material(need: v1.Requirement, machine: v1.Machine) -> str:
    """The material on hand that would be used: the first that satisfies the need; empty where none does."""
    return next(iter(stock.usable(need, machine)), "")


def _as_what(need: v1.Requirement, machine: v1.Machine) -> str:
    """The process by which the machine would make it: its own, or the one that is needed, where only a broader one is known of it."""
    if processes.satisfies(machine.process, need.process):
        return machine.process
    return need.process if processes.satisfies(need.process, machine.process) else ""


def _rules(
    need: v1.Requirement, machine: v1.Machine, shop: v1.Shop, today: date | None, process: str, usable: Sequence[str]
) -> Iterator[v1.Reason]:
    """Every rule that is failed and every question, the simplest first."""
    if process != machine.process:
        yield reason("process.broad", need.process)
    if not _has_room(need, machine.envelope_mm):
        yield from _room(need, machine)
    if need.thickness_mm or not usable:
        yield from _material(need, machine, usable)
    if need.axes or need.enclosed or need.least_power_w or need.smallest_feature_mm:
        yield from _means(need, machine)
    if need.tolerance_mm:
        yield from _tolerance(need, machine, process, today)
    if need.smallest_tool_mm or need.smallest_drill_mm:
        yield from _tools(need, machine)
    yield from _of_the_house(need, machine, shop, today, process)


def _of_the_house(need: v1.Requirement, machine: v1.Machine, shop: v1.Shop, today: date | None, process: str) -> Iterator[v1.Reason]:
    """The rules that ask for people, for hours, and for what else stands there."""
    if need.operations:
        yield from _operations(need, machine, shop, process)
    if need.skills:
        yield from _skills(need, machine, shop)
    if need.minutes:
        yield from _hours(need, machine)
    if need.then:
        yield from _following_steps(need, shop, machine, today)
    if machine.state in OUT_OF_SERVICE:
        yield from _out_of_service(machine)


def _in_directory(machine: v1.Machine) -> bool:
    """Whether no agent speaks for the machine."""
    return not machine.control


def _room(need: v1.Requirement, machine: v1.Machine) -> Iterator[v1.Reason]:
    """A side of the envelope that nobody said is not held against the machine, but it is asked about; the others count."""
    room = machine.envelope_mm
    if min(room.x, room.y, room.z) > 0:
        yield from too_small(need, room)
        return
    endless = float("inf")
    yield from too_small(
        need, v1.Size(x=room.x if room.x > 0 else endless, y=room.y if room.y > 0 else endless, z=room.z if room.z > 0 else endless)
    )
    yield reason("size.unknown")


def _has_room(need: v1.Requirement, room: v1.Size) -> bool:
    """Whether the room is known and large enough."""
    x, y, z = room.x, room.y, room.z
    return x > 0 and y > 0 and z > 0 and has_room(need, x, y, z)


def _material(need: v1.Requirement, machine: v1.Machine, usable: Sequence[str]) -> Iterator[v1.Reason]:
    if _in_directory(machine) and not machine.materials:
        yield reason("material.unsaid")
        return
    if not usable:
        yield from stock.misfits(need, machine)
    if need.thickness_mm and _in_directory(machine) and not machine.max_thickness and not machine.stock:
        yield reason("machine.unsaid", "thickness")


def _means(need: v1.Requirement, machine: v1.Machine) -> Iterator[v1.Reason]:
    axes = machine.axes or USUAL_AXES
    if need.axes > axes:
        yield _unsaid(machine, not machine.axes, "axes") or reason("axes.missing", needs=need.axes, has=axes)
    if need.enclosed and not machine.enclosed:
        yield _unsaid(machine, True, "enclosed") or reason("machine.not_enclosed")
    if 0 < machine.power_w < need.least_power_w and not stock.knows_its_limit(need, machine):
        yield reason("machine.power", needs=Quantity(need.least_power_w, "W"), has=Quantity(machine.power_w, "W"))
    if need.smallest_feature_mm:
        if machine.smallest_feature_mm > need.smallest_feature_mm + TOLERANCE_MM:
            yield reason("machine.resolution", needs=mm(need.smallest_feature_mm), has=mm(machine.smallest_feature_mm))
        elif not machine.smallest_feature_mm and _in_directory(machine):
            yield reason("machine.unsaid", "smallest_feature_mm")


def _unsaid(machine: v1.Machine, silent: bool, about: str) -> v1.Reason | None:
    """The question about something that a directory is silent about; None where an agent's silence says that it is not there."""
    return reason("machine.unsaid", about) if silent and _in_directory(machine) else None


def _tolerance(need: v1.Requirement, machine: v1.Machine, process: str, today: date | None) -> Iterator[v1.Reason]:
    if machine.tolerance_mm > need.tolerance_mm:
        yield reason("tolerance.machine", needs=mm(need.tolerance_mm), has=mm(machine.tolerance_mm))
        return
    usual = next((USUAL_TOLERANCE_MM[term] for term in processes.broader_terms(process) if term in USUAL_TOLERANCE_MM), 0.0)
    if machine.tolerance_mm:
        # What a sound machine keeps anyway needs no measurement, so that its age does not matter.
        if need.tolerance_mm < usual and today is not None:
            yield from _measured_when(machine.tolerance_measured_on, today)
    elif need.tolerance_mm < usual:
        unmeasured = reason("tolerance.unmeasured", needs=mm(need.tolerance_mm), usual=mm(usual))
        yield _unsaid(machine, True, "tolerance_mm") or unmeasured


def _measured_when(told: str, today: date) -> Iterator[v1.Reason]:
    """Whether a measurement is too old to be believed. One without a date is believed: nobody is asked to keep books."""
    if not told:
        return
    measured = _date_of(told)
    if measured is None:
        yield reason("tolerance.undated", told)
    elif (today - measured).days > TOLERANCE_BELIEVED_DAYS:
        age, limit = Quantity((today - measured).days, "days"), Quantity(TOLERANCE_BELIEVED_DAYS, "days")
        yield reason("tolerance.old", told, age=age, limit=limit)


def _date_of(told: str) -> date | None:
    """A date as ISO 8601 writes it; of a month or year alone the first day. None where it is none."""
    for rest in ("", "-01", "-01-01"):
        try:
            return date.fromisoformat(told.strip() + rest)
        except ValueError:
            continue
    return None


def _tools(need: v1.Requirement, machine: v1.Machine) -> Iterator[v1.Reason]:
    """Cutters are compared where the machine lists its own; where it lists none, its owner knows them."""
    if not machine.tools and (need.smallest_tool_mm or need.smallest_drill_mm) and _in_directory(machine):
        yield reason("machine.unsaid", "tools")
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


def _operations(need: v1.Requirement, machine: v1.Machine, shop: v1.Shop, process: str) -> Iterator[v1.Reason]:
    known = {*machine.operations, *shop.operations}
    for operation in need.operations:
        if operation not in known and not _is_own_work(operation, process):
            yield _unsaid(machine, not known, operation) or reason(OPERATION_CODES.get(operation, "op.other"), operation)


def _is_own_work(operation: str, process: str) -> bool:
    """What a machining centre or a lathe does with an ordinary tool needs not be listed; a tap or a knurling wheel does."""
    machines = processes.satisfies(process, "milling") or processes.satisfies(process, "turning")
    return machines and operation in ("drill", "countersink", "counterbore")


def _skills(need: v1.Requirement, machine: v1.Machine, shop: v1.Shop) -> Iterator[v1.Reason]:
    for skill in need.skills:
        if skill not in shop.skills:
            yield _unsaid(machine, not shop.skills, skill) or reason("skill.missing", skill)


def _hours(need: v1.Requirement, machine: v1.Machine) -> Iterator[v1.Reason]:
    """Work is not stopped halfway for the neighbours' sleep: a piece must be done in one stretch of the hours."""
    if machine.may_run and need.minutes > (has := hours.longest(machine.may_run)):
        yield reason("machine.hours", needs=minutes(need.minutes), has=minutes(has))


def _following_steps(need: v1.Requirement, shop: v1.Shop, machine: v1.Machine, today: date | None) -> Iterator[v1.Reason]:
    """What comes after, such as bending, is done in the same shop: by another machine, or by this one as an operation."""
    for step in need.then:
        if step.process in machine.operations or step.process in shop.operations:
            continue
        # Its people do by hand what they do for any step; its machines are tried one by one.
        people = v1.Shop(operations=shop.operations, skills=shop.skills)
        verdicts = {judge(step, other, people, today).verdict for other in shop.machines}
        if YES not in verdicts:
            yield reason("route.unsure" if ASK in verdicts else "route.no_second_machine", step.process)


def _out_of_service(machine: v1.Machine) -> Iterator[v1.Reason]:
    why = machine.state_reason or "no reason given"
    if machine.state == v1.MACHINE_STATE_OUT_OF_ORDER:
        yield reason("machine.out_of_order", why)
    elif machine.state == v1.MACHINE_STATE_MAINTENANCE:
        yield reason("machine.maintenance", why)
    elif machine.state == v1.MACHINE_STATE_OFFLINE:
        yield reason("machine.offline")
