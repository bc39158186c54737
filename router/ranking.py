# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which of the able is best placed: the sum of a few terms in minutes. `docs/ranking.md` explains each; the weights stand in
`ranking_policy.toml`. Pure."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from commonfab import materials, v1
from commonfab.envelope import Room, best_room
from commonfab.reasons import reason
from commonfab.units import Quantity, km, minutes, mm
from router import stock
from router.matching import Able

LEAST_PACE, MOST_PACE = 0.1, 10.0
"""A machine that reports a tenth or the tenfold of every estimate has a clock or an owner in error; beyond that it is not believed."""

NOTABLE_PACE = 0.1
"""An estimate has at best two digits, so a pace within a tenth of 1 is not worth a word."""


@dataclass(frozen=True)
class RankingPolicy:
    """The weights, in the order and with the meanings of `ranking_policy.toml`."""

    minutes_per_km: float
    unknown_place_km: float
    changeover_minutes: float
    tight_below_mm: float
    tight_minutes: float
    short_stock_minutes: float
    fairness_minutes_per_hour: float
    fairness_most_minutes: float
    proven_minutes_per_doubling: float
    proven_most_minutes: float
    first_article_minutes: float
    offer_to: int
    least_saving_minutes: float
    least_saving_share: float
    may_end_later: float
    urgent_hours: float
    when_convenient_hours: float
    deadline_hours: float
    deadline_near_hours: float
    turn_minutes: float
    placed_share: float
    most_turn_hours: float


class Term(NamedTuple):
    """One term of a rank: its name in the policy, and what it counts for in minutes; less is better."""

    name: str
    minutes: float


class Among(NamedTuple):
    """What one candidate is seen beside: the pieces that are wanted, and the least and the most work (minutes) that any candidate's shop
    was given of late."""

    pieces: int = 1
    least_had: float = 0.0
    most_had: float = 0.0


ALONE = Among()


def load_policy(path: Path | None = None) -> RankingPolicy:
    """The policy of a file, or the one that ships with the router. Errors: `ValueError`, which names what is wrong with the file."""
    source = files("router") / "ranking_policy.toml" if path is None else path
    read = tomllib.loads(source.read_text(encoding="utf-8"))
    names = {field.name for field in fields(RankingPolicy)}
    if wrong := sorted(names ^ read.keys()):
        raise ValueError(f"a ranking policy has each weight once; missing or unknown: {', '.join(wrong)}")
    if wrong := sorted(name for name, value in read.items() if not _is_weight(value)):
        raise ValueError(f"a weight is a number that is not negative: {', '.join(wrong)}")
    if not isinstance(read["offer_to"], int) or read["offer_to"] < 1:
        raise ValueError("offer_to is a whole number from 1")
    return RankingPolicy(**read)


def minutes_per_piece(able: Able) -> float:
    """How long one piece is expected to take on that machine, minutes; at least a second. The estimate from the shape is corrected by what
    the machine's work really took."""
    estimated = able.way.estimate.machine_time
    seconds = max(estimated.seconds + estimated.nanos * 1e-9, 1.0)
    return max(seconds * min(max(able.pace, LEAST_PACE), MOST_PACE), 1.0) / 60


def travel_minutes(able: Able, policy: RankingPolicy) -> float:
    """What the distance costs, minutes."""
    away = policy.unknown_place_km if able.distance_km is None else able.distance_km
    return away * policy.minutes_per_km


def among(able: Sequence[Able], pieces: int = 1) -> Among:
    """What each of the candidates is seen beside."""
    had = [one.had_minutes for one in able]
    return Among(pieces, min(had, default=0.0), max(had, default=0.0))


def terms(able: Able, policy: RankingPolicy, beside: Among = ALONE) -> tuple[Term, ...]:
    """Every term of the rank, in the order of the policy. Their sum is the rank."""
    return tuple(Term(name, count(able, policy, beside)) for name, count in TERMS)


def rank(able: Sequence[Able], policy: RankingPolicy, pieces: int = 1) -> list[Able]:
    """The able, best placed first, where so many `pieces` are wanted.

    Machines that are placed alike come in the order of their shops' public keys: it means nothing, and it does not change when a shop
    takes another id.
    """
    return [one for one, _ in weighed(able, policy, pieces)]


def weighed(able: Sequence[Able], policy: RankingPolicy, pieces: int = 1) -> list[tuple[Able, tuple[float, ...]]]:
    """The able as `rank` puts them, each with the minutes of its `TERMS`."""
    beside, counts = among(able, pieces), [count for _, count in TERMS]
    rows = [(one, tuple([count(one, policy, beside) for count in counts])) for one in able]
    # Below a millionth of a minute two machines are placed alike.
    return sorted(rows, key=lambda row: (round(sum(row[1]), 6), row[0].shop.public_key, row[0].machine.id))


