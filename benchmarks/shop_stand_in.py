# SPDX-License-Identifier: AGPL-3.0-or-later
"""A shop agent without machines: it calls as a real one does, takes everything, and its pieces are made at once.

Its life of a lot: the held call brings an offer; a call accepts it; a call asks leave to start; a call tells the progress; a call hands in
the signed report. What comes together goes in one call.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.duration_pb2 import Duration

from commonfab import v1
from commonfab.identity import sign_work
from shop_agent.desk_link import PATIENCE_SECONDS, SHORTEST_PAUSE_SECONDS

MACHINE = "m"

Called = Callable[[v1.SynchronizeRequest], Awaitable[v1.SynchronizeResponse]]
"""One Synchronize with this shop's token, made again until it is answered."""


@dataclass
class Held:
    """A lot that the shop holds."""

    offer: v1.Offer
    attempt: v1.AttemptRef
    running: bool = False
    reported: bool = False


@dataclass
class Told:
    """Whom a benchmark wants told, and when the shop begins: at each new offer, each lot accepted, each lot done."""

    offered: Callable[[v1.Offer, float], None] = lambda offer, moment: None
    accepted: Callable[[v1.Offer], None] = lambda offer: None
    done: Callable[[v1.Offer], None] = lambda offer: None
    begin: bool = True
    """Where it is False, what is accepted waits until the shop is rung for."""


@dataclass
class ShopStandIn:
    """One agent. `calls` counts its calls: with `work` in them or in the answer, `idle` to the end, and woken for `nothing`.

    Besides: `second`, accepts that came after another shop's; `lost`, lots that the router took back.
    """

    name: str
    place: v1.Place
    synchronize: Called
    told: Told
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    calls: Counter[str] = field(default_factory=Counter)
    _held: dict[str, Held] = field(default_factory=dict)
    _events: dict[str, v1.ShopEvent] = field(default_factory=dict)
    _offers: dict[str, v1.Offer] = field(default_factory=dict)
    _version: int = 0
    _rung: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        machine = v1.Machine(
            id=MACHINE,
            process="fdm",
            envelope_mm=v1.Size(x=200, y=200, z=200),
            materials=["pla"],
            state=v1.MACHINE_STATE_READY,
            control="virtual",
        )
        public = self.key.public_key().public_bytes_raw()
        self._shop = v1.Shop(id=self.name, name=self.name, place=self.place, machines=[machine], public_key=public)

    async def run(self, heard: asyncio.Event) -> None:
        """Call until cancelled; `heard` is set when the router has answered for the first time."""
        while True:
            asked = self._request()
            answer = await self.synchronize(asked)
            self._count(asked, answer, time.perf_counter())
            self._version = answer.version
            self._take_in(asked, answer)
            heard.set()
            await asyncio.sleep(SHORTEST_PAUSE_SECONDS)
            self._rung.clear()
            if not self._has_news() and not self._stands_otherwise(asked):
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._rung.wait(), answer.call_again_in.ToTimedelta().total_seconds())

    def ring(self) -> None:
        """Something changed beside the shop: it calls before its next call is due."""
        self._rung.set()

    def _has_news(self) -> bool:
        """Whether there is an event to send, a lot to begin or progress to tell."""
        return bool(self._events) or any(not held.reported if held.running else self.told.begin for held in self._held.values())

    def _stands_otherwise(self, asked: v1.SynchronizeRequest) -> bool:
        """Whether the router was told of other lots than the shop holds now."""
        return [status.attempt.work_order_id for status in asked.attempts] != list(self._held)

    def _request(self) -> v1.SynchronizeRequest:
        if self.told.begin:
            for held in self._held.values():
                if not held.running:
                    self._put(v1.ShopEvent(id=f"start {held.offer.work_order_id}", start=v1.Start(attempt=held.attempt)))
        patience = Duration()
        if self._events or not self._has_news():  # nothing is held that brings events; after progress the report follows at once
            patience.FromMilliseconds(int(1000 * PATIENCE_SECONDS))
        attempts = [_status(held) for held in self._held.values()]
        return v1.SynchronizeRequest(
            shop=self._shop,
            agent_run="bench",
            attempts=attempts,
            events=self._events.values(),
            patience=patience,
            version=self._version,
        )

    def _put(self, event: v1.ShopEvent) -> None:
        self._events[event.id] = event

    def _count(self, asked: v1.SynchronizeRequest, answer: v1.SynchronizeResponse, moment: float) -> None:
        new = [offer for offer in answer.offers if offer.work_order_id not in self._offers]
        for offer in new:
            self.told.offered(offer, moment)
        if new or asked.events or any(held.phase == v1.ATTEMPT_PHASE_RUNNING for held in asked.attempts):
            self.calls["work"] += 1
        else:
            self.calls["idle" if answer.version == asked.version or not asked.version else "nothing"] += 1

    def _take_in(self, asked: v1.SynchronizeRequest, answer: v1.SynchronizeResponse) -> None:
        for receipt in answer.receipts:
            self._settle(self._events.pop(receipt.event_id), receipt)
        for wished in answer.wishes:
            held = self._held.get(wished.attempt.work_order_id)
            if held is not None and not held.reported and wished.wish != v1.WISH_GO_ON:
                del self._held[wished.attempt.work_order_id]
                self.calls["lost"] += 1
        for status in asked.attempts:
            held = self._held.get(status.attempt.work_order_id)
            if held is not None and status.phase == v1.ATTEMPT_PHASE_RUNNING and not held.reported:
                self._report(held)
        for offer in answer.offers:
            if offer.work_order_id not in self._offers:
                self._put(v1.ShopEvent(id=f"accept {offer.work_order_id}", accept=v1.Accept(work_order_id=offer.work_order_id)))
        standing = {offer.work_order_id: offer for offer in answer.offers}
        self._offers = {order: offer for order, offer in self._offers.items() if f"accept {order}" in self._events} | standing

    def _settle(self, event: v1.ShopEvent, receipt: v1.Receipt) -> None:
        kind = event.WhichOneof("event")
        if kind == "accept":
            order = event.accept.work_order_id
            if receipt.HasField("refusal"):
                self.calls["second"] += 1
                return
            self._held[order] = Held(self._offers[order], receipt.attempt)
            self.told.accepted(self._offers[order])
        elif receipt.HasField("refusal"):
            raise RuntimeError(f"{self.name}: {event.id} was refused: {receipt.refusal}")
        elif kind == "start":
            self._held[event.start.attempt.work_order_id].running = True
        else:
            order = v1.CompletedWork.FromString(event.complete.signed.work).attempt.work_order_id
            self.told.done(self._held.pop(order).offer)

    def _report(self, held: Held) -> None:
        offer = held.offer
        work = v1.CompletedWork(
            attempt=held.attempt,
            job_id=offer.job_id,
            revision_digest=offer.revision_digest,
            part_name=offer.part_name,
            shop_id=self.name,
            machine_id=MACHINE,
            control="virtual",
            process="fdm",
            material="pla",
            pieces_good=offer.quantity,
        )
        held.reported = True
        self._put(v1.ShopEvent(id=f"complete {offer.work_order_id}", complete=v1.Complete(signed=sign_work(work, self.key))))


def _status(held: Held) -> v1.AttemptStatus:
    phase = v1.ATTEMPT_PHASE_RUNNING if held.running else v1.ATTEMPT_PHASE_PREPARING
    return v1.AttemptStatus(attempt=held.attempt, phase=phase, pieces_good=held.offer.quantity if held.running else 0)
