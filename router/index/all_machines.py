# SPDX-License-Identifier: AGPL-3.0-or-later
"""One job explained over more machines than can each be judged while somebody waits.

What is shown is exact: each machine in `unable` and `ask` was given to `matching.tried`. Which machines are shown is decided by the
columns: those that fail the fewest of their rules, and those of which something is not said, the nearest first. Of the groups, the counts
of what columns know are exact: another process, silence, closed shops, distance, shops that passed, and machines out of service. The other
counts are reckoned from a sample of `SAMPLE` machines that do the process and `SAMPLE_OF_OTHERS` that do not, taken at even steps: a group
of a tenth of them is met within about two hundredths of them, and what one machine in some thousands fails may be missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from commonfab import v1
from router import matching
from router.index.columns import Flags, Rows
from router.index.shop_rows import NO_MACHINE, ShopRows
from router.matching import Able, Group, Match, Unable, Wanted

SAMPLE, SAMPLE_OF_OTHERS = 1000, 100

TRIED_FOR_EACH_SHOWN = 5
"""The columns only guess which machines come nearest, so that more are judged than are shown."""

STATES = (
    (v1.MACHINE_STATE_OUT_OF_ORDER, "machine.out_of_order"),
    (v1.MACHINE_STATE_MAINTENANCE, "machine.maintenance"),
    (v1.MACHINE_STATE_OFFLINE, "machine.offline"),
)


def explained(rows: ShopRows, wanted: Wanted, able: Sequence[Able], now_ms: int, present_seconds: float, shown: int) -> Match:
    """The match of a job with all machines. Parameters: `able`, those that were found; `shown`, how many others are named of each sort."""
    street = _Street(rows, wanted, now_ms, present_seconds)
    judged = [one for one in map(street.tried, street.near_misses(shown)) if isinstance(one, Unable)]
    return Match(
        able=tuple(able),
        unable=tuple(one for one in judged if not one.asks)[:shown],
        ask=tuple(one for one in judged if one.asks)[:shown],
        machines=rows.in_use,
        groups=tuple(street.groups()),
    )


@dataclass(frozen=True)
class _Bars:
    """Which rows a rule bars, for the rules that concern the shop or the machine's state, with the rule's code."""

    code: str
    rows: Flags


class _Street:
    """All machines and one job."""

    def __init__(self, rows: ShopRows, wanted: Wanted, now_ms: int, present_seconds: float) -> None:
        self._rows, self._wanted, self._now_ms, self._present_seconds = rows, wanted, now_ms, present_seconds
        self._all: Rows = np.flatnonzero(rows.machines["shop"] != NO_MACHINE)
        kinds, self._shops = rows.machines["kind"][self._all], rows.machines["shop"][self._all]
        self._km: NDArray[np.float64] = rows.places.km(wanted.place, self._shops)
        self._misses = np.min([rows.kinds.misses(way.requirement) for way in wanted.ways], axis=0)[kinds]
        self._unsaid: Flags = rows.kinds.unsaid()[kinds]
        self._of_process: Flags = np.isfinite(self._misses)
        self._bars = list(self._barred())

    def tried(self, place: int) -> Able | Unable:
        """The machine at a place among all, judged by the rules themselves."""
        row = int(self._all[place])
        shop = int(self._rows.machines["shop"][row])
        known = self._rows.shop(shop, self._now_ms)
        machine = known.shop.machines[row - int(self._rows.shops["first"][shop])]
        return matching.tried(self._wanted, known, machine, self._present_seconds)

    def near_misses(self, shown: int) -> list[int]:
        """Places among all of the machines that may come nearest, and of those whose owners may be asked."""
        barred = np.sum([bar.rows for bar in self._bars], axis=0)
        far = np.where(np.isnan(self._km), 0.0, self._km) / 1e6
        several = TRIED_FOR_EACH_SHOWN * shown
        nearest = _least(np.where(self._unsaid, np.inf, self._misses + barred + far), several)
        asked = _least(np.where(self._unsaid & self._of_process, barred + far, np.inf), several)
        return [*nearest, *asked]

    def groups(self) -> Iterator[Group]:
        """How many machines fail which rule, the most frequent first."""
        parts = [
            self._sampled(np.flatnonzero(self._of_process), SAMPLE),
            self._sampled(np.flatnonzero(~self._of_process), SAMPLE_OF_OTHERS),
        ]
        groups = _added(parts)
        counted = {bar.code: int(bar.rows.sum()) for bar in self._bars} | {"process.other": int((~self._of_process).sum())}
        for code, machines in counted.items():
            if code in groups:
                groups[code] = replace(groups[code], machines=machines)
        limited = (replace(group, only_this=min(group.only_this, group.machines)) for group in groups.values())
        return iter(sorted(limited, key=lambda group: (-group.machines, group.nearest.code)))

    def _sampled(self, places: Rows, size: int) -> list[Group]:
        sample = places if len(places) <= size else places[np.linspace(0, len(places) - 1, size).astype(np.int64)]
        refused = [one for one in map(self.tried, sample.tolist()) if isinstance(one, Unable) and not one.asks]
        scale = len(places) / max(len(sample), 1)
        return [
            replace(group, machines=round(group.machines * scale), only_this=round(group.only_this * scale))
            for group in matching.grouped(refused)
        ]

    def _barred(self) -> Iterator[_Bars]:
        shops, wanted = self._rows.shops, self._wanted
        yield _Bars("shop.silent", self._now_ms - shops["heard"][self._shops] > self._present_seconds * 1000)
        yield _Bars("shop.closed", shops["closed"][self._shops])
        if wanted.within_km:
            yield _Bars("shop.distance", self._km > wanted.within_km)
        for how, code in matching.PASSED.items():
            numbers = [self._rows.number(shop_id) for shop_id, was in wanted.passed.items() if was == how]
            yield _Bars(code, np.isin(self._shops, [number for number in numbers if number is not None]))
        state = self._rows.machines["state"][self._all]
        for out, code in STATES:
            # Of a machine that does something else nothing else is said.
            yield _Bars(code, (state == out) & self._of_process)


def _least(score: NDArray[np.float64], several: int) -> list[int]:
    """The places of so many least scores, the least first; without those that are infinite."""
    places = np.argpartition(score, several)[:several] if len(score) > several else np.arange(len(score))
    places = places[np.isfinite(score[places])]
    return [int(place) for place in places[np.argsort(score[places], kind="stable")]]


def _added(parts: Iterable[Iterable[Group]]) -> dict[str, Group]:
    added: dict[str, Group] = {}
    for group in (group for part in parts for group in part):
        code, other = group.nearest.code, added.get(group.nearest.code)
        if other is None:
            added[code] = group
            continue
        nearest = min(group.nearest, other.nearest, key=matching.gap)
        added[code] = Group(nearest, group.machines + other.machines, group.only_this + other.only_this)
    return added
