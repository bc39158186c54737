# SPDX-License-Identifier: AGPL-3.0-or-later
"""Over a line that drops, delays, repeats and reorders both ways: what was started is not made again unless a person said so, and every
accepted piece ends in one entry of the ledger. The judges are the machines' own logs and the ledger, not the router's word.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from bad_line import Garage, Street, fence_of, open_street, order_of, pieces_of
from effort import examples
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from commonfab import v1
from router.board_reading import read_job

T = TypeVar("T")
SHOPS = ("cellar", "shed")
FAST_FOLDER = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # thousands of small durable writes
HELD = (v1.WORK_ORDER_STATE_OFFERED, v1.WORK_ORDER_STATE_ACCEPTED, v1.WORK_ORDER_STATE_RUNNING, v1.WORK_ORDER_STATE_UNCERTAIN)


class BadLine(RuleBasedStateMachine):
    """Two garages, one router, up to three jobs."""

    redis_url = ""

    @initialize(pieces=st.integers(1, 5), first_article=st.booleans(), head_start=st.integers(0, 8))
    def a_street_opens(self, pieces: int, first_article: bool, head_start: int) -> None:
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp(dir=FAST_FOLDER))
        self.street: Street = self.do(open_street(self.redis_url, self.folder, SHOPS))
        self.released: dict[str, int] = {}
        self.do(self.street.somebody_needs(pieces, first_article))
        for _ in range(head_start):  # the trouble begins at any stage of the work
            self.a_while_without_trouble(1)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def garage(self, name: str) -> Garage:
        return self.street.garages[name]

    @rule(name=st.sampled_from(SHOPS))
    def an_agent_calls(self, name: str) -> None:
        self.street.requests.append(self.garage(name).calls_the_router())

    @rule(data=st.data(), again=st.booleans())
    @precondition(lambda self: self.street.requests)
    def a_request_arrives_in_whatever_order_and_perhaps_once_more_later(self, data: st.DataObject, again: bool) -> None:
        letter = data.draw(st.sampled_from(self.street.requests))
        if not again:
            self.street.requests.remove(letter)
        self.do(self.street.delivers(letter))

    @rule(data=st.data())
    @precondition(lambda self: self.street.requests)
    def a_request_is_lost(self, data: st.DataObject) -> None:
        self.street.requests.remove(data.draw(st.sampled_from(self.street.requests)))

    @rule(data=st.data(), again=st.booleans())
    @precondition(lambda self: self.street.answers)
    def an_answer_arrives_in_whatever_order_and_perhaps_once_more_later(self, data: st.DataObject, again: bool) -> None:
        letter = data.draw(st.sampled_from(self.street.answers))
        if not again:
            self.street.answers.remove(letter)
        self.garage(letter.shop).hears(letter)

    @rule(data=st.data())
    @precondition(lambda self: self.street.answers)
    def an_answer_is_lost(self, data: st.DataObject) -> None:
        self.street.answers.remove(data.draw(st.sampled_from(self.street.answers)))

    @rule(name=st.sampled_from(SHOPS))
    def a_bench_works(self, name: str) -> None:
        self.do(self.garage(name).works())

    @rule(name=st.sampled_from(SHOPS))
    def an_agent_is_killed_and_started_again(self, name: str) -> None:
        self.do(self.garage(name).dies())

    @rule()
    def the_router_plans(self) -> None:
        self.do(self.street.dispatcher.plan_all())

    @rule(seconds=st.sampled_from([0.5, 5, 30, 61, 130, 700]))
    def time_passes(self, seconds: float) -> None:
        self.do(self.street.passes_time(seconds))

    @rule(turns=st.integers(1, 4))
    def a_while_without_trouble(self, turns: int) -> None:
        """Leads deep into the life of an order, where the troubles above find more to spoil."""
        for _ in range(turns):
            self.do(self.street.dispatcher.plan_all())
            for garage in self.street.garages.values():
                self.do(self.street.speaks_with(garage))
                self.do(garage.works())
            self.do(self.street.passes_time(0.6))

    @rule(pieces=st.integers(1, 4))
    @precondition(lambda self: len(self.street.jobs) < 3)
    def somebody_needs_something_more(self, pieces: int) -> None:
        self.do(self.street.somebody_needs(pieces))

    @rule()
    def the_requester_has_the_rest_of_what_is_uncertain_made_elsewhere(self) -> None:
        for order in self.orders():
            if order.state == v1.WORK_ORDER_STATE_UNCERTAIN:
                self.do(self.street.board.make_rest_elsewhere(order.id))
                self.released[order.id] = order.quantity - order.pieces_good

    @rule(data=st.data(), whole_job=st.booleans(), really=st.integers(0, 3))
    def the_requester_withdraws(self, data: st.DataObject, whole_job: bool, really: int) -> None:
        held = [order for order in self.orders() if order.state in HELD]
        if not held or really:
            return
        order = data.draw(st.sampled_from(held))
        if whole_job:
            self.do(self.street.board.cancel_job(order.job_id))
        else:
            self.do(self.street.board.withdraw_order(order.id))

    @rule(name=st.sampled_from(SHOPS), data=st.data(), really=st.integers(0, 3))
    def the_owner_takes_her_word_back(self, name: str, data: st.DataObject, really: int) -> None:
        held = [attempt for attempt in self.garage(name).journal.attempts() if not attempt.ended]
        if held and not really:
            self.garage(name).journal.withdraw(data.draw(st.sampled_from(held)).ref.work_order_id)

    @rule()
    def the_requester_approves_of_what_was_made_first(self) -> None:
        for job_id in self.street.jobs:
            known = self.do(read_job(self.street.board, job_id))
            if known.first == "made" and not known.ended:
                self.do(self.street.board.approve_first(job_id))

    def orders(self) -> list[v1.WorkOrder]:
        return [order for job_id in self.street.jobs for order in self.do(read_job(self.street.board, job_id)).job.work_orders]

    @invariant()
    def every_piece_is_believed_to_be_in_one_place(self) -> None:
        for job_id in self.street.jobs:
            job = self.do(read_job(self.street.board, job_id)).job
            held = sum(order.quantity for order in job.work_orders if order.state in HELD)
            made = sum(order.pieces_good for order in job.work_orders if order.state not in HELD)
            assert held + made <= job.request.quantity
            if job.state != v1.JOB_STATE_CANCELLED:
                assert held + made + job.pieces_unplaced == job.request.quantity

    @invariant()
    def no_piece_is_started_twice_and_no_order_under_two_fences(self) -> None:
        names = [name for garage in self.street.garages.values() for name in garage.starts()]
        assert all(times == 1 for times in Counter(names).values())
        fences = {(order_of(name), fence_of(name)) for name in names}
        assert len({order for order, _ in fences}) == len(fences)

    @invariant()
    def no_more_is_made_than_was_asked_for_or_released_by_a_person(self) -> None:
        made = [name for garage in self.street.garages.values() for name in garage.made()]
        for job_id in self.street.jobs:
            job = self.do(read_job(self.street.board, job_id)).job
            mine = {order.id for order in job.work_orders}
            spared = sum(pieces for order, pieces in self.released.items() if order in mine)
            assert pieces_of(made, mine) <= job.request.quantity + spared

    def teardown(self) -> None:
        """The line is good again; then everything ends, and rightly."""
        if not hasattr(self, "street"):
            return
        self.the_requester_has_the_rest_of_what_is_uncertain_made_elsewhere()
        self.do(self.street.settles())
        self.the_requester_approves_of_what_was_made_first()
        self.do(self.street.settles())
        self.no_more_is_made_than_was_asked_for_or_released_by_a_person()
        self.no_piece_is_started_twice_and_no_order_under_two_fences()
        self.what_was_made_stands_in_the_ledger_once()
        self.do(self.street.closes())
        self.loop.close()
        shutil.rmtree(self.folder)

    def what_was_made_stands_in_the_ledger_once(self) -> None:
        entries = [entry.work for entry in self.street.book.entries(0, 10_000)]
        assert all(times == 1 for times in Counter(entry.attempt.work_order_id for entry in entries).values())
        made = Counter(order_of(name) for garage in self.street.garages.values() for name in garage.made())
        entered = {entry.attempt.work_order_id: entry.pieces_good for entry in entries}
        started = {order_of(name) for garage in self.street.garages.values() for name in garage.starts()}
        for order in started - self.released.keys():
            assert entered.get(order) == made[order], f"{order} made {made[order]}, the ledger has {entered.get(order)}"
        for order in entered.keys() - started:  # it had leave, and was given up before its machine moved
            assert entered[order] == 0
        for job_id in self.street.jobs:
            job = self.do(read_job(self.street.board, job_id)).job
            if job.state == v1.JOB_STATE_DONE:
                assert job.pieces_good == job.request.quantity


@pytest.mark.slow
def test_work_happens_once_whatever_the_line_does(redis_url: str) -> None:
    BadLine.redis_url = redis_url
    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        BadLine, settings=settings(max_examples=examples(100), stateful_step_count=40, deadline=None, suppress_health_check=checks)
    )
