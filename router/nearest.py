# SPDX-License-Identifier: AGPL-3.0-or-later
"""How near a machine comes that cannot, and the smallest change that would make a job possible. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from commonfab import processes, v1
from commonfab.envelope import too_small
from commonfab.reasons import reason
from commonfab.units import km, mm, size_text
from router.matching import Match, Unable, Wanted, gap

MOST_CUTS = 4
"""Pieces into which a part is cut in thought. With more, it would be another design."""

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "process.other": "process",
        "material.missing": "material",
        "shop.distance": "distance",
        "place.unknown": "distance",
        "machine.offline": "people",
        "machine.out_of_order": "people",
        "machine.maintenance": "people",
        "machine.hours": "people",
        "machine.unattended": "people",
    }
)
"""What kind of thing is missing where a code says so alone; `AREAS` has the others."""

AREAS: Mapping[str, str] = MappingProxyType(
    {"size": "room", "stock": "material", "tool": "tool", "op": "skill", "skill": "skill", "route": "skill"}
    | dict.fromkeys(("shop", "policy", "hours"), "people")
)
"""What kind of thing is missing, by the area of the code. What is in neither is a matter of the machine itself: power, axes, tolerance."""

AXES: Mapping[str, str] = MappingProxyType({"size.x": "across", "size.y": "in depth", "size.z": "in height"})


@dataclass(frozen=True)
class Miss:
    """A change that would do, how large it is, and the machine that it is about; None where it is about none.

    `change` puts unlike things in a rough order. 0.1 is a tenth more room or distance; the others are our own choice: what asks for a word
    (0.2) comes before what is bought (0.3 and more), and both before another design.
    """

    change: float
    what: v1.Reason
    near: Unable | None


def kind_of(code: str) -> str:
    """What is missing: "process", "room", "material", "tool", "skill", "distance", "people", or "means" for anything else of a machine."""
    return KINDS.get(code) or AREAS.get(code.partition(".")[0], "means")


def only_kind(reasons: Iterable[v1.Reason]) -> str:
    """The kind of thing that is missing where nothing of another kind is; else empty."""
    kinds = {kind_of(one.code) for one in reasons}
    return kinds.pop() if len(kinds) == 1 else ""


def gap_of(of: v1.Reason) -> float:
    """How far its figures are apart, as a share; 0 where it has none to compare. Of what has no measure, 100 mm or a day count as 1."""
    figures = {figure.name: figure.value for figure in of.figures}
    return figures["missing"] / 100 if "missing" in figures else figures["ago"] / 86400 if "ago" in figures else gap(of)


def nearness(of: Unable) -> tuple[int, float, str, str]:
    """The order of near misses: by the rules that are failed, then by how far the figures are apart."""
    # Another process is never a near miss, though it is one reason only.
    other_process = any(one.code == "process.other" for one in of.reasons)
    return (100 if other_process else len(of.reasons), sum(map(gap_of, of.reasons)), of.shop.id, of.machine.id)


def nearest_misses(found: Match, wanted: Wanted, most: int = 3) -> list[v1.NearestMiss]:
    """The smallest changes that would each alone make the job possible, the smallest first, one of each kind, at most `most`.

    Where no machine comes near, what is missing is a machine, and that is the only answer.
    """
    by_kind: dict[str, list[Unable]] = defaultdict(list)
    for one in sorted(found.unable, key=nearness):
        by_kind[only_kind(one.reasons)].append(one)
    found_misses = [
        *_more_room(by_kind["room"], wanted),
        *_pieces(by_kind["room"], wanted),
        *_material(by_kind["material"]),
        *_tool(by_kind["tool"]),
        *_operation(by_kind["skill"]),
        *_distance(by_kind["distance"]),
        *(Miss(0.2, reason("near.people"), one) for one in by_kind["people"][:1]),
        *(Miss(0.8 + gap_of(one.reasons[0]), reason("near.means", one.machine.process), one) for one in by_kind["means"][:1]),
    ]
    misses = sorted(found_misses, key=lambda miss: miss.change) or _any_machine(wanted)
    return [_told(miss) for miss in misses[:most]]


def need_of(one: Unable, wanted: Wanted) -> v1.Requirement:
    """What a machine would have to meet: of the way that it misses by least."""
    if one.way is not None:
        return one.way.requirement
    needs = [way.requirement for way in wanted.ways]
    return next((need for need in needs if processes.satisfies(one.machine.process, need.process)), needs[0])


def _more_room(near: Sequence[Unable], wanted: Wanted) -> list[Miss]:
    """The machine that misses by the fewest millimetres, and how many along each axis."""
    if not near:
        return []
    best = min(near, key=lambda one: sum(_missing(one).values()))
    missing = {code: math.ceil(gap * 10 - 1e-6) / 10 for code, gap in _missing(best).items()}
    told = [f"{mm(gap)} {AXES[code]}" for code, gap in missing.items()]
    told[0] = told[0].replace(" mm ", " mm more ")
    more = " and ".join((", ".join(told[:-1]), told[-1])) if len(told) > 1 else told[0]
    axes = {code.removeprefix("size."): mm(gap) for code, gap in missing.items()}
    return [Miss(sum(map(gap_of, best.reasons)), reason("near.room", f"{need_of(best, wanted).process} with {more}", **axes), best)]


def _missing(of: Unable) -> dict[str, float]:
    """By axis, how much room is missing, mm."""
    gaps = {}
    for one in of.reasons:
        figures = {figure.name: figure.value for figure in one.figures}
        gaps[one.code] = figures["needs"] - figures["has"]
    return gaps


def _pieces(near: Sequence[Unable], wanted: Wanted) -> list[Miss]:
    """The machine on which the part fits in the fewest pieces."""
    tried = [(_fewest_pieces(need_of(one, wanted), one.machine.envelope_mm), one) for one in near]
    cut = min(((pieces, one) for pieces, one in tried if pieces), key=lambda pair: pair[0], default=None)
    return [] if cut is None else [Miss(0.4 * cut[0], reason("near.pieces", pieces=cut[0]), cut[1])]


def _fewest_pieces(need: v1.Requirement, room: v1.Size) -> int:
    """In how many pieces, cut across its longest side, the part would have room; 0 where not even `MOST_CUTS` do."""
    return next((pieces for pieces in range(2, MOST_CUTS + 1) if not too_small(_cut(need, pieces), room)), 0)


def _cut(need: v1.Requirement, pieces: int) -> v1.Requirement:
    """The room that a piece takes. A plane across a box cuts whatever is in it, so each piece is within its share of the box."""
    boxes = [placement.size_mm for placement in need.placements] or [need.size_mm]
    return v1.Requirement(
        placements=[v1.Placement(size_mm=_share(box, pieces)) for box in boxes],
        keep_direction=need.keep_direction,
    )


def _share(box: v1.Size, pieces: int) -> v1.Size:
    sides = [box.x, box.y, box.z]
    sides[sides.index(max(sides))] /= pieces
    return v1.Size(x=sides[0], y=sides[1], z=sides[2])


def _material(near: Sequence[Unable]) -> list[Miss]:
    return [Miss(0.3 + sum(map(gap_of, one.reasons)), reason("near.material", material_of(one.reasons[0])), one) for one in near[:1]]


def material_of(of: v1.Reason) -> str:
    """The material that is missing, as people ask for it: "petg", "acrylic of 3 mm", "a larger piece of birch", "more pla"."""
    if of.code in ("stock.size", "stock.amount"):
        return f"{'more' if of.code == 'stock.amount' else 'a larger piece of'} {of.subject}"
    needs = next((mm(figure.value) for figure in of.figures if figure.name == "needs"), None)
    return of.subject if needs is None else f"{of.subject} of {needs}"


def _tool(near: Sequence[Unable]) -> list[Miss]:
    return [Miss(0.4, reason("near.tool", one.machine.process), one) for one in near[:1]]


def _operation(near: Sequence[Unable]) -> list[Miss]:
    return [Miss(0.5, reason("near.operation", ", ".join(why.subject for why in one.reasons)), one) for one in near[:1]]


def _distance(near: Sequence[Unable]) -> list[Miss]:
    """How far the job would have to allow, in whole km; or that somebody would have to say where they are."""
    far = [one for one in near if one.reasons[0].code == "shop.distance"]
    if far:
        figures = {figure.name: figure.value for figure in far[0].reasons[0].figures}
        needs, allowed = math.ceil(figures["distance"]), figures["allowed"]
        return [Miss((needs - allowed) / allowed, reason("near.distance", needs=km(needs), allowed=km(allowed)), far[0])]
    return [Miss(0.2, reason("near.place"), one) for one in near[:1]]


def _any_machine(wanted: Wanted) -> list[Miss]:
    """That there is no such machine at all."""
    if not wanted.ways:
        return []
    need = wanted.ways[0].requirement
    box = need.placements[0].size_mm if need.placements else need.size_mm
    return [Miss(1.0, reason("near.process", f"{need.process} with room for {size_text(box.x, box.y, box.z)}"), None)]


def _told(miss: Miss) -> v1.NearestMiss:
    return v1.NearestMiss(change=miss.what, machine=None if miss.near is None else refused(miss.near))


def refused(one: Unable) -> v1.RefusedMachine:
    """A machine that cannot, as it is told."""
    return v1.RefusedMachine(shop_id=one.shop.id, shop_name=one.shop.name, machine_id=one.machine.id, reasons=one.reasons)
