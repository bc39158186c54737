# SPDX-License-Identifier: AGPL-3.0-or-later
"""The shop's side: one call in which an agent says what is and hears what is wanted."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError, Message

from commonfab import v1
from commonfab.errors import Refused
from commonfab.identity import signature_holds
from commonfab.place import is_coarse
from commonfab.reasons import reason
from commonfab.walk_ins import is_walk_in_of
from router.bell import Bell, rings_within
from router.board import Board, Report
from router.board_reading import OffersOnBoard, read_offers, read_order
from router.overview import Overview
from router.pulse import Pulse

KEY_BYTES = 32
MOST_MACHINES = 1000
MOST_RECALLS = 500
WISHES = {
    "go_on": (v1.WISH_GO_ON, ""),
    "stop": (v1.WISH_STOP, "job.cancelled"),
    "withdrawn": (v1.WISH_STOP, "order.withdrawn"),
    "recalled": (v1.WISH_STOP, "order.recalled"),
    "drop": (v1.WISH_DROP, "attempt.superseded"),
    "forgotten": (v1.WISH_DROP, "attempt.forgotten"),
    "elsewhere": (v1.WISH_DROP, "attempt.given_elsewhere"),
}


@dataclass(frozen=True)
class Desk:
    """The desk of one board.

    `draw` gives a number from 0 to 1 for each call, which spreads the calls of many agents; `on_refused` is told the code of every event
    that was refused, to be counted.
    """

    board: Board
    bell: Bell
    overview: Overview
    draw: Callable[[], float]
    on_refused: Callable[[str], Any]
    _keys: dict[str, bytes] = field(default_factory=dict)

    @property
    def pulse(self) -> Pulse:
        """How often agents call now, and how long a lease holds."""
        return self.overview.pulse

    async def synchronize(self, told: v1.SynchronizeRequest, shop_id: str) -> v1.SynchronizeResponse:
        """Answer an agent that speaks for `shop_id`. Errors: `Refused` (`token.subject`, `shop.malformed`, `shop.key_changed`,
        `shop.replaced`)."""
        _check_shop(told.shop, shop_id)
        pulse, pause = self.pulse, self.pulse.next_call(self.draw())
        patience = told.patience.ToTimedelta().total_seconds()
        with self.bell.listening(shop_id) as rung:
            # First who it is: a shop with another key must not have its events carried out.
            await self._check_caller(told)
            if told.seen_recalls:
                await self.board.seen_recalls(shop_id, told.seen_recalls[:MOST_RECALLS])
            # Each is about another attempt, so they need not wait for one another.
            receipts = await asyncio.gather(*(self._receipt(event, told, pulse) for event in told.events))
            wishes, standing = await self._hear(told, pulse)
            urgent = receipts or any(WISHES[wish][0] == v1.WISH_DROP for wish in wishes)
            if not urgent and standing.version == told.version and await rings_within(rung, min(patience, pause)):
                wishes, standing = await self._look_again(told, pulse)
        return _answer(told, receipts, wishes, standing, pulse, max(0.0, pause - patience))

    async def _check_caller(self, told: v1.SynchronizeRequest) -> None:
        """The first key that a shop came with is its key for ever, so it needs to be looked up once; which agent is its newest may change,
        and matters before its events are carried out."""
        if told.events or self._keys.get(told.shop.id) != told.shop.public_key:
            await self.board.check_caller(told.shop, told.agent_run)

    async def _hear(self, told: v1.SynchronizeRequest, pulse: Pulse) -> tuple[tuple[str, ...], OffersOnBoard]:
        hearing = self.board.hear(told.shop, told.agent_run, pulse.lease_ms, told.attempts)
        wishes, standing = await asyncio.gather(hearing, read_offers(self.board, told.shop.id))
        self._keys[told.shop.id] = told.shop.public_key
        return wishes, standing

    async def _look_again(self, told: v1.SynchronizeRequest, pulse: Pulse) -> tuple[tuple[str, ...], OffersOnBoard]:
        """What a shop is told after it was woken. Where it holds nothing, only its offers can have changed."""
        if told.attempts:
            return await self._hear(told, pulse)
        return (), await read_offers(self.board, told.shop.id)

    async def _receipt(self, event: v1.ShopEvent, told: v1.SynchronizeRequest, pulse: Pulse) -> v1.Receipt:
        """Carry out one event. What is refused changes nothing, is answered with its reason, and is counted."""
        try:
            return v1.Receipt(event_id=event.id, attempt=await self._carry_out(event, told, pulse.lease_ms))
        except Refused as refused:
            self.on_refused(refused.code)
            return v1.Receipt(event_id=event.id, refusal=refused.message())

    async def _carry_out(self, event: v1.ShopEvent, told: v1.SynchronizeRequest, lease_ms: int) -> v1.AttemptRef | None:
        kind, shop = event.WhichOneof("event"), told.shop
        if kind == "accept":
            return await self.board.accept(event.accept.work_order_id, shop.id, lease_ms)
        if kind == "decline":
            await self.board.decline(event.decline.work_order_id, shop.id)
        elif kind == "start":
            await self.board.start(event.start.attempt, shop.id, lease_ms)
        elif kind == "release":
            await self.board.release(event.release.attempt, shop.id, event.release.reasons)
        elif kind == "complete":
            await self.board.finish(await self._report("done", event.complete.signed, told), shop.id)
        elif kind == "fail":
            report = await self._report("failed", event.fail.signed, told, *event.fail.reasons)
            await self.board.finish(report, shop.id)
        elif kind == "walk_in":
            await self.board.walk_in(_walked_in(event.walk_in.signed, shop), event.walk_in.signed)
        else:
            raise Refused("event.unreadable", event.id)
        return None

    async def _report(self, outcome: str, signed: v1.SignedWork, told: v1.SynchronizeRequest, *reasons: v1.Reason) -> Report:
        """The report, if it is signed with the shop's key and speaks of the shop's own work order.

        Errors: `Refused` (`report.signature`, `report.mismatch`).
        """
        work = _read_report(signed, told.shop)
        made_of = (work.pieces_good, work.pieces_scrap)
        try:
            offer, job_id = await read_order(self.board, work.attempt.work_order_id)
        except Refused:  # the board itself says why it knows no such order: that it ended long ago, or that the board was set back
            return Report(work.attempt, outcome, *made_of, signed, reasons)
        if (work.job_id, work.revision_digest, work.part_name) != (job_id, offer.revision_digest, offer.part_name):
            raise Refused("report.mismatch", "it names another job, revision or part than its work order")
        made = work.pieces_good + work.pieces_scrap
        estimated = offer.estimate.machine_time.ToTimedelta().total_seconds() / 60 * made
        took = work.machine_time.ToTimedelta().total_seconds() / 60
        process = offer.requirement.process
        had_leave = any(held.attempt == work.attempt and held.phase == v1.ATTEMPT_PHASE_RUNNING for held in told.attempts)
        return Report(work.attempt, outcome, *made_of, signed, reasons, estimated, took, process, had_leave)


def _read_report(signed: v1.SignedWork, shop: v1.Shop) -> v1.CompletedWork:
    """What a report says, if it is signed with the shop's key and speaks of this shop.

    Errors: `Refused` (`report.signature`, `report.mismatch`).
    """
    if signed.public_key != shop.public_key or not signature_holds(signed):
        raise Refused("report.signature")
    try:
        work = v1.CompletedWork.FromString(signed.work)
    except DecodeError:
        raise Refused("report.mismatch", "it cannot be read") from None
    if work.shop_id != shop.id:
        raise Refused("report.mismatch", f"it speaks of shop {work.shop_id}")
    return work


def _walked_in(signed: v1.SignedWork, shop: v1.Shop) -> v1.AttemptRef:
    """The attempt of work that no router gave out. Its name begins with the shop's, so that no shop can take another's.

    Errors: `Refused` (`report.signature`, `report.mismatch`).
    """
    work = _read_report(signed, shop)
    ref = work.attempt
    if not is_walk_in_of(ref.work_order_id, shop.id) or ref.epoch or ref.number != 1 or work.job_id:
        raise Refused("report.mismatch", "it is no report of work for somebody who walked in")
    return ref


def _answer(
    told: v1.SynchronizeRequest,
    receipts: Sequence[v1.Receipt],
    wishes: Sequence[str],
    standing: OffersOnBoard,
    pulse: Pulse,
    pause_seconds: float,
) -> v1.SynchronizeResponse:
    call_again, lease = Duration(), Duration()
    call_again.FromMilliseconds(int(pause_seconds * 1000))
    lease.FromMilliseconds(pulse.lease_ms)
    return v1.SynchronizeResponse(
        receipts=receipts,
        offers=standing.offers,
        wishes=[_wished(held.attempt, wish) for held, wish in zip(told.attempts, wishes, strict=True)],
        call_again_in=call_again,
        lease=lease,
        version=standing.version,
        recalls=standing.recalls,
    )


def _wished(attempt: v1.AttemptRef, wish: str) -> v1.WishedAttempt:
    value, code = WISHES[wish]
    return v1.WishedAttempt(attempt=attempt, wish=value, reason=reason(code, attempt.work_order_id) if code else None)


def _check_shop(shop: v1.Shop, shop_id: str) -> None:
    """Errors: `Refused` (`token.subject`, `shop.malformed`)."""
    if shop.id != shop_id:
        raise Refused("token.subject", f"shop {shop.id}")
    if len(shop.public_key) != KEY_BYTES:
        raise Refused("shop.malformed", f"its public key has {len(shop.public_key)} bytes instead of {KEY_BYTES}")
    if not is_coarse(shop.place):
        raise Refused("shop.malformed", "its place must be an H3 cell of resolution 7 or coarser, so that no address is told")
    ids = [machine.id for machine in shop.machines]
    if len(set(ids)) != len(ids) or "" in ids or len(ids) > MOST_MACHINES:
        raise Refused("shop.malformed", f"each of at most {MOST_MACHINES} machines needs an id of its own")
    if not all(math.isfinite(figure) for figure in _figures(shop)):
        raise Refused("shop.malformed", "one of its figures is no number")
    for machine in shop.machines:
        room = machine.envelope_mm
        if not machine.process or min(room.x, room.y, room.z) <= 0:
            raise Refused("shop.malformed", f"machine {machine.id} needs a process and an envelope larger than nothing")


def _figures(message: Message) -> Iterator[float]:
    """Every number with a fraction in a message and in those inside it."""
    for field_of, value in message.ListFields():
        if field_of.type in (field_of.TYPE_DOUBLE, field_of.TYPE_FLOAT):
            yield from (value if field_of.is_repeated else (value,))
        elif field_of.type == field_of.TYPE_MESSAGE:
            for inside in value if field_of.is_repeated else (value,):
                yield from _figures(inside)
