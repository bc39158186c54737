# SPDX-License-Identifier: AGPL-3.0-or-later
"""A node that is restored from a backup of any earlier moment, in the middle of any work, over a line that drops, delays, repeats and
reorders: nothing that a shop made is lost, nothing stands in the ledger twice, and no shop begins anything a second time.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass

import pytest
from bad_line import Garage, fence_of, order_of
from board_backups import BoardBackup
from effort import examples
from hypothesis import HealthCheck, settings
from hypothesis.stateful import invariant, precondition, rule, run_state_machine_as_test
from test_work_happens_once import BadLine

from commonfab import v1
from router.board_reading import read_job
from shop_agent.journal import reports
from shop_agent.journal.records import AttemptRecord


@dataclass(frozen=True)
class NodeBackup:
    """The board, the ledger and the jobs of one moment."""

    board: BoardBackup
    ledger: sqlite3.Connection
    jobs: tuple[str, ...]


class RestoredNode(BadLine):
    """The same street, whose node is backed up and restored at any time."""

    backup: NodeBackup | None = None
    restored = 0

    @rule()
    def the_node_is_backed_up(self) -> None:
        ledger = sqlite3.connect(":memory:")
        with closing(sqlite3.connect(self.folder / "ledger.db")) as file:
            file.backup(ledger)
        self.backup = NodeBackup(self.do(BoardBackup.taken(self.street.board)), ledger, tuple(self.street.jobs))

    @rule()
    @precondition(lambda self: self.backup)
    def the_node_is_lost_and_restored(self) -> None:
        """Its connections break with it; a request may still arrive."""
        assert self.backup is not None
        self.do(self.backup.board.restore())
        self.street.engine.dispose()
        with closing(sqlite3.connect(self.folder / "ledger.db")) as file:
            self.backup.ledger.backup(file)
        self.street.jobs[:] = self.backup.jobs
        self.street.answers.clear()
        self.street.router_starts()
        self.restored += 1

    @rule()
    def the_clerk_enters_what_has_ended(self) -> None:
        self.do(self.street.enters_what_has_ended())

    @invariant()
    def no_piece_is_started_twice_and_no_order_under_two_fences(self) -> None:
        """Two shops may have had an order, one of them before the restoring; each of them under one fence."""
        for garage in self.street.garages.values():
            names = garage.starts()
            assert all(times == 1 for times in Counter(names).values())
            fences = {(order_of(name), fence_of(name)) for name in names}
            assert len({order for order, _ in fences}) == len(fences)

    @invariant()
    def no_more_is_made_than_was_asked_for_or_released_by_a_person(self) -> None:
        """A restored router may have forgotten who makes a piece, and have it made again; until then no piece is made in vain."""
        if not self.restored:
            super().no_more_is_made_than_was_asked_for_or_released_by_a_person()

    def teardown(self) -> None:
        if hasattr(self, "street"):
            self.do(self.street.settles(100))  # what was accepted before the restoring and is not heard of becomes uncertain
        super().teardown()

    def what_was_made_stands_in_the_ledger_once(self) -> None:
        """What was made stands in the ledger, or its owner sees a report that was not taken; and no job has more than it asked for."""
        works = [entry.work for entry in self.street.book.entries(0, 10_000)]
        entered = {_name(work.attempt): work.pieces_good for work in works}
        assert len(entered) == len(works)
        for garage in self.street.garages.values():
            refused = {row for row, _ in reports.refused(garage.journal)}
            made = Counter(fence_of(name) for name in garage.made())
            for attempt in garage.journal.history():
                key = f"cf-{attempt.key}"
                if key not in entered and (made[key] == 0 or attempt.ref.work_order_id in self.released):
                    continue
                kept = _kept(garage, attempt) if attempt.row in refused else entered.get(key)
                assert kept == made[key], f"{key} made {made[key]}; known of it: {kept}"
        for job_id in self.street.jobs:
            job = self.do(read_job(self.street.board, job_id)).job
            mine = {order.id for order in job.work_orders}
            assert sum(work.pieces_good for work in works if work.attempt.work_order_id in mine) <= job.request.quantity
            if job.state == v1.JOB_STATE_DONE:
                assert job.pieces_good == job.request.quantity


def _name(ref: v1.AttemptRef) -> str:
    return f"cf-{ref.work_order_id}-a{ref.number}-e{ref.epoch}"


def _kept(garage: Garage, attempt: AttemptRecord) -> int:
    """Good pieces in the report that the journal keeps of an attempt."""
    (body,) = garage.journal.connection.execute("SELECT body FROM reports WHERE attempt = ?", (attempt.row,)).fetchone()
    event = v1.ShopEvent.FromString(body)
    signed = event.complete.signed if event.HasField("complete") else event.fail.signed
    return v1.CompletedWork.FromString(signed.work).pieces_good


@pytest.mark.slow
def test_nothing_that_was_made_is_lost_when_a_node_is_restored(redis_url: str) -> None:
    RestoredNode.redis_url = redis_url
    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        RestoredNode, settings=settings(max_examples=examples(8), stateful_step_count=40, deadline=None, suppress_health_check=checks)
    )
