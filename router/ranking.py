# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which of the able is best placed: by when the piece could be in the requester's hands. The weights stand in `ranking_policy.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from commonfab import v1
from commonfab.reasons import reason
from commonfab.units import km, minutes
from router.matching import Able


@dataclass(frozen=True)
class RankingPolicy:
    """The weights; see `ranking_policy.toml` for what each means."""

    minutes_per_km: float
    unknown_place_km: float


def load_policy() -> RankingPolicy:
    """The policy that ships with the router."""
    return RankingPolicy(**tomllib.loads((files("router") / "ranking_policy.toml").read_text(encoding="utf-8")))


def minutes_per_piece(able: Able) -> float:
    """How long one piece is expected to take on that machine, minutes; at least a second."""
    return max(able.way.estimate.machine_time.ToTimedelta().total_seconds(), 1.0) / 60


def travel_minutes(able: Able, policy: RankingPolicy) -> float:
    """What the distance costs, minutes."""
    away = policy.unknown_place_km if able.distance_km is None else able.distance_km
    return away * policy.minutes_per_km


def rank(able: Sequence[Able], policy: RankingPolicy) -> list[Able]:
    """The able, best placed first. Machines that are placed alike come in the order of their shops' public keys: it means nothing,
    and it does not change when a shop takes another id."""
    return sorted(able, key=lambda one: (_minutes_in_all(one, policy), bytes(one.shop.public_key), one.machine.id))


def why(able: Able) -> list[v1.Reason]:
    """What speaks for or against that place in the order."""
    near = reason("place.unknown") if able.distance_km is None else reason("place.near", distance=km(able.distance_km))
    soon = reason("queue.free_in", wait=minutes(able.free_in_minutes)) if able.free_in_minutes else reason("queue.free_now")
    return [near, soon]


def _minutes_in_all(able: Able, policy: RankingPolicy) -> float:
    return able.free_in_minutes + minutes_per_piece(able) + travel_minutes(able, policy)
