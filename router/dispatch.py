# SPDX-License-Identifier: AGPL-3.0-or-later
"""Proposes open work to shops: read what changed, plan, and offer what still holds. Any number of routers may do this side by side."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.duration_pb2 import Duration

from commonfab import v1
from commonfab.ids import Ids
from router.bell import Bell, rings_within
from router.board import Asked, Board, Lot, Offered
from router.board_reading import LIVE, JobOnBoard, OpenJob, open_jobs, read_jobs
from router.capability_index import enough_for
from router.matching import Able, Wanted
from router.overview import Overview
from router.planning import PlannedLot, plan
from router.pulse import Terms
from router.ranking import Among, RankingPolicy, among, minutes_per_piece, why
from router.redis_door import TROUBLE
from router.turns import in_turn

LOOK_AGAIN_SECONDS = 2.0
DEADLINES_EVERY_SECONDS = 0.5

MOST_JOBS = 100_000
"""Open jobs that are looked at in one round."""

JOBS_PER_READING = 32
"""Jobs that are planned on one picture of the street. More would plan on an older picture, fewer would read more often."""

TRIES = 3
"""How often a plan that came too late is made anew before the job waits for the next round."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tried:
    """A job for which nobody was able, as it stood, and the round of the overview in which that was so."""

    version: int
    round: int


@dataclass(frozen=True)
class Dispatcher:
    """Keeps the board moving."""

    board: Board
    bell: Bell
    overview: Overview
    policy: RankingPolicy
    terms: Terms
    ids: Ids
    _waiting: dict[str, Tried] = field(default_factory=dict)

    async def run(self) -> None:
        """Plan whenever there is something to plan, until cancelled."""
        with self.bell.listening("open") as rung:
            while True:
                try:
                    await self.plan_all()
                except TROUBLE as error:
                    log.warning("planning waits for Redis: %s", error)
                await rings_within(rung, LOOK_AGAIN_SECONDS)

    async def keep_deadlines(self) -> None:
        """End offers and leases that have run out, until cancelled."""
        while True:
            try:
                await self.board.pass_deadlines()
            except TROUBLE as error:
                log.warning("deadlines wait for Redis: %s", error)
            await asyncio.sleep(DEADLINES_EVERY_SECONDS)

    async def plan_all(self) -> None:
        """Offer what can be offered of every open job, each in its turn."""
        await self.overview.catch_up()
        opening = await open_jobs(self.board, MOST_JOBS)
        self._forget_all_but({job.id for job in opening.jobs})
        left = {job.id: job.minutes_left for job in opening.jobs}
        turns = [job for job in in_turn(opening.jobs, opening.now_ms, self.policy, left) if self._worth_trying(job)]
        for start in range(0, len(turns), JOBS_PER_READING):
            if start:
                await self.overview.catch_up()
            late = await self._plan(turns[start : start + JOBS_PER_READING])
            for _ in range(TRIES - 1):
                if not late:
                    break
                await self.overview.catch_up()
                late = await self._plan(late)

    async def _plan(self, turns: Sequence[OpenJob]) -> list[OpenJob]:
        """Offer the unplaced pieces of some jobs, each planned on top of those before it; answers those whose plan was out of date."""
        known = await read_jobs(self.board, [job.id for job in turns])
        planned = []
        for turn in turns:
            if turn.id in known and (lots := self._planned(known[turn.id])):  # One may have ended in between.
                planned.append((turn, lots))
            await asyncio.sleep(0)  # whoever calls meanwhile is answered between two plans, not after all of them
        if not planned:
            return []
        offered = await self._offer([(turn.id, lots) for turn, lots in planned])
        held = iter(offered.placed)
        return [turn for turn, lots in planned if not self._settled(known[turn.id].job, lots, [next(held) for _ in lots])]

    async def _offer(self, planned: Sequence[tuple[str, Sequence[Lot]]]) -> Offered:
        try:
            return await self.board.offer_all(planned, int(self.terms.offer_seconds * 1000))
        except BaseException:
            # Whether it was carried out is not known; if it was, the shops have changed and are read again.
            for _, lots in planned:
                for lot in lots:
                    self.overview.takes_back(lot)
            raise

    def _planned(self, known: JobOnBoard) -> list[Lot]:
        """The lots of a job. One that cannot be planned, whatever the cause, must not keep all the others waiting."""
        try:
            return self._lots(known)
        except Exception:
            log.exception("%s cannot be planned; it is tried again when a shop has changed", known.job.id)
            self._waiting[known.job.id] = Tried(known.version, self.overview.round)
            return []

    def _settled(self, job: v1.Job, lots: Sequence[Lot], placed: Sequence[bool]) -> bool:
        """Note what became of a job's lots; whether all of them were offered."""
        for lot, held in zip(lots, placed, strict=True):
            if held:
                asked = ", ".join(one.shop_id for one in lot.asked)
                log.info("%s: %d × %s offered to %s", job.id, lot.quantity, job.specification.part_name, asked)
            else:
                self.overview.takes_back(lot)
        return all(placed)

    def _lots(self, known: JobOnBoard) -> list[Lot]:
        """The lots in which the pieces of a job would be offered; they count as placed from here on."""
        pieces = known.plannable
        if not pieces:
            return []
        wish = wanted(known, self.overview)
        able = self._able(known, wish)
        beside = among(able, pieces)
        lots = [self._lot(known.job, lot, beside) for lot in plan(wish, able, self.policy, pieces=pieces).lots] if able else []
        for lot in lots:
            self.overview.expects(lot)
        return lots

    def _able(self, known: JobOnBoard, wish: Wanted) -> list[Able]:
        """Who could make the job. One that nobody could make is tried again only on what has changed since."""
        tried = self._waiting.get(known.job.id)
        overview = self.overview
        only = overview.moved_since(tried.round) if tried and tried.version == known.version else None
        if only is not None and not only:
            return []
        # Those who hold a lot of it already may be found and not be free to take another.
        enough = enough_for(wish.quantity) + sum(order.state in LIVE for order in known.job.work_orders)
        able = free_to_take(overview.index.find(wish, overview.now_ms, overview.present_seconds, enough, only), known)
        if able:
            self._waiting.pop(known.job.id, None)
        else:
            self._waiting[known.job.id] = Tried(known.version, overview.round)
        return able

    def _worth_trying(self, job: OpenJob) -> bool:
        """Whether a job that nobody could make, or somebody who might be able to, has changed since it was tried."""
        tried = self._waiting.get(job.id)
        return tried is None or tried.version != job.version or bool(self.overview.moved_since(tried.round))

    def _forget_all_but(self, jobs: set[str]) -> None:
        for job_id in self._waiting.keys() - jobs:
            del self._waiting[job_id]

    def _lot(self, job: v1.Job, planned: PlannedLot, beside: Among) -> Lot:
        order_id = self.ids("order")
        chosen = (planned.able, *planned.others)
        asked = tuple(_asked(order_id, job, able, planned.quantity, why(able, self.policy, beside)) for able in chosen)
        return Lot(order_id, planned.quantity, asked, planned.standby.shop.id if planned.standby else "")


