# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whether a part can be made by a fleet now, after an answer, or not at all. Pure: from what was measured and which shops there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cli.one_by_one import offer_one_by_one
from commonfab import v1
from commonfab.envelope import best_room
from router.fitness import ASK, YES, judge, usable_material
from router.matching import weighed
from router.willingness import closed

ACCEPT, HOLD, REJECT = "accept", "hold", "reject"
"""At least one shop can now; a question or a repair comes first, also one to a shop's owner; no shop can, or nobody should."""

MENDABLE = frozenset(
    ("mesh.no_volume", "mesh.empty", "dxf.no_contour", "brep.no_solid", "brep.open_shell", "brep.no_volume", "toolpath.machine_specific")
)
"""Reasons against every process that the maker can mend in the file."""

ANOTHER_KIND = frozenset(
    ("shape.not_flat", "shape.not_turned", "shape.no_bends", "shape.no_stock", "shape.no_body", "material.not_for_process")
)
"""Reasons which say no more than that a part is no work for that process at all."""

BETTER_ELSEWHERE = frozenset(("shape.turned", "shape.is_stock", "shape.bent", "shape.mesh_only"))
"""Questions of a process that could make the part though another is the one for it."""

HOSTILE = frozenset(
    (
        *("file.zip_ratio", "file.zip_names", "file.zip_overlap", "file.zip_link", "file.zip_path", "file.zip_entries", "file.encrypted"),
        *("file.xml_entities", "file.xml_depth", "file.xml_attributes", "file.nesting", "dxf.recursion", "dxf.block_expansion"),
        *("file.component_expansion", "file.component_depth", "file.component_cycle"),
    )
)
"""Faults of a file that no honest program writes: it is refused and not asked about."""


@dataclass(frozen=True)
class ShopAnswer:
    """What one shop says of a part: its best machine for it, by which process, and why not or with how much room to spare.

    `asks`: nothing stands against it, but something is not known of the machine, and the reasons are questions to its owner.
    """

    shop: v1.Shop
    able: bool
    machine: v1.Machine | None
    way: v1.Makeability | None
    material: str
    margin_mm: float | None
    reasons: tuple[v1.Reason, ...]
    asks: bool = False


@dataclass(frozen=True)
class PartVerdict:
    """What becomes of one part."""

    inspected: v1.InspectedPart
    verdict: str
    processes: tuple[str, ...]
    shops: tuple[ShopAnswer, ...]
    questions: tuple[v1.Reason, ...]
    reasons: tuple[v1.Reason, ...]


def decide(inspected: v1.InspectedPart, shops: Sequence[v1.Shop]) -> PartVerdict:
    """Try every machine of every shop, first for what is feasible, then for what needs an answer first."""
    ways = {verdict: [weighed(way) for way in inspected.makeability if way.verdict == verdict] for verdict in v1.Verdict.values()}
    feasible, asked = ways[v1.VERDICT_FEASIBLE], ways[v1.VERDICT_ASK]
    now = [_answer(shop, feasible) for shop in shops]
    if any(answer.able for answer in now):
        return _verdict(inspected, ACCEPT, feasible, now, (), _unique(note for answer in now if answer.way for note in answer.way.reasons))
    later = [_answer(shop, [*feasible, *asked]) for shop in shops]
    questions = _fewest(asked, shops)
    if asked and (any(answer.able for answer in later) or _size_is_open(questions)):
        # The reasons also tell what the other ways would ask: who knows the answer there may prefer one of them.
        others = (reason for way in _open_ways(asked, shops) for reason in way.reasons)
        return _verdict(inspected, HOLD, [*feasible, *asked], later, questions, _unique([*questions, *others]))
    if any(answer.asks for answer in later):
        return _verdict(inspected, HOLD, [*feasible, *asked], later, *_asked_of_owners(later))
    if apart := offer_one_by_one(inspected.report, [*feasible, *asked], shops):
        return _verdict(inspected, HOLD, [*feasible, *asked], later, apart, apart)
    impossible = ways[v1.VERDICT_INFEASIBLE]
    if not feasible and not asked:
        return _nothing_can(inspected, shops, _unique(reason for way in _nearest(impossible) for reason in way.reasons))
    against = (reason for way in impossible if not _far(way) for reason in way.reasons)
    missing = _unique(reason for answer in later for reason in answer.reasons)
    missing = tuple(reason for reason in missing if reason.code != "process.other") or missing
    return _verdict(inspected, REJECT, [*feasible, *asked], later, questions, _unique([*missing, *against]))


def _asked_of_owners(answers: Sequence[ShopAnswer]) -> tuple[tuple[v1.Reason, ...], tuple[v1.Reason, ...]]:
    """What must be answered for the shop that needs the fewest answers, and what any of them asks: its owner, and the maker where the way
    itself is a question."""
    told = [_unique([*answer.reasons, *_asked_of_maker(answer.way)]) for answer in answers if answer.asks]
    return min(told, key=len), _unique(reason for reasons in told for reason in reasons)


def _asked_of_maker(way: v1.Makeability | None) -> Iterable[v1.Reason]:
    return way.reasons if way is not None and way.verdict == v1.VERDICT_ASK else ()


def _nothing_can(inspected: v1.InspectedPart, shops: Sequence[v1.Shop], against: tuple[v1.Reason, ...]) -> PartVerdict:
    """No process makes it as it is: either the maker can mend the file, or it ends here."""
    # What is wrong with the file is all that can be said: a file that was not read has no shape to judge.
    told = tuple(inspected.report.faults) or against
    answers = [ShopAnswer(shop, False, None, None, "", None, told) for shop in shops]
    codes = {reason.code for reason in told}
    mendable = (inspected.report.faults or codes & MENDABLE) and not codes & HOSTILE
    questions = _unique(reason for reason in told if inspected.report.faults or reason.code in MENDABLE) if mendable else ()
    return _verdict(inspected, HOLD if mendable else REJECT, [], answers, questions, told)


