# SPDX-License-Identifier: AGPL-3.0-or-later
"""The one connection to the router, against a small real gRPC server that can lose answers, hold calls and refuse."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
from clocks import ManualClock
from small_shop import SHOP, SmallRouter, offer, served, shop, until
from test_journal import accept, leave_to_start

from commonfab import v1
from commonfab.client import connect
from commonfab.clock import SystemClock
from commonfab.rpc_client import Endpoint
from shop_agent.bench.waiting import Bell, Leases
from shop_agent.desk_link import PATIENCE_SECONDS, DeskLink, Situation, phase_of, request_of
from shop_agent.journal import attempt_steps
from shop_agent.journal.book import Journal, open_journal

AT_ONCE = PATIENCE_SECONDS * 0.8
"""Before a call that nobody answers or gives up would have come to its end, s; on a busy computer at once may be seconds."""


class Linked:
    """A journal and its link."""

    def __init__(self, journal: Journal, node: str) -> None:
        self.journal = journal
        self.leases = Leases(SystemClock())
        self.state = v1.MACHINE_STATE_READY
        self.node = connect(Endpoint(node, "cfab_test"))
        self.link = DeskLink(self.node.desk, journal, self.leases, "run-1", self.situation)
        journal.on_change = self.link.ring

    def situation(self) -> Situation:
        attempts = [v1.AttemptStatus(attempt=a.ref, phase=phase_of(a, False)) for a in self.journal.attempts()]
        return Situation(v1.Shop(id=SHOP, machines=[v1.Machine(id="mk3", state=self.state)]), attempts)


@asynccontextmanager
async def linked(folder: Path, node: str) -> AsyncIterator[Linked]:
    parts = Linked(open_journal(shop(folder)), node)
    task = asyncio.create_task(parts.link.run())
    try:
        yield parts
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await parts.node.channel.close()


async def test_offers_arrive_while_the_call_is_held(tmp_path: Path) -> None:
    router = SmallRouter()
    async with served(router) as address, linked(tmp_path, address) as shop_side:
        await until(lambda: router.held)
        router.put_up(offer())
        await until(lambda: shop_side.journal.offers(), AT_ONCE)


async def test_a_yes_gives_up_the_held_call_and_is_heard_at_once(tmp_path: Path) -> None:
    router = SmallRouter()
    router.put_up(offer())
    async with served(router) as address, linked(tmp_path, address) as shop_side:
        await until(lambda: shop_side.journal.offers() and router.held)
        shop_side.journal.decide("wo-1", accept=True)
        await until(lambda: shop_side.journal.attempts(), AT_ONCE)
        attempt = shop_side.journal.attempts()[0]
        assert attempt.ref == router.attempts["wo-1"]
        await until(lambda: shop_side.leases.holds(attempt.ref))
        await until(lambda: router.requests[-1].attempts, AT_ONCE)  # and from now on it is named, so that its lease is renewed
        assert router.requests[-1].attempts[0].attempt == attempt.ref


async def test_an_event_whose_receipt_was_lost_is_sent_again_and_carried_out_once(tmp_path: Path) -> None:
    router = SmallRouter(lost_answers=0)
    router.put_up(offer())
    async with served(router) as address, linked(tmp_path, address) as shop_side:
        await until(lambda: shop_side.journal.offers() and router.held)
        router.lost_answers = 2
        shop_side.journal.decide("wo-1", accept=True)
        await until(lambda: shop_side.journal.attempts())
        sent = [event.id for request in router.requests for event in request.events]
        assert len(sent) >= 2 and len(set(sent)) == 1 and router.epoch == 1


async def test_a_router_that_comes_back_after_a_while_is_found_again(tmp_path: Path) -> None:
    router = SmallRouter()
    async with served(router) as address:
        port = int(address.rpartition(":")[2])
    async with linked(tmp_path, address) as shop_side:
        await asyncio.sleep(0.3)
        router.put_up(offer())
        async with served(router, port):
            await until(lambda: shop_side.journal.offers())


async def test_a_router_that_answers_at_once_is_not_called_in_a_tight_loop(tmp_path: Path) -> None:
    router = SmallRouter(call_again_seconds=0.4)
    router.version = lambda: len(router.requests)  # type: ignore[method-assign]  # always something new, so that nothing is held
    async with served(router) as address, linked(tmp_path, address):
        await until(lambda: len(router.requests) >= 2)
        before, clock = len(router.requests), SystemClock()
        began = clock.monotonic()
        await asyncio.sleep(1.0)
        asked = len(router.requests) - before
        assert asked <= (clock.monotonic() - began) / router.call_again_seconds + 2


async def test_a_machine_that_becomes_ready_is_told_at_once(tmp_path: Path) -> None:
    router = SmallRouter()
    async with served(router) as address, linked(tmp_path, address) as shop_side:
        shop_side.state = v1.MACHINE_STATE_NEEDS_PERSON
        await until(lambda: router.held)
        shop_side.state = v1.MACHINE_STATE_READY
        shop_side.journal.mark_ready("mk3", "Lena")
        await until(lambda: router.requests[-1].shop.machines[0].state == v1.MACHINE_STATE_READY, AT_ONCE)


async def test_a_ring_without_news_leaves_the_held_call_alone(tmp_path: Path) -> None:
    router = SmallRouter()
    async with served(router) as address, linked(tmp_path, address) as shop_side:
        await until(lambda: router.held)
        before = len(router.requests)
        for _ in range(5):
            shop_side.link.ring()
            await asyncio.sleep(0.05)
        assert router.held == 1 and len(router.requests) == before


def test_a_wrong_token_is_not_hammered(tmp_path: Path) -> None:
    link = DeskLink(None, open_journal(shop(tmp_path)), Leases(ManualClock()), "run", lambda: Situation(v1.Shop(), []))  # type: ignore[arg-type]
    wrong = grpc.aio.AioRpcError(grpc.StatusCode.UNAUTHENTICATED, grpc.aio.Metadata(), grpc.aio.Metadata(), "no")
    assert link._back_off(wrong) >= 15


def test_the_back_off_doubles_up_to_half_a_minute_and_is_spread(tmp_path: Path) -> None:
    link = DeskLink(None, open_journal(shop(tmp_path)), Leases(ManualClock()), "run", lambda: Situation(v1.Shop(), []))  # type: ignore[arg-type]
    away = grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata(), "no")
    pauses = [link._back_off(away) for _ in range(12)]
    assert all(0.25 * 2**n <= pause <= 0.5 * 2**n for n, pause in enumerate(pauses[:6]))
    assert all(15 <= pause <= 30 for pause in pauses[7:]) and len(set(pauses)) == 12


def test_a_shop_is_patient_idle_or_at_work_because_what_the_router_wants_ends_the_wait(tmp_path: Path) -> None:
    journal = open_journal(shop(tmp_path))
    idle = request_of(Situation(v1.Shop(), []), journal, "run", 5)
    at_work = request_of(Situation(v1.Shop(), [v1.AttemptStatus()]), journal, "run", 5)
    assert (idle.patience.seconds, at_work.patience.seconds, idle.version) == (20, 20, 5)


def test_a_lease_is_counted_from_the_sending_of_the_call_and_ends(manual_clock: ManualClock) -> None:
    leases, ref = Leases(manual_clock), v1.AttemptRef(work_order_id="wo-1", number=1, epoch=7)
    assert not leases.holds(ref)  # after a start, nothing is known
    sent_at = manual_clock.monotonic()
    manual_clock.advance(20)  # the answer was held
    leases.renew([ref], sent_at, 30)
    assert leases.holds(ref)
    manual_clock.advance(10)
    assert not leases.holds(ref)
    leases.renew([ref], manual_clock.monotonic(), 30)
    leases.renew([], manual_clock.monotonic(), 30)  # an answer that does not name it
    assert not leases.holds(ref)


def test_a_newer_fence_is_another_attempt(manual_clock: ManualClock) -> None:
    leases = Leases(manual_clock)
    leases.renew([v1.AttemptRef(work_order_id="wo-1", number=1, epoch=7)], 0.0, 30)
    assert not leases.holds(v1.AttemptRef(work_order_id="wo-1", number=1, epoch=8))


async def test_a_bell_that_rang_before_anybody_waited_is_heard(manual_clock: ManualClock) -> None:
    bell = Bell(manual_clock)
    bell.ring()
    assert await bell.wait(100)
    waiting = asyncio.create_task(bell.wait(100))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    manual_clock.advance(100)
    assert not await waiting


@pytest.mark.parametrize("leave", [False, True])
def test_only_leave_makes_an_attempt_running_in_the_routers_eyes(tmp_path: Path, leave: bool) -> None:
    journal = open_journal(shop(tmp_path))
    accept(journal)
    if leave:
        leave_to_start(journal)
    else:
        attempt_steps.ask_to_start(journal, journal.attempts()[0])
    expected = v1.ATTEMPT_PHASE_RUNNING if leave else v1.ATTEMPT_PHASE_PREPARING
    assert phase_of(journal.attempts()[0], waits_for_person=False) == expected
