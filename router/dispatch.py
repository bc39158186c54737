# SPDX-License-Identifier: AGPL-3.0-or-later
"""Proposes open work to shops: read the board, plan, and offer what still holds. Any number of routers may do this side by side."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from google.protobuf.duration_pb2 import Duration
from redis.exceptions import RedisError

from commonfab import v1
from commonfab.errors import Refused
from commonfab.ids import Ids
from router.bell import Bell, rings_within
from router.board import Board, Lot
from router.board_reading import JobOnBoard, ShopOnBoard, open_jobs, read_job, read_shops
from router.matching import Able, Match, Wanted, match
from router.planning import split
from router.ranking import RankingPolicy, minutes_per_piece, why

LOOK_AGAIN_SECONDS = 2.0
DEADLINES_EVERY_SECONDS = 0.5

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Terms:
    """For how long things hold: an offer without an answer, a lease without a call, a shop's presence without a call."""

    offer_seconds: float
    lease_seconds: float

    @property
    def present_seconds(self) -> float:
        """How long after its last call a shop is still asked. An idle agent calls at least three times in a lease."""
        return 2 * self.lease_seconds


@dataclass(frozen=True)
class Dispatcher:
    """Keeps the board moving."""

    board: Board
    bell: Bell
    policy: RankingPolicy
    terms: Terms
    ids: Ids

    async def run(self) -> None:
        """Plan whenever there is something to plan, until cancelled."""
        with self.bell.listening("open") as rung:
            while True:
                try:
                    await self.plan_all()
                except RedisError as error:
                    log.warning("planning waits for Redis: %s", error)
                await rings_within(rung, LOOK_AGAIN_SECONDS)

    async def keep_deadlines(self) -> None:
        """End offers and leases that have run out, until cancelled."""
        while True:
            try:
                await self.board.pass_deadlines()
            except RedisError as error:
                log.warning("deadlines wait for Redis: %s", error)
            await asyncio.sleep(DEADLINES_EVERY_SECONDS)

    async def plan_all(self) -> None:
        """Offer what can be offered of every open job, oldest first.

        The shops are read once; what is offered to them here is added to their queues, so that the next job sees it.
        """
        waiting = await open_jobs(self.board)
        shops = await read_shops(self.board) if waiting else []
        for job_id in waiting:
            try:
                known = await read_job(self.board, job_id)
            except Refused:  # it ended and was forgotten in between
                continue
            shops = queue_up(shops, await self.plan(known, shops))

    async def plan(self, known: JobOnBoard, shops: list[ShopOnBoard]) -> list[Lot]:
        """Offer the unplaced pieces of one job; answers the lots whose offer still fitted the present."""
        job, placed = known.job, []
        found = match(wanted(known), shops, self.terms.present_seconds)
        for able, pieces in split(job.pieces_unplaced, found.able, self.policy):
            order_id = self.ids("order")
            lot, stands_ms = _lot(order_id, job, able, pieces), int(self.terms.offer_seconds * 1000)
            if await self.board.offer(order_id, job.id, lot, stands_ms):
                placed.append(lot)
                log.info("%s: %d × %s offered to %s", job.id, pieces, job.specification.part_name, able.shop.id)
        return placed


def wanted(known: JobOnBoard) -> Wanted:
    """What matching needs to know of a job."""
    request = known.job.request
    return Wanted(known.job.specification.ways, request.place, request.within_km, known.passed)


def queue_up(shops: list[ShopOnBoard], lots: list[Lot]) -> list[ShopOnBoard]:
    """The shops with those lots added to their machines' queues."""
    minutes: dict[str, dict[str, float]] = {}
    for lot in lots:
        queue = minutes.setdefault(lot.shop_id, {})
        queue[lot.machine_id] = queue.get(lot.machine_id, 0.0) + lot.minutes
    return [known.with_more(minutes[known.shop.id]) if known.shop.id in minutes else known for known in shops]


async def match_now(board: Board, wish: Wanted, terms: Terms) -> Match:
    """Try every machine that is known now."""
    return match(wish, await read_shops(board), terms.present_seconds)


def _lot(order_id: str, job: v1.Job, able: Able, pieces: int) -> Lot:
    need = v1.Requirement()
    need.CopyFrom(able.way.requirement)
    need.material = able.material
    offer = v1.Offer(
        work_order_id=order_id,
        job_id=job.id,
        machine_id=able.machine.id,
        title=job.specification.title,
        part_name=job.specification.part_name,
        revision_digest=job.specification.revision_digest,
        licence=job.specification.licence,
        quantity=pieces,
        requirement=need,
        estimate=able.way.estimate,
        mesh_sha256=job.specification.mesh_sha256,
        purpose=job.request.purpose,
        distance_km=able.distance_km,
        why=why(able),
        expires_in=Duration(),
    )
    return Lot(able.shop.id, able.machine.id, pieces, minutes_per_piece(able) * pieces, offer, able.unanswered)
