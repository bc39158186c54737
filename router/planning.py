# SPDX-License-Identifier: AGPL-3.0-or-later
"""Splits a quantity over the able so that the last piece is in the requester's hands as early as possible. Pure.

`splitting.py` decides on the numbers; here are the machines, the offers, and what must be told about the plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from commonfab import v1
from commonfab.reasons import reason
from router.matching import Able, Wanted
from router.ranking import OF_THE_CLOCK, TERMS, RankingPolicy, weighed
from router.splitting import ALMOST, Leeway, Machines, divide
from router.wording import lasting

LARGEST_LOT = 1000
"""More pieces than that in one lot would keep the rest of the street from helping."""

MAKING = next(at for at, (name, _) in enumerate(TERMS) if name == "making")
READY = tuple(at for at, (name, _) in enumerate(TERMS) if name in OF_THE_CLOCK and at != MAKING)
WORTH = tuple(at for at, (name, _) in enumerate(TERMS) if name not in OF_THE_CLOCK)


@dataclass(frozen=True)
class PlannedLot:
    """Pieces for one machine.

    `others`, machines of other shops to which the same lot is offered side by side, where the policy offers to several: the first that
    accepts has it. `standby`, who is able too, is not asked, and would be if this comes to nothing; None where there is nobody.
    """

    able: Able
    quantity: int
    others: tuple[Able, ...] = ()
    standby: Able | None = None


@dataclass(frozen=True)
class Plan:
    """Lots, best placed machine first; minutes until the last piece is in the requester's hands, None without lots; how many pieces come
    after the deadline; and what must be told: `plan.late`, `plan.rest_waits`."""

    lots: tuple[PlannedLot, ...] = ()
    finishes_in_minutes: float | None = None
    late_pieces: int = 0
    reasons: tuple[v1.Reason, ...] = ()


@dataclass(frozen=True)
class _Share:
    """What one machine makes; when a lot of no piece would be in hand, and how long each takes, minutes."""

    able: Able
    quantity: int
    ready: float
    each: float

    @property
    def ends(self) -> float:
        return self.ready + self.quantity * self.each

    def by(self, moment: float) -> int:
        """Pieces that are in hand by then, if fetched then."""
        return int(min(self.quantity, max(0.0, (moment - self.ready) / self.each + ALMOST)))


def plan(wanted: Wanted, able: Sequence[Able], policy: RankingPolicy, *, pieces: int | None = None) -> Plan:
    """Lots for `pieces`, or for all that `wanted` has no shop for.

    A machine has at most one lot, of at most `most_pieces` and `LARGEST_LOT`; what is left then waits and is planned again. Machines that
    left an offer unanswered are asked only for what nobody else can take. Pieces that will be late are offered all the same.
    """
    asked = wanted.quantity if pieces is None else pieces
    answering, silent = [one for one in able if not one.unanswered], [one for one in able if one.unanswered]
    ranked, shares = _shares(wanted, answering, policy, asked)
    further, last_resort = _shares(wanted, silent, policy, asked - _total(shares))
    ranked, shares = [*ranked, *further], [*shares, *last_resort]
    if not shares:
        return Plan()
    ends = max(share.ends for share in shares)
    late = 0 if wanted.needed_in_minutes is None else sum(share.quantity - share.by(wanted.needed_in_minutes) for share in shares)
    return Plan(tuple(_offers(shares, ranked, policy.offer_to)), ends, late, tuple(_told(wanted, asked, shares, ends, late)))


def _shares(wanted: Wanted, able: Sequence[Able], policy: RankingPolicy, pieces: int) -> tuple[list[Able], list[_Share]]:
    """The able as they are ranked, and what each of those that get something makes."""
    rows = weighed(able, policy, pieces)
    ranked = [one for one, _ in rows]
    if not ranked or pieces < 1:
        return ranked, []
    machines = _columns(ranked, np.array([counted for _, counted in rows]))
    leeway = Leeway(policy.least_saving_minutes, policy.least_saving_share, policy.may_end_later, wanted.needed_in_minutes)
    counts = divide(machines, pieces, leeway).tolist()
    columns = zip(ranked, counts, machines.ready.tolist(), machines.each.tolist(), strict=True)
    return ranked, [_Share(*column) for column in columns if column[1]]


def _columns(ranked: Sequence[Able], counted: np.ndarray) -> Machines:
    shops: dict[str, int] = {}
    most = [LARGEST_LOT if one.most_pieces is None else min(one.most_pieces, LARGEST_LOT) for one in ranked]
    return Machines(
        ready=counted[:, READY].sum(axis=1),
        each=counted[:, MAKING],
        worth=counted[:, WORTH].sum(axis=1),
        most=np.array(most, dtype=np.int64),
        shop=np.array([shops.setdefault(one.shop.id, len(shops)) for one in ranked], dtype=np.int64),
    )


def _offers(shares: Sequence[_Share], ranked: Sequence[Able], offer_to: int) -> Iterator[PlannedLot]:
    """Each share with who else is asked for it, and who stands by."""
    busy = {share.able.shop.id for share in shares}
    free = [one for one in ranked if one.shop.id not in busy]
    for share in shares:
        # One more than are asked side by side, because one must stand by who is not asked.
        able = list(islice(_other_shops(free, share), offer_to))
        others, left = (able[:-1], able[-1]) if able else ([], None)
        yield PlannedLot(share.able, share.quantity, tuple(others), left or _standby(share, free, ranked))


def _other_shops(free: Sequence[Able], share: _Share) -> Iterator[Able]:
    """Machines that could take that whole lot beside nothing else of this plan, one a shop, best placed first."""
    seen = set()
    for one in free:
        if one.shop.id not in seen and one.unanswered <= share.able.unanswered and _takes(one, share.quantity):
            seen.add(one.shop.id)
            yield one


def _standby(share: _Share, free: Sequence[Able], ranked: Sequence[Able]) -> Able | None:
    """Who would be asked next where nobody is free for the whole lot: somebody who is free for some of it, a shop that has another lot,
    or another machine of the same shop."""
    if free:
        return free[0]  # those that left an offer unanswered are the last of the ranked
    other_shop = next((one for one in ranked if one.shop.id != share.able.shop.id), None)
    return other_shop or next((one for one in ranked if one is not share.able), None)


def _takes(able: Able, quantity: int) -> bool:
    return able.most_pieces is None or able.most_pieces >= quantity


def _told(wanted: Wanted, asked: int, shares: Sequence[_Share], ends: float, late: int) -> Iterator[v1.Reason]:
    if late and wanted.needed_in_minutes is not None:
        needed = max(0.0, wanted.needed_in_minutes)
        yield reason("plan.late", late=late, pieces=asked, ends=lasting(ends), needed=lasting(needed))
    if rest := asked - _total(shares):
        yield reason("plan.rest_waits", rest=rest, pieces=asked)


def _total(shares: Sequence[_Share]) -> int:
    return sum(share.quantity for share in shares)