def _nearest(ways: Sequence[v1.Makeability]) -> list[v1.Makeability]:
    """Of several ways that are out of the question, those that come nearest: that a shaft is no sheet helps nobody who wants it turned."""
    least = min(map(_far, ways), default=0)
    return [way for way in ways if _far(way) == least]


def _far(way: v1.Makeability) -> int:
    """0 for what a process might make were it drawn otherwise, 1 for what is no work for it, 2 for a process that was not asked for."""
    codes = {reason.code for reason in way.reasons}
    return 2 if "process.other" in codes else int(bool(codes & ANOTHER_KIND))


def _fewest(asked: Sequence[v1.Makeability], shops: Sequence[v1.Shop]) -> tuple[v1.Reason, ...]:
    """What must be answered for the way that needs the fewest answers, of those that a shop could go; of all, where none could.

    A way that asks whether it shall be made so though another is better comes last.
    """
    whole = [way for way in asked if way.process == "assembly"]
    if whole:  # Whatever else is asked of its parts together, each wants its own file first.
        return _unique(whole[0].reasons)
    needed = (_unique(way.reasons) for way in _open_ways(asked, shops))
    return min(needed, key=lambda reasons: (any(one.code in BETTER_ELSEWHERE for one in reasons), len(reasons)), default=())


def _open_ways(asked: Sequence[v1.Makeability], shops: Sequence[v1.Shop]) -> Sequence[v1.Makeability]:
    """The ways that a shop could go once what they ask is answered; all, where none could."""
    return [way for way in asked if any(_answer(shop, [way]).able for shop in shops)] or asked


def _size_is_open(questions: Iterable[v1.Reason]) -> bool:
    """Whether the answer may change the size, so that who has room is not known yet."""
    return any(question.code.startswith("units.") for question in questions)


def _answer(shop: v1.Shop, ways: Sequence[v1.Makeability]) -> ShopAnswer:
    """The shop's machine that can, else the one whose owner may say so, else the nearest miss: by the fewest rules, then millimetres."""
    shut = tuple(closed(shop))
    tried = [(judge(way.requirement, machine, shop), machine, way) for machine in shop.machines for way in ways]
    if not tried:
        return ShopAnswer(shop, False, None, None, "", None, shut)
    fit, machine, way = min(tried, key=lambda one: (_rules_missed(one[0].misfits), len(one[0].questions), _missing_mm(one[2], one[1])))
    if any(reason.code == "process.other" for reason in fit.misfits):
        against = _unique([*(reason for fit, _, _ in tried for reason in fit.misfits), *shut])
        return ShopAnswer(shop, False, None, None, "", None, against)
    known = all(side > 0 for side in (machine.envelope_mm.x, machine.envelope_mm.y, machine.envelope_mm.z))
    margin = best_room(way.requirement, machine.envelope_mm).margin_mm if known else None
    material = usable_material(way.requirement, machine)
    asks = fit.verdict == ASK and not shut
    reasons = fit.questions if asks else (*fit.misfits, *shut)
    return ShopAnswer(shop, fit.verdict == YES and not shut, machine, way, material, margin, reasons, asks)


def _missing_mm(way: v1.Makeability, machine: v1.Machine) -> float:
    return best_room(way.requirement, machine.envelope_mm).misses_mm


def _rules_missed(against: Sequence[v1.Reason]) -> int:
    """How many rules a machine misses. Another process is no near miss, though it is one reason only."""
    return len(against) + 100 * any(reason.code == "process.other" for reason in against)


def _unique(reasons: Iterable[v1.Reason]) -> tuple[v1.Reason, ...]:
    """Each reason once, in their order."""
    return tuple({(reason.code, reason.message): reason for reason in reasons}.values())


def _verdict(
    inspected: v1.InspectedPart,
    verdict: str,
    ways: Sequence[v1.Makeability],
    shops: Sequence[ShopAnswer],
    questions: tuple[v1.Reason, ...],
    reasons: tuple[v1.Reason, ...],
) -> PartVerdict:
    processes = tuple(dict.fromkeys(way.process for way in ways))
    answers = tuple(sorted(shops, key=lambda one: (not one.able, not one.asks)))
    return PartVerdict(inspected, verdict, processes, answers, questions, reasons)


@dataclass(frozen=True)
class Together:
    """What becomes of several parts that are wanted together, and which shops could make all of them."""

    verdict: str
    processes: tuple[str, ...]
    shops: tuple[tuple[v1.Shop, bool], ...]
    questions: tuple[v1.Reason, ...]
    reasons: tuple[v1.Reason, ...]


def together(parts: Sequence[PartVerdict]) -> Together:
    """The worst verdict of all parts; the processes that any of them needs."""
    worst = max((part.verdict for part in parts), key=(ACCEPT, HOLD, REJECT).index)
    able = {answer.shop.id: all(_able(part, answer.shop.id) for part in parts) for answer in parts[0].shops}
    return Together(
        verdict=worst,
        processes=tuple(dict.fromkeys(process for part in parts for process in part.processes)),
        shops=tuple((answer.shop, able[answer.shop.id]) for answer in parts[0].shops),
        questions=_unique(question for part in parts for question in part.questions),
        reasons=_unique(reason for part in parts for reason in part.reasons),
    )


def _able(part: PartVerdict, shop_id: str) -> bool:
    return any(answer.able for answer in part.shops if answer.shop.id == shop_id)
