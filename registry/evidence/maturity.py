# SPDX-License-Identifier: AGPL-3.0-or-later
"""How far a revision has come: computed from inspection and build reports, never claimed. Pure.

Evidence only adds: more good reports never take anything away, and their order does not matter. Defects take nothing away either, for
anybody may file one, and that something was made stays true; what is dangerous is recalled.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from commonfab import v1

VERDICTS_THAT_MAKE = (v1.VERDICT_FEASIBLE, v1.VERDICT_ASK)

PRODUCTION_SHOPS = 2
PRODUCTION_REPORTS = 3
PRODUCTION_PIECES = 10
"""In production is a revision of which every part was made by so many shops, in so many reports, with so many good pieces in all.

Two shops show that it does not hang on one machine or one person, three reports that it was not once only, ten pieces that it was not a
sample. The figures are ours; no standard has such a threshold.
"""

VIRTUAL = "virtual"
"""The control of a machine that makes nothing."""


def maturity_of(parts: Sequence[v1.InspectedPart], reports: Iterable[v1.KeptBuildReport]) -> v1.Maturity.ValueType:
    """The maturity of a revision with these parts and these reports of making it.

    A report of the whole speaks for every part. A revision without parts of its own is as far as its whole.
    """
    good = [report for report in reports if counts(report)]
    names = [part.part.name for part in parts] or [""]
    made = [[report for report in good if report.report.part_name in (name, "")] for name in names]
    if all(map(_again_and_again, made)):
        return v1.MATURITY_IN_PRODUCTION
    if all(made):
        return v1.MATURITY_BUILT
    if parts and all(of_part or makeable(part) for part, of_part in zip(parts, made, strict=True)):
        return v1.MATURITY_CHECKED
    return v1.MATURITY_DRAFT


def counts(report: v1.KeptBuildReport) -> bool:
    """Whether a report proves something: it came from the shop itself, and something good was really made."""
    return not report.carried and report.report.control != VIRTUAL and report.report.pieces_good > 0


def makeable(part: v1.InspectedPart) -> bool:
    """Whether inspection found a way to make a part, if need be after a question is answered."""
    return bool(ways(part))


def ways(part: v1.InspectedPart) -> list[str]:
    """The processes by which a part can be made, as far as inspection knows."""
    if part.state != v1.INSPECTION_STATE_DONE or part.report.faults:
        return []
    return [way.process for way in part.makeability if way.verdict in VERDICTS_THAT_MAKE]


def public_key(report: v1.KeptBuildReport) -> bytes:
    """The key that a report is signed with."""
    if report.WhichOneof("evidence") == "signed_work":
        return report.signed_work.public_key
    return report.signed_report.signature.public_key


def _again_and_again(reports: Sequence[v1.KeptBuildReport]) -> bool:
    # One shop under two names still has one key, and one name with two keys is still one shop.
    shops = min(len({report.report.shop_id for report in reports}), len({public_key(report) for report in reports}))
    pieces = _pieces(reports)
    return shops >= PRODUCTION_SHOPS and len(pieces) >= PRODUCTION_REPORTS and sum(pieces.values()) >= PRODUCTION_PIECES


def _pieces(reports: Iterable[v1.KeptBuildReport]) -> dict[tuple[str, str], int]:
    """Good pieces of each making. What the ledger and a shop's own words say of one work order is one making, told twice."""
    found: dict[tuple[str, str], int] = {}
    for report in reports:
        making = (report.report.shop_id, report.report.work_order_id or report.id)
        found[making] = max(found.get(making, 0), report.report.pieces_good)
    return found
