# SPDX-License-Identifier: AGPL-3.0-or-later
"""The sheet that lies on the bench beside the work: what, how many, of what, what must be kept, and what goes with it. Markdown, readable
as plain text. Pure.

It says of the people no more than its reader may know: a shop reads the purpose and the distance, never a name or a place.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from commonfab import v1
from commonfab.recalled import recall_text
from commonfab.units import grams, km, minutes, mm, size_text


@dataclass(frozen=True)
class Sheet:
    """What stands on a sheet.

    `heading`, which job or work order; `places`, where it is made, a line each; `ways`, each with what it needs of a machine and what one
    piece is expected to take; `answered`, questions that were settled; `first_article`, one piece is made and looked at before the rest;
    `goes_to`, where the result goes; `recall`, where the revision was recalled.
    """

    heading: str
    title: str
    part_name: str
    quantity: int
    revision_digest: str
    licence: str
    notice: str
    places: Sequence[str]
    files: Sequence[v1.FileEntry]
    mesh_sha256: str
    ways: Sequence[v1.Makeability]
    answered: Sequence[v1.Reason]
    first_article: bool
    goes_to: Sequence[str]
    recall: v1.Recall | None = None


def sheet_of_job(job: v1.Job) -> Sheet:
    """A job, as its requester may read it."""
    asked, found = job.request, job.specification
    return Sheet(
        heading=f"Job {job.id}{_parts(job.part_job_ids)}",
        title=found.title,
        part_name=found.part_name,
        quantity=asked.quantity,
        revision_digest=found.revision_digest,
        licence=found.licence,
        notice=found.notice,
        places=[_place(order) for order in job.work_orders],
        files=found.files,
        mesh_sha256=found.mesh_sha256,
        ways=found.ways,
        answered=job.answered,
        first_article=asked.first_article,
        goes_to=[f"to {job.requester}, who asked for it", *_cell(asked.place), *_purpose(asked.purpose)],
        recall=job.recall if job.HasField("recall") else None,
    )


def sheet_of_offer(offer: v1.Offer, shop: str, attempt: str, recall: v1.Recall | None) -> Sheet:
    """A work order, as its shop may read it.

    Parameters: `shop`, what its people call it; `attempt`, its name, or empty before acceptance; `recall`, that of its revision.
    """
    requester = f"to the requester of job {offer.job_id}; the node that sent it knows who that is"
    told = requester if offer.job_id else "to whoever walked in and asked for it"
    away = [f"about {km(offer.distance_km)} from here"] if offer.HasField("distance_km") else []
    way = v1.Makeability(process=offer.requirement.process, requirement=offer.requirement, estimate=offer.estimate)
    return Sheet(
        heading=f"Work order {offer.work_order_id}{f' (attempt {attempt})' if attempt else ''}",
        title=offer.title,
        part_name=offer.part_name,
        quantity=offer.quantity,
        revision_digest=offer.revision_digest,
        licence=offer.licence,
        notice=offer.notice,
        places=[f"{shop}, on {offer.machine_id}"],
        files=offer.files,
        mesh_sha256=offer.mesh_sha256,
        ways=[way],
        answered=offer.answered,
        first_article=offer.first_article,
        goes_to=[told, *away, *_purpose(offer.purpose)],
        recall=recall,
    )


def written(sheet: Sheet) -> str:
    """The sheet as Markdown, with a newline at its end. Texts from outside stay on their line, and bring no control characters."""
    return "\n".join(_lines(sheet)) + "\n"


def _lines(sheet: Sheet) -> Iterator[str]:
    named = sheet.part_name and sheet.part_name != sheet.title
    what = f"{_plain(sheet.part_name)} of {_plain(sheet.title)}" if named else _plain(sheet.title)
    yield f"# {sheet.quantity} × {what}"
    yield from ("", _plain(sheet.heading))
    if sheet.recall is not None:
        yield from ("", f"**RECALLED. Do not make or use it: {_plain(recall_text(sheet.recall))}**")
    if sheet.first_article:
        yield from ("", "**First article: make one piece and stop. It is looked at before the rest is made.**")
    yield from _list("Where", sheet.places)
    yield from _list("Files", [*_files(sheet.files), *_mesh(sheet.mesh_sha256)])
    for way in sheet.ways:
        yield from _list(f"By {_plain(way.process)}", [*_needs(way.requirement), *_takes(way.estimate)])
    yield from _list("Asked and answered", [f"{one.message} ({one.code}): it is right so" for one in sheet.answered])
    yield from _list("Where the result goes", sheet.goes_to)
    if sheet.revision_digest:
        yield from _list("Licence", [sheet.licence, f"revision {sheet.revision_digest}"])
    if sheet.notice:
        yield from ("", "This notice goes with what is made:", "")
        yield from (f"> {_plain(line)}".rstrip() for line in sheet.notice.splitlines())


def _list(heading: str, entries: Iterable[str]) -> Iterator[str]:
    told = [_plain(entry) for entry in entries]
    if told:
        yield from ("", f"## {heading}", "", *(f"- {entry}" for entry in told))


def _files(files: Sequence[v1.FileEntry]) -> Iterator[str]:
    for file in files:
        yield f"{file.path}, {file.size_bytes} bytes, SHA-256 {file.sha256}"


def _mesh(sha256: str) -> Iterator[str]:
    if sha256:
        yield f"mesh to be made, in millimetres, SHA-256 {sha256}"


def _needs(need: v1.Requirement) -> Iterator[str]:
    """What a machine and its stock must be, and what the maker demands."""
    size, materials = need.size_mm, [need.material] if need.material else need.materials_allowed
    told = (
        (need.HasField("size_mm"), f"room: {size_text(size.x, size.y, size.z)}"),
        (materials, f"material: {' or '.join(materials)}"),
        (need.stock, f"stock: {need.stock}"),
        (need.thickness_mm, f"thickness: {mm(need.thickness_mm)}"),
        (need.tolerance_mm, f"tolerance: a band of {mm(need.tolerance_mm)}"),
        (need.enclosed, "the chamber closed and warm"),
        (need.operations, f"besides: {', '.join(need.operations)}"),
        (need.skills, f"by somebody trained for: {', '.join(need.skills)}"),
    )
    yield from (line for said, line in told if said)
    yield from (f"keep {setting.key} = {setting.value}" for setting in need.settings)
    yield from (f"then: {further.process}" for further in need.then)


def _takes(estimate: v1.Estimate) -> Iterator[str]:
    told = []
    if estimate.HasField("machine_time"):
        told.append(f"{minutes(estimate.machine_time.ToTimedelta().total_seconds() / 60)} of machine time")
    if estimate.grams:
        told.append(str(grams(estimate.grams)))
    if told:
        yield f"expected a piece: {', '.join(told)}"


def _place(order: v1.WorkOrder) -> str:
    state = v1.WorkOrderState.Name(order.state).removeprefix("WORK_ORDER_STATE_").lower()
    return f"{order.shop_id}, on {order.machine_id}: {order.quantity} pieces, {state} (work order {order.id})"


def _parts(jobs: Sequence[str]) -> str:
    return f"; the jobs of its parts have sheets of their own: {', '.join(jobs)}" if jobs else ""


def _cell(place: v1.Place) -> list[str]:
    return [f"needed around cell {place.cell}"] if place.cell else []


def _purpose(purpose: str) -> list[str]:
    return [f"for: {purpose}"] if purpose else []


def _plain(text: str) -> str:
    """On one line, without control characters, and with nothing that Markdown would take for the beginning of something else."""
    line = " ".join(text.split())
    kept = "".join("\ufffd" if unicodedata.category(char) in ("Cc", "Cf") else char for char in line)
    return kept.replace("<", "&lt;")
