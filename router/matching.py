# SPDX-License-Identifier: AGPL-3.0-or-later
"""Every machine against one job: who can, who cannot and why. A pure function of what is known at one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from commonfab import v1
from commonfab.place import distance_km
from commonfab.reasons import reason
from commonfab.units import Quantity, km
from router.board_reading import ShopOnBoard
from router.fitness import misfits, usable_material

PASSED = {"declined": "shop.declined", "tried": "shop.tried"}


@dataclass(frozen=True)
class Wanted:
    """What matching needs to know of a job.

    `ways` are the judgements under which it may be made; `passed` says which shops declined ("declined"), could not ("tried") or did not
    answer ("unanswered").
    """

    ways: Sequence[v1.Makeability]
    place: v1.Place
    within_km: float
    passed: Mapping[str, str]


@dataclass(frozen=True)
class Able:
    """A machine that can make the part, in which way, of what, and how it is placed."""

    shop: v1.Shop
    machine: v1.Machine
    way: v1.Makeability
    material: str
    distance_km: float | None
    free_in_minutes: float
    unanswered: bool = False


@dataclass(frozen=True)
class Unable:
    """A machine that cannot make the part, or may not be asked, with every reason."""

    shop: v1.Shop
    machine: v1.Machine
    reasons: tuple[v1.Reason, ...]


@dataclass(frozen=True)
class Match:
    """All machines, parted into those that can and those that cannot."""

    able: tuple[Able, ...]
    unable: tuple[Unable, ...]


def match(wanted: Wanted, shops: Sequence[ShopOnBoard], present_seconds: float) -> Match:
    """Try every machine of every shop. A shop that was not heard for `present_seconds` is asked for nothing."""
    able: list[Able] = []
    unable: list[Unable] = []
    for known in shops:
        away = distance_km(known.shop.place, wanted.place)
        barred = [*_silent(known, present_seconds), *_too_far(away, wanted.within_km), *_passed(known.shop.id, wanted.passed)]
        for machine in known.shop.machines:
            way, reasons = _best_way(wanted.ways, machine, known.shop)
            if reasons or barred:
                unable.append(Unable(known.shop, machine, (*reasons, *barred)))
            else:
                able.append(_able(known, machine, way, away, wanted))
    return Match(tuple(able), tuple(unable))


def _best_way(ways: Sequence[v1.Makeability], machine: v1.Machine, shop: v1.Shop) -> tuple[v1.Makeability, list[v1.Reason]]:
    """The way that the machine misses by the fewest rules, and those rules."""
    tried = [(way, misfits(way.requirement, machine, shop)) for way in ways]
    return min(tried, key=lambda pair: len(pair[1]))


def _able(known: ShopOnBoard, machine: v1.Machine, way: v1.Makeability, away: float | None, wanted: Wanted) -> Able:
    # Work that the router knows of and work that the agent reports overlap, so the longer of both counts, not the sum.
    free_in = max(machine.free_in.ToTimedelta().total_seconds() / 60, known.queued_minutes.get(machine.id, 0.0))
    material = usable_material(way.requirement, machine)
    unanswered = wanted.passed.get(known.shop.id) == "unanswered"
    return Able(known.shop, machine, way, material, away, free_in, unanswered)


def _silent(known: ShopOnBoard, present_seconds: float) -> list[v1.Reason]:
    if known.heard_ago <= present_seconds:
        return []
    return [reason("shop.silent", ago=Quantity(known.heard_ago, "s"))]


def _too_far(away: float | None, within_km: float) -> list[v1.Reason]:
    if not within_km or (away is not None and away <= within_km):
        return []
    if away is None:
        return [reason("place.unknown")]
    return [reason("shop.distance", distance=km(away), allowed=km(within_km))]


def _passed(shop_id: str, passed: Mapping[str, str]) -> list[v1.Reason]:
    code = PASSED.get(passed.get(shop_id, ""))
    return [] if code is None else [reason(code)]