def why(able: Able, policy: RankingPolicy | None = None, beside: Among = ALONE) -> list[v1.Reason]:
    """What speaks for or against that place in the order. Whether it fits tightly is told only by the measure of a `policy`."""
    near = reason("place.unknown") if able.distance_km is None else reason("place.near", distance=km(able.distance_km))
    soon = reason("queue.free_in", wait=minutes(able.free_in_minutes)) if able.free_in_minutes else reason("queue.free_now")
    told = [near, soon]
    if able.machine.loaded and _is_loaded(able):
        told.append(reason("rank.loaded", able.machine.loaded))
    room = _tight_room(able, policy) if policy else None
    if room is not None:
        told.append(reason("rank.tight", margin=mm(max(0.0, room.margin_mm))))
    if abs(able.pace - 1) > NOTABLE_PACE:
        told.append(reason("rank.pace", pace=Quantity(able.pace, digits=2)))
    on_hand = pieces_on_hand(able)
    if on_hand is not None and on_hand < beside.pieces:
        told.append(reason("rank.short_stock", able.material, has=on_hand, needs=beside.pieces))
    return [*told, *_record(able, beside)]


def pieces_on_hand(able: Able) -> int | None:
    """For how many pieces there is material; None where the shop did not say how much it has, or nobody knows what one piece takes."""
    return stock.most_pieces(able.material, able.way.requirement, able.machine) if able.machine.stock else None


def _record(able: Able, beside: Among) -> list[v1.Reason]:
    """What is known of the shop's work so far."""
    told = []
    if able.made_first:
        told.append(reason("rank.made_first"))
    if able.proven:
        told.append(reason("rank.proven", able.way.requirement.process, pieces=able.proven))
    if able.had_minutes <= beside.least_had < beside.most_had:
        told.append(reason("rank.had_less", had=minutes(round(able.had_minutes)), most=minutes(round(beside.most_had))))
    return told


def _waiting(able: Able, policy: RankingPolicy, beside: Among) -> float:
    return able.free_in_minutes


def _making(able: Able, policy: RankingPolicy, beside: Among) -> float:
    return minutes_per_piece(able)


def _fetching(able: Able, policy: RankingPolicy, beside: Among) -> float:
    return travel_minutes(able, policy)


def _changeover(able: Able, policy: RankingPolicy, beside: Among) -> float:
    return 0.0 if _is_loaded(able) else policy.changeover_minutes


def _tightness(able: Able, policy: RankingPolicy, beside: Among) -> float:
    room = _tight_room(able, policy)
    return 0.0 if room is None else policy.tight_minutes * (1 - max(0.0, room.margin_mm) / policy.tight_below_mm)


def _stock(able: Able, policy: RankingPolicy, beside: Among) -> float:
    on_hand = pieces_on_hand(able)
    return 0.0 if on_hand is None else policy.short_stock_minutes * max(0.0, 1 - on_hand / max(beside.pieces, 1))


def _fairness(able: Able, policy: RankingPolicy, beside: Among) -> float:
    more_hours = max(0.0, able.had_minutes - beside.least_had) / 60
    return min(policy.fairness_most_minutes, policy.fairness_minutes_per_hour * more_hours)


def _proven(able: Able, policy: RankingPolicy, beside: Among) -> float:
    return -min(policy.proven_most_minutes, policy.proven_minutes_per_doubling * math.log2(1 + max(0, able.proven)))


def _first_article(able: Able, policy: RankingPolicy, beside: Among) -> float:
    return -policy.first_article_minutes if able.made_first else 0.0


TERMS: tuple[tuple[str, Callable[[Able, RankingPolicy, Among], float]], ...] = (
    ("waiting", _waiting),
    ("making", _making),
    ("fetching", _fetching),
    ("changeover", _changeover),
    ("tightness", _tightness),
    ("stock", _stock),
    ("fairness", _fairness),
    ("proven", _proven),
    ("first_article", _first_article),
)
"""The terms in the order of the policy file."""

OF_THE_CLOCK = ("waiting", "making", "fetching", "changeover")
"""The terms that are time which really passes; the others are what it is worth to go to one shop rather than to another."""


def _is_loaded(able: Able) -> bool:
    loaded = able.machine.loaded
    return not able.material or loaded == able.material or (bool(loaded) and materials.satisfies(loaded, able.material))


def _tight_room(able: Able, policy: RankingPolicy) -> Room | None:
    """How the part is put into the machine where it only just fits; None where there is room to spare, or the room is not known."""
    machine, need = able.machine, able.way.requirement
    if not machine.HasField("envelope_mm") or not policy.tight_below_mm or _fits_amply(need, machine.envelope_mm, policy.tight_below_mm):
        return None
    room = best_room(need, machine.envelope_mm)
    return room if room.margin_mm < policy.tight_below_mm else None


def _fits_amply(need: v1.Requirement, has: v1.Size, spare_mm: float) -> bool:
    """Whether the placement that is preferred leaves that much room, unturned: `best_room` would choose it, at ten times the cost."""
    size = need.placements[0].size_mm if need.placements else need.size_mm
    return has.x - size.x >= spare_mm and has.y - size.y >= spare_mm and has.z - size.z >= spare_mm


def _is_weight(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0
