# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who can, in this order and why; who cannot, and why; what comes nearest; and what a job waits for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from google.protobuf.duration_pb2 import Duration

from commonfab import v1
from commonfab.reasons import reason
from router.board_reading import LIVE, JobOnBoard
from router.matching import Able, Group, Match, Wanted, grouped
from router.nearest import nearest_misses, nearness, refused
from router.ranking import Among, RankingPolicy, among, rank, terms, why
from router.wording import counted, lasting, machines, pieces, shops

MOST_TOLD = 50
"""Machines of a kind in one answer; the groups count all."""

Lots = Mapping[tuple[str, str], int]
"""By shop and machine, the pieces that would be offered if the rest were planned now."""

UNDER_WAY = (v1.WORK_ORDER_STATE_ACCEPTED, v1.WORK_ORDER_STATE_RUNNING)
NO_LOTS: Lots = MappingProxyType({})


def explain(
    found: Match, wanted: Wanted, policy: RankingPolicy, waiting_for: Sequence[v1.Reason], lots: Lots = NO_LOTS
) -> v1.ExplainJobResponse:
    """The answer to "who could make this?": the able best placed first, the others with the nearest miss first."""
    beside = among(found.able, wanted.quantity)
    return v1.ExplainJobResponse(
        able=[_candidate(one, policy, beside, lots) for one in rank(found.able, policy, wanted.quantity)[:MOST_TOLD]],
        refused=[refused(one) for one in sorted(found.unable, key=nearness)[:MOST_TOLD]],
        waiting_for=waiting_for,
        ask=[refused(one) for one in sorted(found.ask, key=nearness)[:MOST_TOLD]],
        groups=[_group(one) for one in found.groups or grouped(found.unable)],
        nearest=[] if found.able else nearest_misses(found, wanted),
        machines=tried(found),
    )


def tried(found: Match) -> int:
    """How many machines were tried."""
    return found.machines or len(found.able) + len(found.unable) + len(found.ask)


def waiting_for(known: JobOnBoard, found: Match) -> list[v1.Reason]:
    """What a job waits for, and what goes on meanwhile; empty only where it has ended and was not recalled.

    Parameters: `found`, the street as it is for the pieces that may be offered now; it does not matter where there are none.
    """
    if known.job.state == v1.JOB_STATE_HELD or known.job.HasField("recall"):
        return list(known.questions)  # of a recall whoever has the pieces is told, too, though nothing is waited for
    if known.ended:
        return []
    return [*_before(known), *_answers(known.job), *_unplaced(known, found), *_under_way(known.job), *_uncertain(known.job)]


def settled(known: JobOnBoard) -> bool:
    """Whether no piece is unplaced, no offer is open and no part is awaited, so that there is nothing to say of what the job waits for."""
    job = known.job
    return not job.pieces_unplaced and not _live(job) and (known.ended or not known.parts)


def _live(job: v1.Job) -> bool:
    return any(order.state in LIVE for order in job.work_orders)


def _before(known: JobOnBoard) -> Iterator[v1.Reason]:
    """What must come first: the parts of a product, or one piece that is looked at."""
    if known.parts and not known.job.pieces_unplaced and not _live(known.job):
        yield reason("job.parts_awaited", parts=counted(len(known.parts), "part", "parts"))
    if known.first == "made":
        yield reason("job.first_article_made", known.job.id)
    elif known.first == "wanted":
        yield reason("job.first_article_awaited")


def _answers(job: v1.Job) -> Iterator[v1.Reason]:
    offered = [order for order in job.work_orders if order.state == v1.WORK_ORDER_STATE_OFFERED]
    if offered:
        asked = {shop for order in offered for shop in order.asked_shop_ids or [order.shop_id]}
        left = max(order.expires_in.ToTimedelta().total_seconds() for order in offered) / 60
        awaited = sum(order.quantity for order in offered)
        yield reason("job.answers_awaited", pieces=pieces(awaited), shops=shops(len(asked)), left=lasting(left))


def _unplaced(known: JobOnBoard, found: Match) -> Iterator[v1.Reason]:
    """Why pieces that may be offered now have no shop."""
    unplaced = known.plannable
    if not unplaced:
        return
    if found.able:
        # Whoever is able was offered what it takes for now; else the offer comes with the next round of planning.
        yield reason("job.rest_waits" if _live(known.job) else "job.offered_next", pieces=pieces(unplaced))
    elif found.ask:
        yield reason("job.only_ask", machines=machines(len(found.ask)))
    elif tried(found):
        yield reason("job.nobody_able", machines=machines(tried(found)))
    else:
        yield reason("job.no_shop")


def _under_way(job: v1.Job) -> Iterator[v1.Reason]:
    orders = [order for order in job.work_orders if order.state in UNDER_WAY]
    if not orders:
        return
    left = pieces(sum(order.quantity - order.pieces_good for order in orders))
    where = shops(len({order.shop_id for order in orders}))
    longest = max(order.expected.ToTimedelta().total_seconds() for order in orders) / 60
    if longest:
        yield reason("job.under_way", pieces=left, shops=where, expected=lasting(longest))
    else:
        yield reason("job.under_way_unestimated", pieces=left, shops=where)


def _uncertain(job: v1.Job) -> Iterator[v1.Reason]:
    for order in job.work_orders:
        if order.state == v1.WORK_ORDER_STATE_UNCERTAIN:
            yield from order.reasons or [reason("attempt.silent")]


def _candidate(able: Able, policy: RankingPolicy, beside: Among, lots: Lots) -> v1.Candidate:
    free_in = Duration()
    free_in.FromSeconds(round(able.free_in_minutes * 60))
    return v1.Candidate(
        shop_id=able.shop.id,
        shop_name=able.shop.name,
        machine_id=able.machine.id,
        distance_km=able.distance_km,
        free_in=free_in,
        why=why(able, policy, beside),
        terms=[v1.RankTerm(name=term.name, minutes=term.minutes) for term in terms(able, policy, beside) if term.minutes],
        process=able.way.requirement.process,
        material=able.material,
        lot=lots.get((able.shop.id, able.machine.id), 0),
    )


def _group(of: Group) -> v1.RefusalGroup:
    return v1.RefusalGroup(nearest=of.nearest, machines=of.machines, only_this=of.only_this)
