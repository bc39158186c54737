# SPDX-License-Identifier: AGPL-3.0-or-later
"""The one outgoing connection to a router: says what is, hears what is wanted, and knows when to call next.

`request_of` and `apply` do all that matters and need no network; `DeskLink` only calls, waits, and calls again.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate

import grpc
from google.protobuf.duration_pb2 import Duration

from commonfab import v1
from commonfab.errors import Refused, refusal_of
from commonfab.tasks import cancelled
from shop_agent.bench.waiting import Bell, Leases
from shop_agent.journal.book import Journal
from shop_agent.journal.records import AttemptRecord, key_of
from shop_agent.journal.set_back import SET_BACK, note_version
from shop_agent.journal.settling import ALARM, note_offers, note_recalls, note_wish, settle

PATIENCE_SECONDS = 20.0
ANSWER_SECONDS = 15.0  # beyond the patience; a call that takes longer is lost
FIRST_BACK_OFF_SECONDS = 0.5
LONGEST_BACK_OFF_SECONDS = 30.0
SHORTEST_PAUSE_SECONDS = 0.02  # whatever the router says, never a tight loop
MOST_BYTES_OF_EVENTS = 1024 * 1024  # in one call: gRPC takes messages of 4 MB; after weeks without a network there may be more

log = logging.getLogger("shop_agent.desk_link")

NOTHING_HELPS = (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.INVALID_ARGUMENT)
"""The router answers, and will answer the same until a person changes something; so do not press it."""


@dataclass(frozen=True)
class Situation:
    """What the link needs to know of the shop at the moment of a call. `router`: the node that is called."""

    shop: v1.Shop
    attempts: list[v1.AttemptStatus]
    router: str = ""


def phase_of(attempt: AttemptRecord, waits_for_person: bool) -> v1.AttemptPhase.ValueType:
    """Where an attempt stands. From the leave on a machine may move, also between pieces."""
    if attempt.leave:
        return v1.ATTEMPT_PHASE_RUNNING
    return v1.ATTEMPT_PHASE_WAITING_FOR_PERSON if waits_for_person else v1.ATTEMPT_PHASE_PREPARING


def request_of(situation: Situation, journal: Journal, agent_run: str, version: int) -> v1.SynchronizeRequest:
    """What is, as the router is told. A call may be held long: the router answers as soon as it wants something, and what is new here gives
    the call up."""
    patience = Duration()
    patience.FromMilliseconds(round(1000 * PATIENCE_SECONDS))
    return v1.SynchronizeRequest(
        shop=situation.shop,
        agent_run=agent_run,
        attempts=situation.attempts,
        events=_first_of(journal.unsettled()),
        patience=patience,
        version=version,
        seen_recalls=journal.unacknowledged_recalls(),
    )


def _first_of(events: list[v1.ShopEvent]) -> list[v1.ShopEvent]:
    """As many of the oldest events as one call carries, one in any case; the next call, which follows at once, has more of them."""
    sizes = accumulate(event.ByteSize() for event in events)
    return events[: max(1, sum(size <= MOST_BYTES_OF_EVENTS for size in sizes))]


def apply(response: v1.SynchronizeResponse, journal: Journal, router: str | None = None) -> list[str]:
    """Write the router's answer into the journal, all of it in one transaction. Answers what is worth a line in the log, a recall first.

    Applying an answer twice changes nothing: a receipt counts only while its event is in the outbox.
    Parameters: `router`, the node that answers; None where it is not to be noticed that it was set back.
    """
    with journal.change() as connection:
        said = note_recalls(connection, response.recalls, journal.clock.now())
        for receipt in response.receipts:
            said += settle(connection, receipt, journal.clock.now())
        said += note_offers(connection, response.offers, journal.clock.now())
        for wished in response.wishes:
            said += note_wish(connection, wished)
        if router is not None:
            said += note_version(connection, router, response.version, journal.clock.now())
    return said


class DeskLink:
    """Calls the router until cancelled. `ring` makes it call sooner; a call that is held with nothing new in it is then given up.

    `heard_at`: when the router last answered, seconds since 1970, 0 for not yet. `trouble`: why it does not answer; empty where it does.
    """

    def __init__(self, desk: v1.ShopDeskAsyncStub, journal: Journal, leases: Leases, agent_run: str, look: Callable[[], Situation]) -> None:
        self._desk = desk
        self._journal = journal
        self._leases = leases
        self._agent_run = agent_run
        self._look = look
        self._clock = journal.clock
        self._bell = Bell(journal.clock)
        self._version = 0
        self._failures = 0
        self._random = random.Random()
        self.heard_at = 0.0
        self.trouble = ""

    def ring(self) -> None:
        """Something changed: call before the next call is due."""
        self._bell.ring()

    async def run(self) -> None:
        """Call, wait, call again. Errors: `Refused` (`shop.replaced`) where a newer agent speaks for the shop: this one must stop."""
        while True:
            situation = self._look()
            request = request_of(situation, self._journal, self._agent_run, self._version)
            try:
                pause = await self._call(request, situation.router)
            except grpc.aio.AioRpcError as error:
                _stop_if_replaced(error)
                await self._clock.sleep(self._back_off(error))  # a ring does not shorten this: the router has enough to do
                continue
            await self._bell.wait(max(pause, SHORTEST_PAUSE_SECONDS))

    async def _call(self, request: v1.SynchronizeRequest, router: str) -> float:
        """One call; answers in how many seconds the next one is due. Errors: `grpc.aio.AioRpcError`."""
        sent_at = self._clock.monotonic()
        deadline = request.patience.ToTimedelta().total_seconds() + ANSWER_SECONDS
        call = asyncio.ensure_future(self._awaited(request, deadline))
        response = await self._answer_or_news(call, request)
        if response is None:
            return 0.0
        if self._failures:
            log.info("the router answers again")
        self._failures, self.heard_at, self.trouble = 0, self._clock.now(), ""
        granted = [*(wished.attempt for wished in response.wishes), *(r.attempt for r in response.receipts if r.HasField("attempt"))]
        self._leases.renew(granted, sent_at, response.lease.ToTimedelta().total_seconds())
        for line in apply(response, self._journal, router):
            log.log(logging.WARNING if line.startswith((ALARM, SET_BACK)) else logging.INFO, line)
        self._version = response.version  # once it is written down: what was not is told again
        self._bell.hush()  # our own change rang it; what is really new is looked for here
        due: float = response.call_again_in.ToTimedelta().total_seconds()
        return 0.0 if self._is_news(request) else due

    async def _awaited(self, request: v1.SynchronizeRequest, deadline: float) -> v1.SynchronizeResponse:
        return await self._desk.Synchronize(request, timeout=deadline)

    async def _answer_or_news(
        self, call: asyncio.Future[v1.SynchronizeResponse], request: v1.SynchronizeRequest
    ) -> v1.SynchronizeResponse | None:
        """The answer, or None where the call was given up because there is something newer to say."""
        try:
            while not call.done():
                ringing = asyncio.ensure_future(self._bell.wait(float("inf")))
                try:
                    await asyncio.wait((call, ringing), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    rung = ringing.done()
                    await cancelled(ringing)
                # A call that carries events is answered at once; only one that is merely held is given up.
                if rung and not request.events and not call.done() and self._is_news(request):
                    return None
            return await call
        finally:
            await cancelled(call)

    def _is_news(self, request: v1.SynchronizeRequest) -> bool:
        """Whether there is something that the router was not told with this request."""
        now = self._look()
        states, told_states = ([(m.id, m.state, m.state_reason) for m in shop.machines] for shop in (now.shop, request.shop))
        held, told_held = ([_told_of(status) for status in attempts] for attempts in (now.attempts, request.attempts))
        told_events = {event.id for event in request.events}
        unheard = set(self._journal.unacknowledged_recalls()) - set(request.seen_recalls)
        events = any(event.id not in told_events for event in self._journal.unsettled())
        return states != told_states or held != told_held or bool(unheard) or events

    def _back_off(self, error: grpc.aio.AioRpcError) -> float:
        """Seconds until the next try: doubled with each failure up to a limit, and spread so that shops do not come back in step."""
        self._failures += 1
        refusal = refusal_of(error)
        told = f"{refusal.reason.message}. {refusal.remedy}" if refusal else f"{error.code().name}: {error.details()}"
        self.trouble = told
        log.log(logging.WARNING if self._failures == 1 else logging.DEBUG, "no answer from the router: %s", told)
        longest = min(FIRST_BACK_OFF_SECONDS * 2 ** min(self._failures - 1, 10), LONGEST_BACK_OFF_SECONDS)
        if error.code() in NOTHING_HELPS:
            longest = LONGEST_BACK_OFF_SECONDS
        return float(longest) * self._random.uniform(0.5, 1.0)


def _stop_if_replaced(error: grpc.aio.AioRpcError) -> None:
    refusal = refusal_of(error)
    if refusal is not None and refusal.reason.code == "shop.replaced":
        raise Refused("shop.replaced", refusal.reason.subject) from error


def _told_of(status: v1.AttemptStatus) -> tuple[str, int, int, int]:
    """What of an attempt is worth a call: that there is one, that it began to move, and each piece that is done."""
    return key_of(status.attempt), status.phase, status.pieces_good, status.pieces_scrap
