# SPDX-License-Identifier: AGPL-3.0-or-later
"""Build reports, defects and events, put into words on a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from cli.describe import moment, word
from cli.output import plain
from commonfab import v1
from commonfab.units import Quantity

SHORT = 12
"""Digits of a digest that tell it from others by sight."""


def standing(of: v1.Revision) -> Iterator[str]:
    """How far a revision has come, what is open about it, and whether it was recalled."""
    if of.HasField("recall"):
        instead = f"; make {plain(of.recall.instead)} instead" if of.recall.instead else ""
        yield f"[bold red]recalled[/bold red]: {plain(of.recall.reason)}{instead}"
    if of.maturity:
        defects = f" · {of.open_defects} open defect{'s' if of.open_defects > 1 else ''}" if of.open_defects else ""
        yield f"{word(v1.Maturity.Name(of.maturity), 'MATURITY_')}{defects}"


def report_row(of: v1.KeptBuildReport) -> tuple[str, ...]:
    """A build report in one row of a table."""
    said = of.report
    when = f"{said.made_at.ToDatetime():%Y-%m-%d}" if said.HasField("made_at") else moment(of.received_at)
    good = f"{said.pieces_good}" + (f" (+{said.pieces_scrap} scrapped)" if said.pieces_scrap else "")
    sizes = ", ".join(f"{size.name} {Quantity(size.nominal_mm)} → {Quantity(size.measured_mm)}" for size in said.sizes)
    shop = f"{said.shop_id} (another key)" if of.another_key else said.shop_id
    how = " ".join(filter(None, (said.machine, f"({said.process})" if said.process else "")))
    return when, said.part_name or "the whole", good, shop, how, said.material, sizes, _counts(of), said.went_wrong


def _counts(of: v1.KeptBuildReport) -> str:
    if of.carried:
        return "no: carried here"
    if of.report.control == "virtual":
        return "no: virtual"
    return "yes" if of.report.pieces_good else "no: nothing good"


def defect_row(of: v1.Defect) -> tuple[str, ...]:
    """A defect in one row of a table."""
    closed = moment(of.closed_at) if of.HasField("closed_at") else ""
    if of.fixed_by:
        closed += f", mended by {of.fixed_by[:SHORT]}"
    elif of.closing_note:
        closed += f": {of.closing_note}"
    severity = word(v1.Severity.Name(of.severity), "SEVERITY_") if of.severity else ""
    return of.id, of.revision_digest[:SHORT], of.part_name, severity, of.title, of.filed_by, moment(of.filed_at), closed


def event(of: v1.CommonsEvent) -> str:
    """What happened, on one line; not yet safe to print."""
    return f"{of.number}  {moment(of.at)}  {of.title or of.design_id}: {_happened(of)}"


def _happened(of: v1.CommonsEvent) -> str:
    match of.WhichOneof("event"):
        case "revision_published":
            note = f": {of.revision_published.note}" if of.revision_published.note else ""
            return f"revision {of.revision_published.number} ({of.revision_published.digest[:SHORT]}) is published{note}"
        case "defect_filed":
            filed = of.defect_filed
            return f"{_severity(filed)}defect {filed.id} of {_of(filed.revision_digest)}: {filed.title}"
        case "defect_closed":
            closed = of.defect_closed
            how = f"mended by {closed.fixed_by[:SHORT]}" if closed.fixed_by else closed.closing_note
            return f"defect {closed.id} of {_of(closed.revision_digest)} is closed: {how}"
        case "recalled":
            instead = f"; make {of.recalled.instead[:SHORT]} instead" if of.recalled.instead else ""
            return f"{_of(of.recalled.revision_digest)} is RECALLED: {of.recalled.reason}{instead}"
        case "build_reported":
            return _built(of.build_reported)
        case "maturity_changed":
            now = word(v1.Maturity.Name(of.maturity_changed.now), "MATURITY_")
            ways = f"; it can be made by {', '.join(of.processes)}" if of.processes else ""
            return f"{_of(of.maturity_changed.digest)} is {now} now{ways}"
        case _:
            return "something that this version does not know"


def _built(kept: v1.KeptBuildReport) -> str:
    said = kept.report
    virtual = " virtually" if said.control == "virtual" else ""
    carried = " (carried here from another node)" if kept.carried else ""
    by = f" by {said.process}" if said.process else ""
    wrong = f"; {said.went_wrong}" if said.went_wrong else ""
    what = said.part_name or "the whole"
    return f"{said.shop_id} made {said.pieces_good} × {what} of {_of(said.revision_digest)}{virtual}{by}{carried}{wrong}"


def _severity(defect: v1.Defect) -> str:
    return f"{word(v1.Severity.Name(defect.severity), 'SEVERITY_')} " if defect.severity else ""


def _of(digest: str) -> str:
    return f"revision {digest[:SHORT]}"
