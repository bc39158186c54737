# SPDX-License-Identifier: AGPL-3.0-or-later
"""One job against all machines: which are tried, in which order, and when that is enough.

Machines are gone through in pieces of the street: ring by ring around the requester, or, where nobody knows where that is, the idle ones in
the order of their shops' lots. So a job that many can make costs as much on a long street as on a short one. Where much was gone through
without finding enough, the machines are few that can make it, and those are picked from all at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
from numpy.typing import NDArray

from commonfab import v1
from router import matching
from router.index.columns import Rows
from router.index.remembered import Remembered
from router.index.rings import FAR_KM, RINGS_KM, UNKNOWN_PLACE_KM, Ring, ring_of
from router.index.shop_rows import NO_MACHINE, ShopRows
from router.matching import Able, Wanted
from router.shop_on_board import ShopOnBoard
from router.willingness import unwilling

Kilometres = NDArray[np.float64]
Order = NDArray[np.uint64]

FEW_MACHINES = 4000
"""So many machines, or so many of suiting kinds, are put in order all at once."""

NEAR_KM = max(end for end in RINGS_KM if end <= FAR_KM)
"""So far rings are looked at first, however few may suit."""

FEW_OF = 50
"""On a long street a fiftieth of all machines counts as few too."""

FIRST_SHOPS = 256
"""How many shops are looked at first where nobody knows where the requester is; then twice as many, and so on."""

LEAST_SHARE = 4
"""A quarter of all shops is gone through for idle machines, then all others are put in order."""

SECONDS_PER_KM = 480
"""What a kilometre counts in the order within a ring: as in `ranking_policy.toml`, there and back on a bicycle."""

FIRST_LOOK, SAMPLE = 4, 2000
"""How many machines are put in order at first, for each that is wanted; and of how many it is guessed where those end."""


class Search:
    """One job against all machines."""

    def __init__(self, rows: ShopRows, wanted: Wanted, now_ms: int, present_seconds: float) -> None:
        self._rows, self._wanted, self._now_ms, self._present_seconds = rows, wanted, now_ms, present_seconds
        needs = [way.requirement for way in wanted.ways]
        self._sieve = rows.kinds.sieve(needs)
        self._remembered = Remembered(needs)
        self._known: dict[int, ShopOnBoard] = {}
        self._houses: dict[int, bool] = {}
        # Where steps follow on other machines of the shop, no two shops are equal.
        self._by_shop = any(need.then for need in needs)
        machines, shops = rows.machines, rows.shops
        self._kind, self._shop, self._state, self._free = (machines[name] for name in ("kind", "shop", "state", "free"))
        self._house, self._first, self._choosy = shops["house"], shops["first"], shops["choosy"]
        self._passed = self._those_that_passed()

    def able(self, enough: int, only: Collection[str] | None) -> list[Able]:
        """The able in the order in which they were found, until enough of them would answer; and the shop that made the first article.

        Parameters: `only`, the ids of the shops to try.
        """
        found: list[Able] = []
        answering = 0
        for row in self._candidates(only, enough):
            one = self._tried(row)
            if one is not None:
                found.append(one)
                answering += not one.unanswered
            if answering >= enough:
                break
        return [*found, *self._first_shop(found, only)]

    def _first_shop(self, found: list[Able], only: Collection[str] | None) -> list[Able]:
        first = self._wanted.first_shop
        number = self._rows.number(first) if first and (only is None or first in only) else None
        if number is None or any(one.made_first for one in found):
            return []
        tried = (self._tried(row) for row in self._suiting(self._rows.rows_of(np.array([number]))[0])[0].tolist())
        return [one for one in tried if one is not None]

    def _tried(self, row: int) -> Able | None:
        shop = self._shop.item(row)
        house = self._house.item(shop)
        may_be = self._remembered.about(self._kind.item(row), house, self._state.item(row), shop if self._by_shop else NO_MACHINE)
        if not may_be or (self._choosy.item(shop) and self._house_refuses(house)):
            return None
        known = self._known.get(shop)
        if known is None:
            known = self._known[shop] = self._rows.shop(shop, self._now_ms)
        machine = known.shop.machines[row - self._first.item(shop)]
        one = matching.able(self._wanted, known, machine, self._present_seconds, self._remembered.fits)
        if one is None:
            self._remembered.refused()
        return one

    def _house_refuses(self, house: int) -> bool:
        """Whether such a house takes nothing from this requester, whatever it is and however near."""
        refuses = self._houses.get(house)
        if refuses is None:
            told = v1.Shop.FromString(self._rows.houses.key(house))
            refuses = self._houses[house] = bool(unwilling(v1.Requirement(), told, self._wanted.requester, 0.0))
        return refuses

    def _candidates(self, only: Collection[str] | None, enough: int) -> Iterator[int]:
        """The rows that may be able, in the order in which they are tried."""
        if only is not None:
            numbers = (self._rows.number(shop_id) for shop_id in sorted(only))
            rows, _ = self._rows.rows_of(np.array([number for number in numbers if number is not None], np.int64))
            return self._in_order(*self._suiting(rows), enough)
        if self._rows.in_use <= FEW_MACHINES:
            return self._in_order(*self._all_suiting(), enough)
        return self._ring_by_ring(enough) if self._wanted.place.cell else self._lot_by_lot(enough)

    def _ring_by_ring(self, enough: int) -> Iterator[int]:
        rings = self._rows.places.rings(self._wanted.place)
        done, few = -1.0, max(FEW_MACHINES, self._rows.in_use // FEW_OF)
        while not 0 < self._wanted.within_km < done:
            if (done >= NEAR_KM or self._sieve.has_cost()) and self._sieve.suiting().machines <= few:
                rows, km = self._all_suiting()
                beyond = np.where(np.isnan(km), UNKNOWN_PLACE_KM, km) > done
                yield from self._in_order(rows[beyond], km[beyond], enough)
                return
            ring = next(rings, None)
            if ring is None:
                return
            yield from self._in_order(*self._of_ring(ring), enough)
            done = ring.until

    def _of_ring(self, ring: Ring) -> tuple[Rows, Kilometres]:
        near = self._reached(ring.shops, ring.km)
        rows, counts = self._rows.rows_of(ring.shops[near])
        km = np.repeat(ring.km[near], counts)
        suits = np.flatnonzero(~self._rows.machines["out"][rows] & self._sieve.passes(self._kind[rows]))
        return rows[suits], km[suits]

    def _lot_by_lot(self, enough: int) -> Iterator[int]:
        """The idle by their lots; after them, if those do not suffice, all others."""
        shops, begin, many, tried = self._rows.by_lot(), 0, FIRST_SHOPS, set[int]()
        while begin < len(shops) // LEAST_SHARE and not self._sieve.has_cost():
            rows, _ = self._rows.rows_of(shops[begin : begin + many])
            # Less than a second counts as none in the order below.
            idle, _ = self._suiting(rows[self._free[rows] < 1])
            for row in idle.tolist():
                tried.add(row)
                yield row
            begin, many = begin + many, 2 * many
        yield from (row for row in self._in_order(*self._all_suiting(), enough) if row not in tried)

    def _all_suiting(self) -> tuple[Rows, Kilometres]:
        suiting = self._sieve.suiting()
        rows = np.flatnonzero(suiting.kinds.take(self._kind)) if suiting.machines else np.zeros(0, np.int64)
        return self._in_reach(rows[self._shop[rows] != NO_MACHINE])

    def _suiting(self, rows: Rows) -> tuple[Rows, Kilometres]:
        return self._in_reach(rows[self._sieve.passes(self._kind[rows])])

    def _in_reach(self, rows: Rows) -> tuple[Rows, Kilometres]:
        """Those in service, in shops that may be asked, with their distances."""
        rows = rows[~self._rows.machines["out"][rows]]
        shops = self._shop[rows]
        km = self._rows.places.km(self._wanted.place, shops)
        near = self._reached(shops, km)
        return rows[near], km[near]

    def _reached(self, numbers: Rows, km: Kilometres) -> NDArray[np.bool_]:
        """Which shops were heard, are open, near enough, and have not passed."""
        shops, within_km = self._rows.shops, self._wanted.within_km
        keep = ~shops["closed"][numbers]
        keep &= shops["heard"][numbers] >= self._now_ms - self._present_seconds * 1000 - 1
        reach = shops["reach"][numbers]
        if within_km:
            reach = np.minimum(reach, within_km)
        # A distance that is not known is within no limit.
        keep &= np.isinf(reach) | (km <= reach * (1 + 1e-6) + 1e-3)
        if self._passed:
            keep &= ~np.isin(numbers, self._passed)
        return keep

    def _those_that_passed(self) -> list[int]:
        numbers = (self._rows.number(shop_id) for shop_id, how in self._wanted.passed.items() if how in matching.PASSED)
        return [number for number in numbers if number is not None]

    def _in_order(self, rows: Rows, km: Kilometres, enough: int) -> Iterator[int]:
        return _least_first(rows, self._order(rows, km), enough)

    def _order(self, rows: Rows, km: Kilometres) -> Order:
        """What they are tried in the order of: the ring, then how soon the way there and the waiting end, then the shop's lot."""
        seconds = self._free[rows] + np.where(np.isnan(km), 0.0, km) * SECONDS_PER_KM
        whole = np.clip(seconds, 0, (1 << 28) - 1).astype(np.uint64)
        lot = self._rows.shops["lot"][self._shop[rows]].astype(np.uint64)
        return np.asarray(ring_of(km).astype(np.uint64) << np.uint64(60) | whole << np.uint64(32) | lot)


def _least_first(rows: Rows, order: Order, enough: int) -> Iterator[int]:
    """The rows, least first. Only as many are sorted as are likely to be asked for, then all others."""
    likely = FIRST_LOOK * enough
    if len(rows) > 2 * likely:
        step = max(1, len(rows) // SAMPLE)
        sample = np.sort(order[::step])
        first = order <= sample[min(likely // step + 1, len(sample) - 1)]
        yield from _sorted(rows[first], order[first])
        rows, order = rows[~first], order[~first]
    yield from _sorted(rows, order)


def _sorted(rows: Rows, order: Order) -> Iterator[int]:
    yield from rows[np.argsort(order, kind="stable")].tolist()
