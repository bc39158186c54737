# SPDX-License-Identifier: AGPL-3.0-or-later
"""Every machine in columns, so that one job is tried on all of them at once.

The rules stand in `fitness.py`, `willingness.py` and `matching.py`, and nowhere else: columns only sort out what those would refuse
(`kind_rules.py`), and what is left is given to `matching.tried`, the nearest ring first. So the index is never of another opinion than
`matching.match`; it only stops looking once it has found enough.

Which rings are looked at: shops lie in rings of distance around the requester (`rings.py`). A ring is looked at only where the rings inside
it did not hold enough of the able; inside a ring, the machine comes first that is free soonest with the way there counted. A machine
farther out that is free sooner is therefore not found where enough were found nearer: a part is fetched by somebody, and who can make it
next door is not passed over for an hour. Shops that left an offer unanswered do not count towards enough, since they are asked only where
nobody else can be. The shop that made the first article is always tried.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from commonfab import v1
from router import fitness, matching
from router.all_machines import explained
from router.columns import Rows
from router.machine_kinds import Suiting
from router.matching import Able, Match, Unable, Wanted
from router.rings import ring_of
from router.shop_on_board import ShopOnBoard
from router.shop_rows import NO_MACHINE, ShopRows
from router.willingness import unwilling

ENOUGH = 32

Kilometres = NDArray[np.float64]

FEW_MACHINES = 4000
"""Up to so many machines of a suiting kind are picked from all rows at once; more are looked for ring by ring."""

SMALL_STREET = 2000
"""Up to so many machines, `match` tries every one by the rules themselves."""

SECONDS_PER_KM = 480
"""What a kilometre counts in the order within a ring: as in `ranking_policy.toml`, there and back on a bicycle."""

FIRST_LOOK, SAMPLE = 4, 2000
"""How many machines are put in order at first, for each that is wanted; and of how many it is guessed where those end."""


class CapabilityIndex:
    """All shops that a router knows, changed in place. Not for several threads."""

    def __init__(self) -> None:
        self._rows = ShopRows()

    def put(self, known: ShopOnBoard, heard_at_ms: int) -> None:
        """Insert or replace a shop, heard at that time of the board's clock. `known.heard_ago` does not count.

        Errors: `ValueError` where its place is no cell; then nothing has changed.
        """
        self._rows.put(known, heard_at_ms)

    def heard(self, shop_id: str, heard_at_ms: int) -> None:
        """A shop called again; unknown ids are ignored."""
        self._rows.heard(shop_id, heard_at_ms)

    def drop(self, shop_id: str) -> None:
        """Forget a shop; unknown ids are ignored."""
        self._rows.drop(shop_id)

    def shop(self, shop_id: str, now_ms: int) -> ShopOnBoard | None:
        """A shop as it was last put, `heard_ago` reckoned from `now_ms`; None where there is none of that id."""
        number = self._rows.number(shop_id)
        return None if number is None else self._rows.shop(number, now_ms)

    def shops(self, now_ms: int) -> Iterator[ShopOnBoard]:
        """Every shop, in the order of their ids."""
        for shop_id in self._rows.ids():
            known = self.shop(shop_id, now_ms)
            if known is not None:
                yield known

    def find(
        self, wanted: Wanted, now_ms: int, present_seconds: float, enough: int = ENOUGH, only: Collection[str] | None = None
    ) -> list[Able]:
        """The able of the nearest rings, at least `enough` of them where there are so many; all, where `enough` is larger than `len`.

        Parameters: `only`, the ids of the shops to try, where the others were tried before.
        """
        return _Search(self._rows, wanted, now_ms, present_seconds).able(enough, only)

    def match(self, wanted: Wanted, now_ms: int, present_seconds: float, shown: int = 50) -> Match:
        """The able as `find` finds them, those that cannot or must be asked, and how many fail which rule.

        Up to `SMALL_STREET` machines it is `matching.match`, exact in every figure. With more, `all_machines.explained` says what of it is
        counted and what is reckoned from a sample; then only the `shown` nearest misses are in `unable` and in `ask`.
        """
        if len(self) <= SMALL_STREET:
            return matching.match(wanted, list(self.shops(now_ms)), present_seconds)
        able = self.find(wanted, now_ms, present_seconds, max(shown, ENOUGH))
        return explained(self._rows, wanted, able, now_ms, present_seconds, shown)

    def __len__(self) -> int:
        """How many machines there are."""
        return self._rows.in_use

    def machine_bytes(self) -> int:
        """All memory that the index holds, bytes: columns as reserved, texts, numbers and tables of interned descriptions."""
        return self._rows.nbytes


class _Remembered:
    """`fitness.judge`, asked once for machines that are equal, in houses that are equal."""

    def __init__(self, needs: Sequence[v1.Requirement]) -> None:
        # As long as they are held here, a job's way answers with the same objects, which are faster to tell apart than what they say.
        self._needs = {id(need): need for need in needs}
        self._fits: dict[tuple[tuple[int, ...], int], fitness.Fit] = {}
        self._subject: tuple[int, ...] = ()
        self._refused: set[tuple[int, ...]] = set()
        self._suited = False

    def about(self, kind: int, house: int, state: int, shop: int) -> bool:
        """From here on it is asked about such a machine; False where every such machine has been refused already."""
        self._subject, self._suited = (kind, house, state, shop), False
        return self._subject not in self._refused

    def judge(self, need: v1.Requirement, machine: v1.Machine, shop: v1.Shop, today: date | None) -> fitness.Fit:
        """What `fitness.judge` says."""
        key = (self._subject, id(need))
        fit = self._fits.get(key)
        if fit is None:
            fit = fitness.judge(need, machine, shop, today)
            if key[1] in self._needs:
                self._fits[key] = fit
        self._suited = self._suited or fit.verdict == fitness.YES
        return fit

    def refused(self) -> None:
        """The machine was not able: neither are its equals, if that lies in the machine and its house."""
        if not self._suited:
            self._refused.add(self._subject)


class _Search:
    """One job against all machines."""

    def __init__(self, rows: ShopRows, wanted: Wanted, now_ms: int, present_seconds: float) -> None:
        self._rows, self._wanted, self._now_ms, self._present_seconds = rows, wanted, now_ms, present_seconds
        self._needs = [way.requirement for way in wanted.ways]
        self._remembered = _Remembered(self._needs)
        self._houses: dict[int, bool] = {}
        # Where steps follow on other machines of the shop, no two shops are equal.
        self._by_shop = any(need.then for need in self._needs)
        machines, shops = rows.machines, rows.shops
        self._kind, self._shop, self._state = machines["kind"], machines["shop"], machines["state"]
        self._house, self._first, self._choosy = shops["house"], shops["first"], shops["choosy"]

    def able(self, enough: int, only: Collection[str] | None) -> list[Able]:
        suiting = self._rows.kinds.suiting(self._needs)
        if not suiting.machines:
            return []
        found: list[Able] = []
        answering = 0
        for row in self._candidates(suiting, only, enough):
            one = self._tried(row)
            if one is not None:
                found.append(one)
                answering += not one.unanswered
            if answering >= enough:
                break
        return [*found, *self._first_shop(suiting, found, only)]

    def _first_shop(self, suiting: Suiting, found: list[Able], only: Collection[str] | None) -> list[Able]:
        first = self._wanted.first_shop
        number = self._rows.number(first) if first and (only is None or first in only) else None
        if number is None or any(one.made_first for one in found):
            return []
        rows, _ = self._rows.rows_of(np.array([number]))
        tried = (self._tried(row) for row in rows[suiting.kinds[self._rows.machines["kind"][rows]]].tolist())
        return [one for one in tried if one is not None]

    def _tried(self, row: int) -> Able | None:
        shop = self._shop.item(row)
        house = self._house.item(shop)
        may_be = self._remembered.about(self._kind.item(row), house, self._state.item(row), shop if self._by_shop else NO_MACHINE)
        if not may_be or (self._choosy.item(shop) and self._house_refuses(house)):
            return None
        known = self._rows.shop(shop, self._now_ms)
        machine = known.shop.machines[row - self._first.item(shop)]
        one = matching.tried(self._wanted, known, machine, self._present_seconds, self._remembered.judge)
        if isinstance(one, Unable):
            self._remembered.refused()
            return None
        return one

    def _house_refuses(self, house: int) -> bool:
        """Whether such a house takes nothing from this requester, whatever it is and however near."""
        refuses = self._houses.get(house)
        if refuses is None:
            told = v1.Shop.FromString(self._rows.houses.key(house))
            refuses = self._houses[house] = bool(unwilling(v1.Requirement(), told, self._wanted.requester, 0.0))
        return refuses

    def _candidates(self, suiting: Suiting, only: Collection[str] | None, enough: int) -> Iterator[int]:
        """The rows that may be able, in the order in which they are tried."""
        for rows, km in self._batches(suiting, only):
            rows, km = self._present(rows, km)
            yield from _in_order(rows, self._order(rows, km), enough)

    def _batches(self, suiting: Suiting, only: Collection[str] | None) -> Iterator[tuple[Rows, Kilometres]]:
        """Rows of suiting kinds with their distances: some of the nearest, then some of those farther away."""
        place, places, machines = self._wanted.place, self._rows.places, self._rows.machines
        if only is None and place.cell and suiting.machines > FEW_MACHINES:
            for ring in places.rings(place):
                rows, counts = self._rows.rows_of(ring.shops)
                suits = np.flatnonzero(suiting.kinds[machines["kind"][rows]])
                yield rows[suits], np.repeat(ring.km, counts)[suits]
            return
        if only is None:
            rows = np.flatnonzero(suiting.kinds[machines["kind"]])
            rows = rows[machines["shop"][rows] != NO_MACHINE]
        else:
            numbers = (self._rows.number(shop_id) for shop_id in sorted(only))
            rows, _ = self._rows.rows_of(np.array([number for number in numbers if number is not None], np.int64))
            rows = rows[suiting.kinds[machines["kind"][rows]]]
        yield rows, places.km(place, machines["shop"][rows])

    def _present(self, rows: Rows, km: Kilometres) -> tuple[Rows, Kilometres]:
        """Those in service, in shops that were heard, are open, near enough, and have not passed."""
        wanted, shops = self._wanted, self._rows.shops
        numbers = self._rows.machines["shop"][rows]
        keep = ~self._rows.machines["out"][rows] & ~shops["closed"][numbers]
        keep &= shops["heard"][numbers] >= self._now_ms - self._present_seconds * 1000 - 1
        reach = shops["reach"][numbers]
        if wanted.within_km:
            reach = np.minimum(reach, wanted.within_km)
        # A distance that is not known is within no limit.
        keep &= np.isinf(reach) | (km <= reach * (1 + 1e-6) + 1e-3)
        passed = [self._rows.number(shop_id) for shop_id, how in wanted.passed.items() if how in matching.PASSED]
        if passed:
            keep &= ~np.isin(numbers, [number for number in passed if number is not None])
        return rows[keep], km[keep]

    def _order(self, rows: Rows, km: Kilometres) -> NDArray[np.uint64]:
        """What they are tried in the order of: the ring, then how soon the way there and the waiting end, then the shop's lot."""
        seconds = self._rows.machines["free"][rows] + np.where(np.isnan(km), 0.0, km) * SECONDS_PER_KM
        whole = np.clip(seconds, 0, (1 << 28) - 1).astype(np.uint64)
        lot = self._rows.shops["lot"][self._rows.machines["shop"][rows]].astype(np.uint64)
        return np.asarray(ring_of(km).astype(np.uint64) << np.uint64(60) | whole << np.uint64(32) | lot)


def _in_order(rows: Rows, order: NDArray[np.uint64], enough: int) -> Iterator[int]:
    """The rows, least first. Only as many are sorted as are likely to be asked for, then all others."""
    likely = FIRST_LOOK * enough
    if len(rows) > 2 * likely:
        step = max(1, len(rows) // SAMPLE)
        sample = np.sort(order[::step])
        first = order <= sample[min(likely // step + 1, len(sample) - 1)]
        yield from _sorted(rows[first], order[first])
        rows, order = rows[~first], order[~first]
    yield from _sorted(rows, order)


def _sorted(rows: Rows, order: NDArray[np.uint64]) -> Iterator[int]:
    yield from rows[np.argsort(order, kind="stable")].tolist()
