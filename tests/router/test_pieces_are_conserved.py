# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whatever shops, requesters and the clock do in whatever order, no piece of a job is lost and none is asked for twice."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from itertools import count
from typing import Any, TypeVar

import pytest
from clocks import ManualClock
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from redis.asyncio import Redis
from router_street import TERMS, Garage, Street, event, status

from commonfab import v1
from commonfab.errors import Refused
from router.bell import Bell
from router.board import Board
from router.board_reading import LIVE
from router.desk import Desk
from router.dispatch import Dispatcher
from router.ranking import load_policy

T = TypeVar("T")
SHOPS = ("lena", "shed", "cellar")


class Neighbourhood(RuleBasedStateMachine):
    """One job, three shops that do anything at any time, and what must hold all the same."""

    redis_url = ""

    @initialize(pieces=st.integers(1, 12))
    def a_job_is_asked_for(self, pieces: int) -> None:
        self.loop = asyncio.new_event_loop()
        self.redis = Redis.from_url(self.redis_url)
        self.pieces = pieces
        self.garages = {name: Garage(name) for name in SHOPS}
        self.attempts: list[tuple[Garage, v1.AttemptRef, int]] = []
        self.started: dict[str, set[int]] = {}
        self.ended: set[int] = set()
        self.do(self._begin())

    async def _begin(self) -> None:
        await self.redis.flushall()
        clock, orders = ManualClock(), count(1)
        board = Board(self.redis, "test", clock)
        bell = Bell(board)
        dispatcher = Dispatcher(board, bell, load_policy(), TERMS, lambda prefix: f"{prefix}-{next(orders):04d}")
        self.street = Street(board, Desk(board, bell, TERMS, lambda code: None), dispatcher, clock, [], count(1))
        await self.street.ask(self.pieces)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    @rule(name=st.sampled_from(SHOPS))
    def a_shop_calls(self, name: str) -> None:
        self.do(self.street.call(self.garages[name]))

    @rule()
    def the_router_plans(self) -> None:
        self.do(self.street.dispatcher.plan_all())

    @rule(seconds=st.sampled_from([1, 30, 61, 200, 700]))
    def time_passes(self, seconds: int) -> None:
        self.do(self.street.pass_time(seconds))

    @rule(name=st.sampled_from(SHOPS))
    def a_shop_accepts(self, name: str) -> None:
        garage = self.garages[name]
        self.do(self.street.call(garage))
        known = {order.id: order.quantity for order in self.do(self.street.job()).work_orders}
        for attempt in self.do(self.street.accept_all(garage)):
            if attempt.epoch:
                self.attempts.append((garage, attempt, known[attempt.work_order_id]))

    @rule(name=st.sampled_from(SHOPS))
    def a_shop_declines(self, name: str) -> None:
        garage = self.garages[name]
        offers = self.do(self.street.call(garage)).offers
        self.do(self.street.call(garage, *(event(decline=v1.Decline(work_order_id=offer.work_order_id)) for offer in offers)))

    @rule(data=st.data())
    def a_shop_asks_leave_to_start(self, data: st.DataObject) -> None:
        if self.attempts:
            garage, attempt, _ = data.draw(st.sampled_from(self.attempts))
            receipt = self.do(self.street.call(garage, event(start=v1.Start(attempt=attempt)))).receipts[0]
            if not receipt.HasField("refusal"):
                self.started.setdefault(attempt.work_order_id, set()).add(attempt.epoch)

    @rule(data=st.data(), good=st.integers(0, 12))
    def a_shop_shows_progress(self, data: st.DataObject, good: int) -> None:
        if self.attempts:
            garage, attempt, _ = data.draw(st.sampled_from(self.attempts))
            running = attempt.epoch in self.started.get(attempt.work_order_id, ())
            phase = v1.ATTEMPT_PHASE_RUNNING if running else v1.ATTEMPT_PHASE_PREPARING
            self.do(self.street.call(garage, held=(status(attempt, phase, good if running else 0),)))

    @rule(data=st.data(), good=st.integers(0, 12), kind=st.sampled_from(["complete", "fail"]))
    def a_shop_reports(self, data: st.DataObject, good: int, kind: str) -> None:
        if self.attempts:
            garage, attempt, quantity = data.draw(st.sampled_from(self.attempts))
            order = next(o for o in self.do(self.street.job()).work_orders if o.id == attempt.work_order_id)
            signed = garage.report(self.street, attempt, self.do(self.street.job()), max(min(good, quantity), order.pieces_good))
            message = v1.Complete(signed=signed) if kind == "complete" else v1.Fail(signed=signed)
            receipt = self.do(self.street.call(garage, event(**{kind: message}))).receipts[0]
            if not receipt.HasField("refusal"):
                assert attempt.epoch not in self.ended, "one attempt was reported twice and counted twice"
                assert attempt.epoch in self.started.get(attempt.work_order_id, ()), "a report was taken of what had no leave to start"
                self.ended.add(attempt.epoch)

    @rule(data=st.data())
    def a_shop_gives_back(self, data: st.DataObject) -> None:
        if self.attempts:
            garage, attempt, _ = data.draw(st.sampled_from(self.attempts))
            self.do(self.street.call(garage, event(release=v1.Release(attempt=attempt))))

    @rule()
    def the_requester_has_the_rest_made_elsewhere(self) -> None:
        for order in self.do(self.street.job()).work_orders:
            if order.state == v1.WORK_ORDER_STATE_UNCERTAIN:
                self.do(self.street.board.make_rest_elsewhere(order.id))

    @rule(really=st.integers(0, 9))
    def the_requester_withdraws(self, really: int) -> None:
        if really == 0:
            try:
                self.do(self.street.board.cancel_job("job-0001"))
            except Refused as refused:
                assert refused.code == "job.ended"

    @invariant()
    def every_piece_is_in_one_place(self) -> None:
        job = self.do(self.street.job())
        live = sum(order.quantity for order in job.work_orders if order.state in LIVE)
        made = sum(order.pieces_good for order in job.work_orders if order.state not in LIVE)
        if job.state != v1.JOB_STATE_CANCELLED:
            assert live + made + job.pieces_unplaced == self.pieces
        assert job.pieces_good <= self.pieces
        assert (job.state == v1.JOB_STATE_DONE) == (job.state != v1.JOB_STATE_CANCELLED and made == self.pieces)

    @invariant()
    def no_work_order_was_ever_started_under_two_fences(self) -> None:
        assert all(len(epochs) == 1 for epochs in self.started.values())

    @invariant()
    def every_report_that_was_taken_is_on_its_way_to_the_ledger(self) -> None:
        assert self.do(self.redis.xlen(self.street.board.key("done"))) == len(self.ended)

    def teardown(self) -> None:
        if hasattr(self, "loop"):
            self.do(self.redis.aclose())
            self.loop.close()


@pytest.mark.slow
def test_no_piece_is_lost_or_asked_for_twice(redis_url: str) -> None:
    Neighbourhood.redis_url = redis_url
    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        Neighbourhood, settings=settings(max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=checks)
    )
