# SPDX-License-Identifier: AGPL-3.0-or-later
"""A desk and a planner without judgement: they carry out what is said and ask whoever is there. So the board is tried by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from commonfab import v1
from commonfab.errors import Refused
from router.board import OUT_OF_SERVICE, Asked, Board, Lot, Report
from router.board_changes import read_changes
from router.board_reading import JobOnBoard, open_jobs, read_jobs, read_offers, read_order
from router.desk import WISHES
from router.shop_on_board import ShopOnBoard

OFFER_MS = 600_000
LEASE_MS = 60_000
MINUTES_PER_PIECE = 30.0


class PlainDesk:
    """Carries out the events of an agent that is believed. `refused` gathers the codes of what was refused."""

    def __init__(self, board: Board, refused: list[str]) -> None:
        self._board = board
        self._refused = refused

    async def call(self, told: v1.SynchronizeRequest) -> v1.SynchronizeResponse:
        receipts = [await self._receipt(event, told.shop) for event in told.events]
        wishes = await self._board.hear(told.shop, told.agent_run, LEASE_MS, told.attempts)
        standing = await read_offers(self._board, told.shop.id)
        wished = [v1.WishedAttempt(attempt=held.attempt, wish=WISHES[wish][0]) for held, wish in zip(told.attempts, wishes, strict=True)]
        return v1.SynchronizeResponse(receipts=receipts, offers=standing.offers, wishes=wished, version=standing.version)

    async def _receipt(self, event: v1.ShopEvent, shop: v1.Shop) -> v1.Receipt:
        try:
            return v1.Receipt(event_id=event.id, attempt=await self._carry_out(event, shop))
        except Refused as refused:
            self._refused.append(refused.code)
            return v1.Receipt(event_id=event.id, refusal=refused.message())

    async def _carry_out(self, event: v1.ShopEvent, shop: v1.Shop) -> v1.AttemptRef | None:
        kind = event.WhichOneof("event")
        if kind == "accept":
            return await self._board.accept(event.accept.work_order_id, shop.id, LEASE_MS)
        if kind == "decline":
            await self._board.decline(event.decline.work_order_id, shop.id)
        elif kind == "start":
            await self._board.start(event.start.attempt, shop.id, LEASE_MS)
        elif kind == "release":
            await self._board.release(event.release.attempt, shop.id, event.release.reasons)
        elif kind == "complete":
            await self._board.finish(await self._report("done", event.complete.signed), shop.id)
        else:
            await self._board.finish(await self._report("failed", event.fail.signed), shop.id)
        return None

    async def _report(self, outcome: str, signed: v1.SignedWork) -> Report:
        work = v1.CompletedWork.FromString(signed.work)
        offer, _ = await read_order(self._board, work.attempt.work_order_id)
        estimated = offer.estimate.machine_time.ToTimedelta().total_seconds() / 60 * work.pieces_good
        took = work.machine_time.ToTimedelta().total_seconds() / 60
        made = (work.pieces_good, work.pieces_scrap, signed, ())
        return Report(work.attempt, outcome, *made, estimated_minutes=estimated, took_minutes=took, process=work.process)


class PlainPlanner:
    """Offers every open job as one lot to those who are there, the least busy first.

    `orders` numbers the work orders; `at_once`, how many shops are asked about a lot; `present_seconds`, how long after its last call a
    shop counts as there.
    """

    def __init__(self, board: Board, orders: Iterator[int], at_once: int = 1, present_seconds: float = 120.0) -> None:
        self._board = board
        self._orders = orders
        self._at_once = at_once
        self._present_seconds = present_seconds

    async def plan(self) -> list[bool]:
        """Plan once; answers for each lot whether it still fitted the present."""
        waiting = await open_jobs(self._board, 100)
        known = await read_jobs(self._board, [job.id for job in waiting.jobs])
        placed: list[bool] = []
        for job in known.values():
            changes = await read_changes(self._board, 0, 0)
            asked = self._asked(job, [shop for shop, _ in changes.shops])
            if asked:
                pieces = 1 if job.first == "wanted" else job.job.pieces_unplaced
                lot = self._lot(f"order-{next(self._orders):04d}", job.job, pieces, asked)
                placed += (await self._board.offer(job.job.id, [lot], OFFER_MS)).placed
        return placed

    def _asked(self, job: JobOnBoard, shops: Sequence[ShopOnBoard]) -> list[ShopOnBoard]:
        there = [shop for shop in shops if shop.heard_ago <= self._present_seconds and not shop.shop.closed and _machine(shop)]
        fresh = [shop for shop in there if shop.shop.id not in job.passed]
        again = [shop for shop in there if job.passed.get(shop.shop.id) == "unanswered"]
        return sorted(fresh or again, key=lambda shop: (sum(shop.queued_minutes.values()), shop.shop.id))[: self._at_once]

    def _lot(self, order_id: str, job: v1.Job, pieces: int, shops: Sequence[ShopOnBoard]) -> Lot:
        asked = tuple(asking(order_id, job, pieces, shop.shop.id, _machine(shop), shop.sequence, again=True) for shop in shops)
        return Lot(order_id, pieces, asked)


def asking(order_id: str, job: v1.Job, pieces: int, shop: str, machine: str, sequence: int, **more: Any) -> Asked:
    """One shop asked about some pieces. Parameters: `minutes`, of the lot, else half an hour a piece; `again`, though it did not answer."""
    offer = v1.Offer(
        work_order_id=order_id,
        job_id=job.id,
        machine_id=machine,
        title=job.specification.title,
        part_name=job.specification.part_name,
        revision_digest=job.specification.revision_digest,
        quantity=pieces,
        estimate=job.specification.ways[0].estimate if job.specification.ways else None,
    )
    return Asked(shop, machine, more.get("minutes", MINUTES_PER_PIECE * pieces), offer, sequence, more.get("again", False))


def _machine(known: ShopOnBoard) -> str:
    return next((machine.id for machine in known.shop.machines if machine.state not in OUT_OF_SERVICE), "")
