# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whose turn it is, among jobs that wait: the oldest, moved by how urgent it is and by what else its requester has. Pure.

Every job has a moment at which it *counts as asked*, and the earliest comes first:

    own  = requested − urgency − deadline
    turn = own + min(placed_share × the requester's placed work, most_turn_hours)
    turn = at least turn_minutes after the turn of the same requester's job before it, but at most most_turn_hours after own

`urgency` is `urgent_hours`, or minus `when_convenient_hours`, or 0. `deadline` grows from 0, where `deadline_near_hours` are left or more,
to `deadline_hours`, where none are. This is start-time fair queueing (Goyal, Vin and Cheng, 1996) with a requester as a flow and a turn as
the length of a packet, on the board's clock instead of a virtual one. Since every part is bounded, a job can be overtaken only by jobs
that were asked for less than `most_overtaking_ms` after it: whoever waits comes first at last, however many keep coming.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Protocol, TypeVar

from commonfab import v1
from router.ranking import RankingPolicy

MINUTE, HOUR = 60_000.0, 3_600_000.0
"""In ms."""

NOT_KNOWN: Mapping[str, float] = MappingProxyType({})


class Waiting(Protocol):
    """A job that waits. Moments are ms of the board's clock; `placed_minutes`, machine time of its requester's work at shops."""

    @property
    def id(self) -> str: ...
    @property
    def requester(self) -> str: ...
    @property
    def requested_ms(self) -> int: ...
    @property
    def urgency(self) -> v1.Urgency.ValueType: ...
    @property
    def needed_ms(self) -> int | None: ...
    @property
    def placed_minutes(self) -> float: ...


Job = TypeVar("Job", bound=Waiting)


def in_turn(jobs: Sequence[Job], now_ms: int, policy: RankingPolicy, minutes_left: Mapping[str, float] = NOT_KNOWN) -> list[Job]:
    """The jobs in their turn.

    Parameters: `minutes_left`, by job, machine time that is still to be placed: of jobs that were asked for at the same moment by the same
    requester, such as the parts of one product, the longest goes first, because the whole waits for it. The order of `jobs` means nothing.
    """
    own = {job.id: _own(job, now_ms, policy) for job in jobs}
    kept = sorted(jobs, key=lambda job: (own[job.id], -minutes_left.get(job.id, 0.0), job.id))
    turns: dict[str, float] = {}
    next_turn: dict[str, float] = {}
    for job in kept:
        placed = own[job.id] + policy.placed_share * job.placed_minutes * MINUTE
        latest = own[job.id] + policy.most_turn_hours * HOUR
        turns[job.id] = min(latest, max(placed, next_turn.get(job.requester, placed)))
        next_turn[job.requester] = turns[job.id] + policy.turn_minutes * MINUTE
    return sorted(kept, key=lambda job: turns[job.id])


def most_overtaking_ms(policy: RankingPolicy) -> float:
    """A job that was asked for this much later than another, or more, does not come before it, whatever the two are."""
    hours = policy.urgent_hours + policy.when_convenient_hours + policy.deadline_hours + policy.most_turn_hours
    return hours * HOUR


def _own(job: Waiting, now_ms: int, policy: RankingPolicy) -> float:
    """When it counts as asked, were it its requester's only one."""
    return job.requested_ms - _urgency_hours(job, policy) * HOUR - _deadline_hours(job, now_ms, policy) * HOUR


def _urgency_hours(job: Waiting, policy: RankingPolicy) -> float:
    if job.urgency == v1.URGENCY_URGENT:
        return policy.urgent_hours
    return -policy.when_convenient_hours if job.urgency == v1.URGENCY_WHEN_CONVENIENT else 0.0


def _deadline_hours(job: Waiting, now_ms: int, policy: RankingPolicy) -> float:
    if job.needed_ms is None:
        return 0.0
    left, near = max(0, job.needed_ms - now_ms), policy.deadline_near_hours * HOUR
    if left >= near:
        return 0.0 if left else policy.deadline_hours
    return policy.deadline_hours * (1 - left / near)
