# SPDX-License-Identifier: AGPL-3.0-or-later
"""Every machine against one job: who can, who cannot and why. A pure function of what is known at one moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from commonfab import processes, v1
from commonfab.place import distance_km
from commonfab.reasons import reason
from commonfab.units import Quantity, km
from router import hours, stock, willingness
from router.fitness import Fit, fits, judge
from router.shop_on_board import USUAL_PACE, ShopOnBoard

Fits = Callable[[v1.Requirement, v1.Machine, v1.Shop, date | None], tuple[str, ...]]

NO_POLICY = v1.ShopPolicy()

PASSED = {"declined": "shop.declined", "tried": "shop.tried"}


@dataclass(frozen=True)
class Wanted:
    """What matching needs to know of a job.

    `ways` are the judgements under which it may be made; `passed` says which shops declined ("declined"), could not ("tried") or did not
    answer ("unanswered"); `quantity`, the pieces that have no shop yet; `needed_in_minutes`, how long until they are needed, None for no
    deadline; `minute_of_week`, what time it is in minutes since Monday 00:00 UTC, None where hours shall not count; `first_shop`, the shop
    that made the first article, which stays with the rest where it can; `today`, for the age of measurements, None where that shall not
    count. A requirement that does not say what one piece takes is given the grams and minutes of its estimate.
    """

    ways: Sequence[v1.Makeability]
    place: v1.Place
    within_km: float
    passed: Mapping[str, str]
    requester: str = ""
    quantity: int = 1
    needed_in_minutes: float | None = None
    minute_of_week: float | None = None
    first_shop: str = ""
    today: date | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "ways", tuple(weighed(way) for way in self.ways))


@dataclass(frozen=True)
class Able:
    """A machine that can make the part, in which way, of what, and how it is placed.

    `most_pieces`, how many it can make before material or the shop's policy ends it, None for any number; the others as `ShopOnBoard` and
    `Wanted` have them.
    """

    shop: v1.Shop
    machine: v1.Machine
    way: v1.Makeability
    material: str
    distance_km: float | None
    free_in_minutes: float
    unanswered: bool = False
    pace: float = USUAL_PACE
    had_minutes: float = 0.0
    proven: int = 0
    most_pieces: int | None = None
    made_first: bool = False
    sequence: int = 0


@dataclass(frozen=True)
class Unable:
    """A machine that cannot make the part, may not be asked, or of which only its owner can say; with every reason.

    `way`, the one that it misses by least; `asks`, whether nothing stands against it and the reasons are questions to its owner.
    """

    shop: v1.Shop
    machine: v1.Machine
    reasons: tuple[v1.Reason, ...]
    way: v1.Makeability | None = None
    asks: bool = False


@dataclass(frozen=True)
class Group:
    """All machines that fail one rule: the reason of the one that fails it by least, how many there are, and how many fail nothing else."""

    nearest: v1.Reason
    machines: int
    only_this: int


@dataclass(frozen=True)
class Match:
    """All machines, parted into those that can, those that cannot, and those whose owner must be asked by a person.

    Of many machines only the nearest misses are in `unable` and `ask`; `machines` and `groups` count all that were tried.
    """

    able: tuple[Able, ...]
    unable: tuple[Unable, ...]
    ask: tuple[Unable, ...] = ()
    machines: int = 0
    groups: tuple[Group, ...] = ()


def match(wanted: Wanted, shops: Sequence[ShopOnBoard], present_seconds: float) -> Match:
    """Try every machine of every shop. A shop that was not heard for `present_seconds` is asked for nothing."""
    found = [tried(wanted, known, machine, present_seconds) for known in shops for machine in known.shop.machines]
    refused = [one for one in found if isinstance(one, Unable)]
    unable = tuple(one for one in refused if not one.asks)
    return Match(
        able=tuple(one for one in found if isinstance(one, Able)),
        unable=unable,
        ask=tuple(one for one in refused if one.asks),
        machines=len(found),
        groups=grouped(unable),
    )


def tried(wanted: Wanted, known: ShopOnBoard, machine: v1.Machine, present_seconds: float) -> Able | Unable:
    """One machine against one job."""
    away = distance_km(known.shop.place, wanted.place)
    way, fit, unwilling = _best_way(wanted, known.shop, machine, away)
    if against := (*fit.misfits, *unwilling, *_barred(wanted, known, away, present_seconds)):
        return Unable(known.shop, machine, tuple({(one.code, one.message): one for one in against}.values()), way)
    if fit.questions:
        return Unable(known.shop, machine, fit.questions, way, asks=True)
    return _able_of(known, machine, way, stock.usable(way.requirement, machine), away, wanted)


def able(wanted: Wanted, known: ShopOnBoard, machine: v1.Machine, present_seconds: float, fits: Fits = fits) -> Able | None:
    """The machine, where `tried` finds it able, and None where it does not: in a third of the time, since no reasons are told.

    Parameters: `fits` is `fitness.fits`, or the same with its answers remembered for equal machines: it may look at everything of the
    machine but its id, its name and `free_in`, and at the shop's machines, operations and skills.
    """
    away = distance_km(known.shop.place, wanted.place)
    if _barred(wanted, known, away, present_seconds):
        return None
    for way in wanted.ways:
        usable = fits(way.requirement, machine, known.shop, wanted.today)
        if usable and next(_unwilling(way.requirement, known.shop, machine, wanted.requester, away), None) is None:
            return _able_of(known, machine, way, usable, away, wanted)
    return None


def _barred(wanted: Wanted, known: ShopOnBoard, away: float | None, present_seconds: float) -> list[v1.Reason]:
    """What of the shop stands against the job, whatever its machines and its policy."""
    return [*_silent(known, present_seconds), *_too_far(away, wanted.within_km), *_passed(known.shop.id, wanted.passed)]


def _able_of(
    known: ShopOnBoard, machine: v1.Machine, way: v1.Makeability, usable: Sequence[str], away: float | None, wanted: Wanted
) -> Able:
    """The machine as one that can make it in that way of one of those materials; how it is placed is read off `known`."""
    shop, need = known.shop, way.requirement
    policy = shop.policy if shop.HasField("policy") else NO_POLICY
    pace = known.pace.get(machine.id, USUAL_PACE) if known.pace else USUAL_PACE
    material, most = _material_for(wanted.quantity, policy, machine, need, usable)
    return Able(
        shop=shop,
        machine=machine,
        way=way,
        material=material,
        distance_km=away,
        free_in_minutes=_free_in(known, machine, policy, need.minutes * pace, wanted.minute_of_week),
        unanswered=bool(wanted.passed) and wanted.passed.get(shop.id) == "unanswered",
        pace=pace,
        had_minutes=known.had_minutes,
        proven=_proven(known.proven, way.process) if known.proven else 0,
        # A machine that is quicker than usual is not given more: its owner counts by the estimate.
        most_pieces=_most_pieces(most, policy, need.minutes * max(pace, USUAL_PACE)),
        made_first=bool(wanted.first_shop) and shop.id == wanted.first_shop,
        sequence=known.sequence,
    )


def weighed(way: v1.Makeability) -> v1.Makeability:
    """The way, whose requirement also says what one piece takes: the grams and minutes of its estimate, where it did not say so itself."""
    need = way.requirement
    if not way.HasField("estimate") or (need.grams and need.minutes):
        return way
    told = v1.Makeability()
    told.CopyFrom(way)
    told.requirement.grams = need.grams or way.estimate.grams
    told.requirement.minutes = need.minutes or way.estimate.machine_time.ToTimedelta().total_seconds() / 60
    return told


def grouped(unable: Iterable[Unable]) -> tuple[Group, ...]:
    """Those that cannot, by reason, the most frequent first."""
    nearest: dict[str, tuple[float, v1.Reason]] = {}
    machines, alone = Counter[str](), Counter[str]()
    for one in unable:
        codes = {against.code for against in one.reasons}
        machines.update(codes)
        if len(codes) == 1:
            alone.update(codes)
        for against in one.reasons:
            misses = gap(against)
            if against.code not in nearest or misses < nearest[against.code][0]:
                nearest[against.code] = (misses, against)
    return tuple(Group(nearest[code][1], many, alone[code]) for code, many in sorted(machines.items(), key=lambda one: (-one[1], one[0])))


def gap(against: v1.Reason) -> float:
    """By how much a rule is failed, as a share of what is needed or allowed; 0 for rules without figures."""
    figures = {figure.name: figure.value for figure in against.figures}
    for wants, has in (("needs", "has"), ("allowed", "distance"), ("needs", "usual")):
        if figures.get(wants) and has in figures:
            return abs(figures[wants] - figures[has]) / figures[wants]
    return figures.get("missing", figures.get("ago", 0.0))


def _best_way(wanted: Wanted, shop: v1.Shop, machine: v1.Machine, away: float | None) -> tuple[v1.Makeability, Fit, tuple[v1.Reason, ...]]:
    """The first way that the machine can go, else the one that is missed by the fewest rules; with what the shop's policy has against it.

    Another process is no near miss, though it is one rule only; of two ways that miss alike, the one with fewer questions comes first.
    """
    best, least = None, (0, 0)
    for way in wanted.ways:
        fit = judge(way.requirement, machine, shop, wanted.today)
        other_process = bool(fit.misfits) and any(one.code == "process.other" for one in fit.misfits)
        unwilling = () if other_process and best else tuple(_unwilling(way.requirement, shop, machine, wanted.requester, away))
        misses = (100 * other_process + len(fit.misfits) + len(unwilling), len(fit.questions))
        if best is None or misses < least:
            best, least = (way, fit, unwilling), misses
            if misses == (0, 0):
                break
    assert best is not None  # a job has at least one way
    return best


def _unwilling(need: v1.Requirement, shop: v1.Shop, machine: v1.Machine, requester: str, away: float | None) -> Iterator[v1.Reason]:
    """What the shop's policy has against the work, and against what this machine would need for it."""
    if not shop.HasField("policy") and not shop.closed:
        return
    found = willingness.unwilling(need, shop, requester, away)
    yield from found
    if shop.policy.materials and all(one.code != "policy.material" for one in found):
        usable = stock.usable(need, machine)
        if usable and not any(willingness.takes(shop, material) for material in usable):
            yield reason("policy.material", usable[0])
    yield from willingness.unattended(need, shop, machine)


