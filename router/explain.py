# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who can, in this order and why; who cannot, and why; and what a job waits for."""

from __future__ import annotations

from collections.abc import Sequence

from google.protobuf.duration_pb2 import Duration

from commonfab import v1
from commonfab.reasons import reason
from router.board_reading import LIVE, JobOnBoard
from router.matching import Able, Match, Unable
from router.ranking import RankingPolicy, rank, why


def explain(found: Match, policy: RankingPolicy, waiting_for: Sequence[v1.Reason]) -> v1.ExplainJobResponse:
    """The answer to "who could make this?": the able best placed first, the others with the nearest miss first."""
    return v1.ExplainJobResponse(
        able=[_candidate(one) for one in rank(found.able, policy)],
        refused=[_refused(one) for one in sorted(found.unable, key=_nearness)],
        waiting_for=waiting_for,
    )


def waiting_for(known: JobOnBoard, found: Match) -> list[v1.Reason]:
    """What a job waits for; empty where it waits for nothing."""
    if known.job.state == v1.JOB_STATE_HELD:
        return list(known.questions)
    reasons = []
    asked = sum(order.quantity for order in known.job.work_orders if order.state == v1.WORK_ORDER_STATE_OFFERED)
    if asked:
        reasons.append(reason("job.answers_awaited", pieces=asked))
    if known.job.pieces_unplaced and not found.able:
        reasons.append(reason("job.nobody_able", machines=len(found.unable)) if found.unable else reason("job.no_shop"))
    uncertain = [order for order in known.job.work_orders if order.state == v1.WORK_ORDER_STATE_UNCERTAIN]
    return [*reasons, *(why for order in uncertain for why in order.reasons)]


def settled(known: JobOnBoard) -> bool:
    """Whether no piece is unplaced and no offer is open, so that nobody needs to be matched to say what the job waits for."""
    return not known.job.pieces_unplaced and not any(order.state in LIVE for order in known.job.work_orders)


def _candidate(able: Able) -> v1.Candidate:
    free_in = Duration()
    free_in.FromSeconds(round(able.free_in_minutes * 60))
    return v1.Candidate(
        shop_id=able.shop.id,
        shop_name=able.shop.name,
        machine_id=able.machine.id,
        distance_km=able.distance_km,
        free_in=free_in,
        why=why(able),
    )


def _refused(unable: Unable) -> v1.RefusedMachine:
    return v1.RefusedMachine(shop_id=unable.shop.id, shop_name=unable.shop.name, machine_id=unable.machine.id, reasons=unable.reasons)


def _nearness(unable: Unable) -> tuple[int, float, str, str]:
    """How near a miss is: by the rules that are failed, then by how far the figures are apart (relative to what is needed)."""
    gap = 0.0
    for one in unable.reasons:
        figures = {figure.name: figure.value for figure in one.figures}
        if figures.get("needs"):
            gap += abs(figures["needs"] - figures.get("has", 0.0)) / figures["needs"]
    # Another process is never a near miss, though it is one reason only.
    other_process = any(one.code == "process.other" for one in unable.reasons)
    return (100 if other_process else len(unable.reasons), gap, unable.shop.id, unable.machine.id)
