# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whatever shops, requesters and the clock do in whatever order, no piece of a job is lost and none is asked for twice."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any, TypeVar

import pytest
from clocks import ManualClock
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from redis.asyncio import Redis
from router_street import Garage, Street, event, key_of, status

from commonfab import v1
from commonfab.errors import Refused
from commonfab.tasks import cancelled
from router.board import Board
from router.board_changes import read_changes
from router.board_reading import LIVE, JobOnBoard, read_jobs, read_offers
from router.shop_on_board import ShopOnBoard

T = TypeVar("T")
SHOPS = ("lena", "shed", "cellar")
ENDED = (v1.JOB_STATE_DONE, v1.JOB_STATE_CANCELLED)
WITHDRAWN_TOO_LATE = ("order.ended", "order.recalled", "job.ended", "job.first_not_made", "job.no_first_article")
STATES = [v1.MACHINE_STATE_READY, v1.MACHINE_STATE_READY, v1.MACHINE_STATE_OUT_OF_ORDER, v1.MACHINE_STATE_MAINTENANCE]


class Neighbourhood(RuleBasedStateMachine):
    """One job, or a product of two, three shops that do anything at any time, and what must hold all the same."""

    redis_url = ""

    @initialize(pieces=st.integers(1, 12), first=st.booleans(), kind=st.sampled_from(["job", "product", "assembled"]))
    def a_job_is_asked_for(self, pieces: int, first: bool, kind: str) -> None:
        self.loop = asyncio.new_event_loop()
        self.redis = Redis.from_url(self.redis_url)
        self.garages = {name: Garage(name, key=key_of(name)) for name in SHOPS}
        self.attempts: list[tuple[Garage, v1.AttemptRef, str, int]] = []
        self.started: dict[str, set[int]] = {}
        self.accepted: dict[str, set[str]] = {}
        self.ended: set[int] = set()
        self.recalled = False
        self.shops: dict[str, ShopOnBoard] = {}
        self.sequence = 0
        self.do(self._begin(pieces, first, kind))

    async def _begin(self, pieces: int, first: bool, kind: str) -> None:
        await self.redis.flushall()
        clock = ManualClock()
        self.street = Street(Board(self.redis, "test", clock), clock, [])
        if kind == "job":
            self.pieces = {await self.street.ask(pieces, first_article=first): pieces}
        else:
            parts = {"job-left": pieces, "job-right": 2}
            self.pieces = {await self.street.ask_for_product(parts, assembled=kind == "assembled"): 1, **parts}

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def jobs(self) -> dict[str, JobOnBoard]:
        return self.do(read_jobs(self.street.board, list(self.pieces)))

    def order(self, order_id: str) -> v1.WorkOrder:
        return next(order for known in self.jobs().values() for order in known.job.work_orders if order.id == order_id)

    def tries(self, work: Coroutine[Any, Any, None]) -> None:
        """What the requester may try at any time, and is refused where it is too late or too early."""
        try:
            self.do(work)
        except Refused as refused:
            assert refused.code in WITHDRAWN_TOO_LATE

    @rule(name=st.sampled_from(SHOPS))
    def a_shop_calls(self, name: str) -> None:
        self.do(self.street.call(self.garages[name]))

    @rule(name=st.sampled_from(SHOPS), closed=st.sampled_from(["", "", "on holiday"]), state=st.sampled_from(STATES))
    def a_shop_says_that_it_is_closed_or_a_machine_out_of_service(self, name: str, closed: str, state: v1.MachineState.ValueType) -> None:
        garage = self.garages[name]
        garage.closed, garage.machines[0].state = closed, state
        offers = self.do(self.street.call(garage)).offers
        assert not (offers and (closed or state != v1.MACHINE_STATE_READY)), "it is still asked"

    @rule(at_once=st.integers(1, 3))
    def the_router_plans(self, at_once: int) -> None:
        assert all(self.do(self.street.plan(at_once))), "a plan on the present was refused"

    @rule(seconds=st.sampled_from([1, 30, 61, 200, 700]))
    def time_passes(self, seconds: int) -> None:
        self.do(self.street.pass_time(seconds))

    @rule(name=st.sampled_from(SHOPS))
    def a_shop_accepts(self, name: str) -> None:
        garage = self.garages[name]
        offers = self.do(self.street.call(garage)).offers
        for attempt, offer in zip(self.do(self.street.accept_all(garage)), offers, strict=True):
            if attempt.epoch:
                self.attempts.append((garage, attempt, offer.job_id, offer.quantity))
                self.accepted.setdefault(attempt.work_order_id, set()).add(name)

    @rule(name=st.sampled_from(SHOPS))
    def a_shop_declines(self, name: str) -> None:
        garage = self.garages[name]
        offers = self.do(self.street.call(garage)).offers
        self.do(self.street.call(garage, *(event(decline=v1.Decline(work_order_id=offer.work_order_id)) for offer in offers)))

    @rule(data=st.data())
    def a_shop_asks_leave_to_start(self, data: st.DataObject) -> None:
        if self.attempts:
            garage, attempt, _, _ = data.draw(st.sampled_from(self.attempts))
            receipt = self.do(self.street.call(garage, event(start=v1.Start(attempt=attempt)))).receipts[0]
            if not receipt.HasField("refusal"):
                assert not self.recalled or attempt.epoch in self.started.get(attempt.work_order_id, ()) or self._runs(attempt)
                self.started.setdefault(attempt.work_order_id, set()).add(attempt.epoch)

    @rule(data=st.data(), good=st.integers(0, 12))
    def a_shop_shows_progress(self, data: st.DataObject, good: int) -> None:
        if self.attempts:
            garage, attempt, _, _ = data.draw(st.sampled_from(self.attempts))
            running = attempt.epoch in self.started.get(attempt.work_order_id, ())
            phase = v1.ATTEMPT_PHASE_RUNNING if running else v1.ATTEMPT_PHASE_PREPARING
            self.do(self.street.call(garage, held=(status(attempt, phase, good if running else 0),)))

    @rule(data=st.data(), good=st.integers(0, 12), kind=st.sampled_from(["complete", "fail"]))
    def a_shop_reports(self, data: st.DataObject, good: int, kind: str) -> None:
        if self.attempts:
            garage, attempt, job_id, quantity = data.draw(st.sampled_from(self.attempts))
            made = max(min(good, quantity), self.order(attempt.work_order_id).pieces_good)
            signed = garage.report(self.street, attempt, self.do(self.street.job(job_id)), made)
            message = v1.Complete(signed=signed) if kind == "complete" else v1.Fail(signed=signed)
            receipt = self.do(self.street.call(garage, event(**{kind: message}))).receipts[0]
            if not receipt.HasField("refusal"):
                assert attempt.epoch not in self.ended, "one attempt was reported twice and counted twice"
                assert attempt.epoch in self.started.get(attempt.work_order_id, ()), "a report was taken of what had no leave to start"
                self.ended.add(attempt.epoch)

    @rule(data=st.data())
    def a_shop_gives_back(self, data: st.DataObject) -> None:
        if self.attempts:
            garage, attempt, _, _ = data.draw(st.sampled_from(self.attempts))
            self.do(self.street.call(garage, event(release=v1.Release(attempt=attempt))))

    @rule(data=st.data())
    def the_requester_takes_a_lot_back(self, data: st.DataObject) -> None:
        orders = [order.id for known in self.jobs().values() for order in known.job.work_orders]
        if orders:
            self.tries(self.street.board.withdraw_order(data.draw(st.sampled_from(orders))))

    @rule()
    def the_requester_has_the_rest_made_elsewhere(self) -> None:
        for known in self.jobs().values():
            for order in known.job.work_orders:
                if order.state == v1.WORK_ORDER_STATE_UNCERTAIN:
                    self.tries(self.street.board.make_rest_elsewhere(order.id))

    @rule()
    def the_requester_approves_of_the_first_article(self) -> None:
        for job_id in self.pieces:
            self.tries(self.street.board.approve_first(job_id))

    @rule(really=st.integers(0, 9))
    def the_requester_withdraws(self, really: int) -> None:
        if really == 0:
            self.tries(self.street.board.cancel_job(next(iter(self.pieces))))

    @rule(really=st.integers(0, 5))
    def the_revision_is_recalled(self, really: int) -> None:
        if really == 0:
            self.do(self.street.board.recall(v1.Recall(revision_digest="rev", reason="it breaks"), "Gear", {}))
            self.recalled = True

    @invariant()
    def of_what_is_recalled_nothing_is_offered_or_accepted_and_whoever_took_it_is_told(self) -> None:
        if self.recalled:
            states = {order.state for known in self.jobs().values() for order in known.job.work_orders}
            assert not states & {v1.WORK_ORDER_STATE_OFFERED, v1.WORK_ORDER_STATE_ACCEPTED}
            told = {shop.id for shop in self.garages.values() if self.do(read_offers(self.street.board, shop.id)).recalls}
            assert told == {name for shops in self.accepted.values() for name in shops}

    @invariant()
    def every_piece_is_in_one_place(self) -> None:
        jobs = self.jobs()
        for job_id, known in jobs.items():
            job, pieces = known.job, self.pieces[job_id]
            live = sum(order.quantity for order in job.work_orders if order.state in LIVE)
            made = sum(order.pieces_good for order in job.work_orders if order.state not in LIVE)
            parts_there = all(jobs[part].job.state == v1.JOB_STATE_DONE for part in known.parts)
            never_begun = known.parts and job.state == v1.JOB_STATE_HELD
            if job.state != v1.JOB_STATE_CANCELLED and parts_there and not never_begun and not self._only_holds_together(known):
                assert live + made + job.pieces_unplaced == pieces
                assert (job.state == v1.JOB_STATE_DONE) == (made == pieces)
            assert job.pieces_good <= pieces

    def _runs(self, attempt: v1.AttemptRef) -> bool:
        """A machine that said that it moves is believed, though it never asked."""
        return self.order(attempt.work_order_id).state == v1.WORK_ORDER_STATE_RUNNING

    def _only_holds_together(self, known: JobOnBoard) -> bool:
        return bool(known.parts) and not known.job.request.assembled

    @invariant()
    def a_product_is_done_only_with_its_parts_and_what_only_holds_them_together_as_soon_as_they_are(self) -> None:
        jobs = self.jobs()
        for known in jobs.values():
            if known.parts and known.job.state != v1.JOB_STATE_CANCELLED:
                parts_there = all(jobs[part].job.state == v1.JOB_STATE_DONE for part in known.parts)
                done = known.job.state == v1.JOB_STATE_DONE
                assert done == parts_there if self._only_holds_together(known) else parts_there or not known.job.work_orders

    @invariant()
    def nothing_follows_a_first_article_that_was_not_approved(self) -> None:
        for known in self.jobs().values():
            live = [order.quantity for order in known.job.work_orders if order.state in LIVE]
            if known.first == "made":
                assert not live
            if known.first == "wanted":
                assert live in ([], [1])

    @invariant()
    def exactly_what_can_be_offered_waits(self) -> None:
        offerable = {
            job_id
            for job_id, known in self.jobs().items()
            if known.job.state == v1.JOB_STATE_WAITING and known.job.pieces_unplaced and known.first != "made"
            if known.first != "wanted" or not any(order.state in LIVE for order in known.job.work_orders)
        }
        assert {waiting.id for waiting in self.do(self.street.waiting())} == offerable

    @invariant()
    def what_counts_for_the_requester_is_what_lies_with_shops(self) -> None:
        live = [order for known in self.jobs().values() for order in known.job.work_orders if order.state in LIVE]
        counted = self.do(self.redis.hgetall(self.street.board.key("placed")))
        assert sum(int(weight) for weight in counted.values()) == sum(order.expected.ToMilliseconds() for order in live)

    @invariant()
    def a_picture_that_is_kept_up_by_changes_is_the_picture_read_anew(self) -> None:
        changes = self.do(read_changes(self.street.board, self.sequence, 0))
        self.sequence = changes.sequence
        self.shops |= {known.shop.id: known for known, _ in changes.shops}
        anew = {known.shop.id: known for known, _ in self.do(read_changes(self.street.board, 0, 0)).shops}
        assert _timeless(self.shops) == _timeless(anew)

    @invariant()
    def a_lot_was_never_accepted_by_two_nor_started_under_two_fences(self) -> None:
        assert all(len(shops) == 1 for shops in self.accepted.values())
        assert all(len(epochs) == 1 for epochs in self.started.values())

    @invariant()
    def every_report_that_was_taken_is_on_its_way_to_the_ledger(self) -> None:
        assert self.do(self.redis.xlen(self.street.board.key("done"))) == len(self.ended)

    @invariant()
    def a_job_is_forgotten_when_it_is_over_and_not_before(self) -> None:
        jobs = self.jobs()
        for job_id, known in jobs.items():
            product = jobs.get(known.product)
            over = known.job.state in ENDED and (product is None or product.job.state in ENDED)
            live = int(self.do(self.redis.hget(self.street.board.key("job", job_id), "live")))
            assert live >= sum(order.state in LIVE for order in known.job.work_orders)
            forgotten = self.do(self.redis.pttl(self.street.board.key("job", job_id))) > 0
            assert forgotten == (over and live == 0)

    def teardown(self) -> None:
        if hasattr(self, "loop"):
            self.do(self.redis.aclose())
            self.do(_ends())
            self.loop.close()


async def _ends() -> None:
    """Whatever an example that failed has left under way, so that it breaks into no other test."""
    await cancelled(*(asyncio.all_tasks() - {asyncio.current_task()}))


def _timeless(shops: dict[str, ShopOnBoard]) -> dict[str, ShopOnBoard]:
    """Without what changes by itself as time goes by."""
    return {shop_id: replace(known, heard_ago=0.0, had_minutes=0.0) for shop_id, known in shops.items()}


@pytest.mark.slow
def test_no_piece_is_lost_or_asked_for_twice(redis_url: str) -> None:
    Neighbourhood.redis_url = redis_url
    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        Neighbourhood, settings=settings(max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=checks)
    )