def _proven(pieces_by_process: Mapping[str, int], process: str) -> int:
    return sum(pieces for term, pieces in pieces_by_process.items() if processes.satisfies(term, process))


def _material_for(
    quantity: int, policy: v1.ShopPolicy, machine: v1.Machine, need: v1.Requirement, usable: Sequence[str]
) -> tuple[str, int | None]:
    """The material on hand that would be used, and for how many pieces it suffices (None: any number).

    The first that suffices for all, what is loaded before others; where none does, the one that suffices for most.
    """
    taken = [material for material in usable if willingness.allows(policy, material)] if policy.materials else usable
    if not machine.stock:
        return next(iter(taken), ""), None
    best, most = "", -1
    for material in taken:
        pieces = stock.most_pieces(material, need, machine)
        if pieces is None or pieces >= quantity:
            return material, pieces
        if pieces > most:
            best, most = material, pieces
    return best, None if most < 0 else most


def _most_pieces(stocked: int | None, policy: v1.ShopPolicy, minutes_each: float) -> int | None:
    """The largest lot that material and policy allow; None for any. What is able at all may make one piece."""
    most = [] if stocked is None else [stocked]
    if policy.most_pieces:
        most.append(policy.most_pieces)
    if policy.most_minutes and minutes_each:
        most.append(int(policy.most_minutes / minutes_each + hours.ROUNDING))
    return max(1, min(most)) if most else None


def _free_in(known: ShopOnBoard, machine: v1.Machine, policy: v1.ShopPolicy, minutes_each: float, minute_of_week: float | None) -> float:
    """Minutes until the machine could begin: what lies before it is done, somebody is there where somebody is needed, and it may run."""
    # Work that the router knows of and work that the agent reports overlap, so the longer of both counts, not the sum.
    free_in = max(machine.free_in.seconds / 60, known.queued_minutes.get(machine.id, 0.0))
    people = policy.hours
    if minute_of_week is None or not (people or machine.may_run):
        return free_in
    watched = willingness.attended(machine)
    if machine.state == v1.MACHINE_STATE_NEEDS_PERSON and not watched:
        free_in += hours.opens_in(people, minute_of_week + free_in)
    # At its own pace a piece may take longer than at the usual one, for which the hours were found to be long enough.
    lasts = min(minutes_each, hours.longest(machine.may_run))
    waits = hours.starts_in(machine.may_run, people if watched else (), minute_of_week + free_in, lasts)
    return free_in + (waits or 0.0)


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
