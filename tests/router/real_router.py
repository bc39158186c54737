# SPDX-License-Identifier: AGPL-3.0-or-later
"""The router itself before the street's board: its overview, its dispatcher and its desk, as `router/opening.py` puts them together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from router_street import CELL, Garage, Street, gear, way

from commonfab import v1
from router.bell import Bell
from router.board import Board, NewJob
from router.board_changes import read_changes
from router.board_reading import read_offers
from router.desk import Desk
from router.dispatch import Dispatcher
from router.overview import Overview
from router.pulse import Terms
from router.ranking import load_policy
from router.shop_on_board import ShopOnBoard

TERMS = Terms(offer_seconds=600, lease_seconds=60)
PRESENT_SECONDS = 120.0

Meddling = Callable[[], Awaitable[Any]]

FAR = "871f1d4d4ffffff"
"""A cell at the other end of Berlin."""


@dataclass
class Workshop(Garage):
    """A shop that also says by which rules it takes work."""

    policy: v1.ShopPolicy | None = None

    @property
    def shop(self) -> v1.Shop:
        told = super().shop
        if self.policy is not None:
            told.policy.CopyFrom(self.policy)
        return told


class Meddled(Board):
    """A board where something happens just before, or just after, the next offer reaches it."""

    def __init__(self, board: Board) -> None:
        super().__init__(board.redis, "test", board._clock)
        self.before: Meddling | None = None
        self.after: Meddling | None = None

    async def run(self, script: str, *arguments: Any) -> Any:
        if script != "offer":
            return await super().run(script, *arguments)
        before, after = self.before, self.after
        self.before = self.after = None
        if before:
            await before()
        answer = await super().run(script, *arguments)
        if after:
            await after()
        return answer


@dataclass
class RealRouter:
    """One router's dispatcher, desk and picture of the shops."""

    street: Street
    dispatcher: Dispatcher
    desk: Desk

    @property
    def overview(self) -> Overview:
        return self.dispatcher.overview

    async def plan(self) -> None:
        """One round of planning."""
        await self.dispatcher.plan_all()

    async def ask(self, pieces: int = 1, ways: Sequence[v1.Makeability] = (), requester: str = "anna", **request: Any) -> str:
        """A job that may be made in those ways, which `Street.ask` leaves no choice of."""
        request.setdefault("place", v1.Place(cell=CELL))
        asked = v1.JobRequest(revision="rev", quantity=pieces, **request)
        specification = gear()
        if ways:
            del specification.ways[:]
            specification.ways.extend(ways)
        return await self.street.board.post(requester, "", [NewJob(f"job-{next(self.street.numbers):04d}", asked, specification, pieces)])

    async def offers(self, shop_id: str) -> list[v1.Offer]:
        """What the shop is asked now."""
        return list((await read_offers(self.street.board, shop_id)).offers)

    async def pieces_at(self, *shop_ids: str) -> dict[str, int]:
        """How many pieces each of the shops is asked for."""
        return {shop_id: sum(offer.quantity for offer in await self.offers(shop_id)) for shop_id in shop_ids}

    async def accept(self, garage: Garage) -> v1.SynchronizeResponse:
        """The shop takes everything that it is asked."""
        offers = await self.offers(garage.id)
        told = [v1.ShopEvent(id=f"take-{offer.work_order_id}", accept=v1.Accept(work_order_id=offer.work_order_id)) for offer in offers]
        return await self.street.call(garage, *told)

    async def make(self, garage: Garage) -> int:
        """The shop takes, starts and reports everything that it is asked; answers how many pieces that were."""
        offers = {offer.work_order_id: offer for offer in await self.offers(garage.id)}
        for receipt in (await self.accept(garage)).receipts:
            assert not receipt.HasField("refusal"), receipt.refusal.reason.message
            offer = offers[receipt.attempt.work_order_id]
            await self.street.start(garage, receipt.attempt)
            told = await self.street.complete(garage, receipt.attempt, offer.quantity, job_id=offer.job_id)
            assert not told.HasField("refusal"), told.refusal.reason.message
        return sum(offer.quantity for offer in offers.values())


def open_router(street: Street, *, terms: Terms = TERMS, board: Board | None = None, name: str = "order", **policy: Any) -> RealRouter:
    """A router before the street's board. Parameters: `board`, another way to the same board; `name`, of its work orders; `policy`, what is
    not as in the policy file."""
    board = board or street.board
    bell, overview = Bell(board), Overview(board, terms)
    numbers = street.orders
    ranking = replace(load_policy(), **policy)
    dispatcher = Dispatcher(board, bell, overview, ranking, terms, lambda prefix: f"{name}-{next(numbers):04d}")
    return RealRouter(street, dispatcher, Desk(board, bell, overview, lambda: 0.5, street.refused.append))


@dataclass(frozen=True)
class Picture:
    """What an overview says of one shop, as far as it does not depend on when it was read."""

    shop: bytes
    heard_ago: float
    sequence: int
    queued: dict[str, float] = field(default_factory=dict)
    proven: dict[str, int] = field(default_factory=dict)


def picture(known: ShopOnBoard) -> Picture:
    """Minutes are rounded, because sums of them are made in Lua and in Python in another order."""
    queued = {machine: round(minutes, 6) for machine, minutes in known.queued_minutes.items() if round(minutes, 6)}
    return Picture(known.shop.SerializeToString(deterministic=True), known.heard_ago, known.sequence, queued, dict(known.proven))


async def read_anew(board: Board) -> dict[str, Picture]:
    """All shops, read from the beginning."""
    changes = await read_changes(board, 0, 0)
    return {known.shop.id: picture(known) for known, _ in changes.shops}


def pictured(overview: Overview) -> dict[str, Picture]:
    """All shops as an overview knows them."""
    return {known.shop.id: picture(known) for known in overview.index.shops(overview.now_ms)}


def large(mm: float = 300, minutes: float = 30) -> v1.Makeability:
    """A part that needs a bed of that many millimetres."""
    return way(minutes, x=mm, y=50, z=20)
