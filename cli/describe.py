# SPDX-License-Identifier: AGPL-3.0-or-later
"""How messages of the contract are put into words on a terminal. Every text from outside goes through `plain`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from cli.output import plain
from commonfab import v1
from commonfab.reasons import REASONS
from commonfab.units import Quantity, grams, mm, size_text

VERDICTS = {
    v1.VERDICT_FEASIBLE: "[green]can be made[/green]",
    v1.VERDICT_ASK: "[yellow]needs an answer[/yellow]",
    v1.VERDICT_INFEASIBLE: "[red]cannot be made[/red]",
}

EXPECTED = (v1.WORK_ORDER_STATE_OFFERED, v1.WORK_ORDER_STATE_ACCEPTED, v1.WORK_ORDER_STATE_RUNNING)
"""Work orders of which it matters how long they will take."""


def word(enum_name: str, prefix: str) -> str:
    """An enum value's name as a person writes it: "waiting for person"."""
    return enum_name.removeprefix(prefix).lower().replace("_", " ")


def duration(length: Duration) -> str:
    """A duration in its two largest units: "1 h 20 min"."""
    left = timedelta(seconds=round(length.seconds + length.nanos / 1e9))
    hours, rest = divmod(int(left.total_seconds()), 3600)
    minutes, seconds = divmod(rest, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def task_times(tasks: Iterable[v1.TaskTime]) -> str:
    """Time of people by task, never whose it was: "setting up 15 min 0 s, finishing 1 h 5 min"."""
    return ", ".join(f"{plain(one.task.replace('_', ' '))} {duration(one.person_time)}" for one in tasks if one.person_time.ByteSize())


def moment(stamp: Timestamp) -> str:
    """A moment in this machine's time zone, to the minute."""
    return f"{datetime.fromtimestamp(stamp.seconds, UTC).astimezone():%Y-%m-%d %H:%M}"


def size(of: v1.Size) -> str:
    """Three lengths: "120 × 80 × 12.5 mm"."""
    return size_text(of.x, of.y, of.z)


def reason(of: v1.Reason) -> str:
    """A reason with its code: "size.x needs 260 mm has 220 mm (size.x)"."""
    return f"{plain(of.message)} [dim]({plain(of.code)})[/dim]"


def remedy(of: v1.Reason) -> str:
    """What the reader can do about a reason; empty where this version does not know the code."""
    term = REASONS.get(of.code)
    return plain(term.remedy.replace("{subject}", of.subject)) if term else ""


def reasons(of: Iterable[v1.Reason], indent: str = "    ") -> Iterator[str]:
    """A line for each reason, and one for what to do about it."""
    for one in of:
        yield f"{indent}{reason(one)}"
        if told := remedy(one):
            yield f"{indent}  [dim]→ {told}[/dim]"


def part(of: v1.InspectedPart) -> Iterator[str]:
    """What is known of a part: its size, its faults, a verdict for each process."""
    yield f"[bold]{plain(of.part.name)}[/bold]  {plain(', '.join(of.part.paths))}"
    if of.state != v1.INSPECTION_STATE_DONE:
        yield "  waits to be inspected"
        return
    report = of.report
    yield from measured(report)
    for reading in report.unit_readings:
        yield f"    in {plain(reading.unit)}: {size(reading.size_mm)}"
    if report.faults:
        yield "  [red]cannot be used[/red]"
    yield from reasons(report.faults)
    if report.warnings:
        yield "  [yellow]worth knowing[/yellow]"
    yield from reasons(report.warnings)
    yield from judgements(of.makeability, {fault.code for fault in report.faults})


def measured(report: v1.GeometryReport) -> Iterator[str]:
    """The size of a part on one line; nothing where nothing was measured."""
    unit = f"unit {plain(report.unit or 'unknown')}"
    if report.HasField("drawing") and report.HasField("size_mm"):
        flat = f"{Quantity(report.size_mm.x)} × {mm(report.size_mm.y)}"
        yield f"  {flat} · {mm(report.sheet.cut_length_mm)} of cuts · {report.sheet.pierces} starts · {report.drawing.parts} parts · {unit}"
    elif report.HasField("toolpath") and report.HasField("size_mm"):
        yield f"  moves within {size(report.size_mm)} · {unit}"
    elif report.HasField("size_mm"):
        shape = "closed" if report.watertight else f"{report.open_edges} open edges"
        volume = f"{report.volume_mm3 / 1000:.4g} cm³"
        yield f"  {size(report.size_mm)} · {volume} · {report.triangles} triangles · {shape} · {unit}"


def judgements(ways: Iterable[v1.Makeability], told: Collection[str] = ()) -> Iterator[str]:
    """Every process by which it can be made, if need be after an answer; the others on one line, with a code that says why not."""
    not_by = []
    for way in ways:
        if way.verdict == v1.VERDICT_INFEASIBLE:
            why = next((one.code for one in way.reasons if one.code not in told), "")
            not_by.append(plain(f"{way.process} ({why})" if why else way.process))
        else:
            yield from makeability(way, told)
    if not_by:
        yield f"  [red]not by[/red] {', '.join(not_by)}"


def makeability(of: v1.Makeability, told: Collection[str] = ()) -> Iterator[str]:
    """A verdict with its reasons, without those whose codes were `told` already."""
    expected = ""
    if of.HasField("estimate"):
        expected = f" · about {duration(of.estimate.machine_time)}, {grams(of.estimate.grams)} a piece"
    yield f"  {plain(of.process)}: {VERDICTS.get(of.verdict, 'not judged')}{expected}"
    yield from reasons(one for one in of.reasons if one.code not in told)


def usable(of: v1.InspectedPart) -> bool:
    """Whether a part can be made somehow, if need be after a question is answered."""
    return not of.report.faults and any(way.verdict in (v1.VERDICT_FEASIBLE, v1.VERDICT_ASK) for way in of.makeability)


def job(of: v1.Job) -> Iterator[str]:
    """A job and its work orders."""
    asked = of.request
    state = word(v1.JobState.Name(of.state), "JOB_STATE_")
    yield f"[bold]{plain(of.id)}[/bold]  {state}: {of.pieces_good} of {asked.quantity} made"
    what = f"{plain(of.specification.part_name)} of " if of.specification.part_name else ""
    yield f"  {asked.quantity} × {what}{plain(of.specification.title)}, for {plain(of.requester)}"
    yield from _terms(of)
    if of.pieces_unplaced:
        yield f"  {of.pieces_unplaced} without a shop"
    yield from reasons(of.waiting_for)
    for order in of.work_orders:
        yield from work_order(order)


def _terms(of: v1.Job) -> Iterator[str]:
    """By when, how urgent, with a first article or not, and which jobs belong to it."""
    told = []
    if of.HasField("needed_by"):
        told.append(f"needed by {moment(of.needed_by)}")
    if of.request.urgency:
        told.append(word(v1.Urgency.Name(of.request.urgency), "URGENCY_"))
    if of.first_article:
        told.append(f"first article {word(v1.FirstArticle.Name(of.first_article), 'FIRST_ARTICLE_')}")
    if of.request.assembled:
        told.append("put together")
    if told:
        yield f"  {' · '.join(told)}"
    if of.product_job_id:
        yield f"  belongs to the product {plain(of.product_job_id)}"
    if of.part_job_ids:
        yield f"  its parts: {plain(', '.join(of.part_job_ids))}"


def work_order(of: v1.WorkOrder) -> Iterator[str]:
    """A work order: how far it is, who is asked, who stands by, and its reasons."""
    state = word(v1.WorkOrderState.Name(of.state), "WORK_ORDER_STATE_")
    scrap = f", {of.pieces_scrap} scrapped" if of.pieces_scrap else ""
    about = f" · about {duration(of.expected)} in all" if of.HasField("expected") and of.state in EXPECTED else ""
    yield f"  {plain(of.id)}  {plain(of.shop_id)}/{plain(of.machine_id)}  {state}: {of.pieces_good} of {of.quantity}{scrap}{about}"
    if of.state == v1.WORK_ORDER_STATE_OFFERED and of.asked_shop_ids:
        left = f", {duration(of.expires_in)} to answer" if of.HasField("expires_in") else ""
        standby = f"; {plain(of.standby_shop_id)} would be next" if of.standby_shop_id else ""
        yield f"    asked: {plain(', '.join(of.asked_shop_ids))}{left}{standby}"
    yield from reasons(of.reasons)