def free_to_take(found: Sequence[Able], known: JobOnBoard) -> list[Able]:
    """Those of the able that may be asked for more of a job. A machine for which a lot was made small has one lot of a job at a time."""
    held = {(order.shop_id, order.machine_id) for order in known.job.work_orders if order.state in LIVE}
    return [one for one in found if one.most_pieces is None or (one.shop.id, one.machine.id) not in held]


def wanted(known: JobOnBoard, overview: Overview) -> Wanted:
    """What matching needs to know of a job."""
    job = known.job
    return _wish(
        job.request,
        job.specification,
        job.requester,
        overview,
        passed=known.passed,
        quantity=job.pieces_unplaced,
        needed_in_minutes=None if known.needed_ms is None else (known.needed_ms - overview.now_ms) / 60_000,
        first_shop=next((order.shop_id for order in job.work_orders if order.pieces_good), "") if known.first else "",
    )


def wish_of(request: v1.JobRequest, specification: v1.JobSpecification, requester: str, overview: Overview) -> Wanted:
    """What matching needs to know of a wish that is no job yet."""
    needed = request.needed_in.ToTimedelta().total_seconds() / 60 if request.HasField("needed_in") else None
    return _wish(request, specification, requester, overview, passed={}, quantity=request.quantity, needed_in_minutes=needed)


def _wish(request: v1.JobRequest, specification: v1.JobSpecification, requester: str, overview: Overview, **of_now: Any) -> Wanted:
    return Wanted(
        ways=specification.ways,
        place=request.place,
        within_km=request.within_km,
        requester=requester,
        minute_of_week=overview.minute_of_week,
        today=overview.today,
        **of_now,
    )


def _asked(order_id: str, job: v1.Job, able: Able, pieces: int, reasons: Sequence[v1.Reason]) -> Asked:
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
        why=reasons,
        expires_in=Duration(),
        notice=job.specification.notice,
        answered=job.answered,
        first_article=job.first_article == v1.FIRST_ARTICLE_WANTED,
        files=job.specification.files,
        picture_sha256=job.specification.picture_sha256,
    )
    minutes = minutes_per_piece(able) * pieces
    return Asked(able.shop.id, able.machine.id, minutes, offer, able.sequence, able.unanswered)
