# SPDX-License-Identifier: AGPL-3.0-or-later
"""What somebody wants to hear of. Pure: an event carries what it is found by, so it fits today as it will in a year."""

from __future__ import annotations

from dataclasses import dataclass

from commonfab import v1
from commonfab.errors import Refused
from commonfab.place import distance_km, is_coarse
from commonfab.processes import satisfies

DEFAULT_KM = 20.0
MOST_NAMED = 10_000


@dataclass(frozen=True)
class Interest:
    """What an event must have to do with: any of these. With nothing named, every event fits."""

    designs: frozenset[str]
    modules: frozenset[str]
    processes: tuple[str, ...]
    near: v1.Place | None
    within_km: float

    def fits(self, event: v1.CommonsEvent) -> bool:
        """Whether somebody with this interest is told of the event."""
        if not (self.designs or self.modules or self.processes or self.near):
            return True
        if event.design_id in self.designs or event.design_id in self.modules or not self.modules.isdisjoint(event.modules):
            return True
        if any(satisfies(has, needs) for needs in self.processes for has in event.processes):
            return True
        return self.near is not None and any(_within(self.near, place, self.within_km) for place in event.places)


def interest_of(request: v1.FollowRequest) -> Interest:
    """The interest that a request names. Errors: `Refused` (`request.malformed`)."""
    if not is_coarse(request.near):
        raise Refused("request.malformed", f"{request.near.cell[:80]} is not an H3 cell of resolution 7 or coarser")
    if not 0 <= request.within_km < float("inf"):
        raise Refused("request.malformed", "how far around a place is a number of km, 0 or more")
    if len(request.designs) + len(request.modules) + len(request.processes) > MOST_NAMED:
        raise Refused("request.malformed", f"one call follows at most {MOST_NAMED} designs, modules and processes")
    near = request.near if request.near.cell else None
    within = request.within_km or DEFAULT_KM
    return Interest(frozenset(request.designs), frozenset(request.modules), tuple(request.processes), near, within)


def _within(near: v1.Place, place: v1.Place, km: float) -> bool:
    distance = distance_km(near, place)
    return distance is not None and distance <= km
