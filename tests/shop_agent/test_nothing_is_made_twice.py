# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whatever dies, gets lost, is cancelled or refused, in whatever order: a piece is started at most once, only with leave, and a finished
order is reported exactly once. The judge is the machine's own log, not the agent's journal."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from clocks import ManualClock
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from small_shop import SmallRouter, offer, shop

from commonfab import v1
from commonfab.errors import Refused
from commonfab.identity import load_or_make_key
from shop_agent.bench.waiting import Leases, Starts
from shop_agent.bench.work import Bench, Shopfloor
from shop_agent.desk_link import Situation, apply, phase_of, request_of
from shop_agent.journal.book import Journal, journal_file
from shop_agent.journal.records import AttemptRecord, Toolpath
from shop_agent.journal.store import open_store
from shop_agent.machines import Look, Standing, StartUncertain
from shop_agent.machines.virtual import VirtualMachine
from shop_agent.people.sensors import Sensors
from shop_agent.reporting import report

FAST_FOLDER = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # thousands of small durable writes
FUSE = st.one_of(st.none(), st.integers(0, 14))
TIMES = st.sampled_from([0.5, 5.0, 20.0, 90.0])


class Killed(BaseException):
    """kill -9: nothing after this line happens."""


class Fuse:
    """Burns down with every point where a process could die; at zero it does."""

    def __init__(self) -> None:
        self.left: int | None = None

    def burn(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise Killed


class MortalJournal(Journal):
    """May die before or after any commit."""

    def __init__(self, connection: sqlite3.Connection, clock: ManualClock, ids: Callable[[str], str], fuse: Fuse) -> None:
        super().__init__(connection, clock, ids)
        self.fuse = fuse

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        with super().change() as connection:
            yield connection
            self.fuse.burn()
        self.fuse.burn()


class Metal(VirtualMachine):
    """The machine, which outlives every agent. `starts` is its own log. Its agent may die before or after each command reaches it."""

    def __init__(self, street: Street) -> None:
        super().__init__(street.config.machine[0], street.folder, street.clock)
        self.fuse, self.starts, self.forgotten, self.may_start = street.fuse, street.starts, street.forgotten, street.may_start
        self.start_is_certain = street.certain
        self.line_is_bad = False

    async def state(self, name: str) -> Look:
        look = await super().state(name)
        if name in self.forgotten:
            # As OctoPrint when its computer was switched off in the middle: the file is there, and nothing says that it ever ran.
            return Look(Standing.HERE)
        return look

    async def prepare(self, toolpath: Toolpath, name: str) -> None:
        self.fuse.burn()
        await super().prepare(toolpath, name)
        self.fuse.burn()

    async def start(self, name: str) -> None:
        self.fuse.burn()
        self.may_start(name)
        await super().start(name)
        self.starts.append(name)
        self.fuse.burn()
        if self.line_is_bad:
            raise StartUncertain("no answer")

    async def stop(self, name: str) -> None:
        self.fuse.burn()
        await super().stop(name)
        self.fuse.burn()


class Street(RuleBasedStateMachine):
    """A shop with one machine, and a router, with a bad line between them."""

    @initialize(automatic=st.booleans(), certain=st.booleans(), head_start=st.integers(0, 6))
    def opens(self, automatic: bool, certain: bool, head_start: int) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="street-", dir=FAST_FOLDER))
        self.config = shop(self.folder, starts_itself=automatic, clears_itself=automatic, speed_factor=60)
        self.key = load_or_make_key(self.config.key_file)
        self.automatic, self.certain = automatic, certain
        self.clock, self.fuse, self.router = ManualClock(), Fuse(), SmallRouter()
        self.loop = asyncio.new_event_loop()
        self.starts: list[str] = []
        self.lies_on_bed = ""
        self.forgotten: set[str] = set()
        self.disturbed: set[str] = set()
        self.completes: dict[str, set[str]] = {}
        self.count = 0
        self.agent_starts()
        self.somebody_needs_something(quantity=2)
        self.somebody_says_ready(looks=True)
        for _ in range(head_start):  # the trouble begins at any stage of the order
            self.a_while_without_trouble(1)
            if not automatic:
                self.somebody_says_ready(looks=True)

    def agent_starts(self) -> None:
        """A new process on the old files."""
        self.leases = Leases(self.clock)
        self.journal = MortalJournal(open_store(journal_file(self.config)), self.clock, self.new_id, self.fuse)

        async def prepare(attempt: AttemptRecord) -> Toolpath:
            return Toolpath("", "", 600, 5)

        def signed(attempt: AttemptRecord) -> v1.SignedWork:
            return report(attempt, self.config.machine[0], "garage", self.key)

        starts, sensors = Starts(self.journal.clock), Sensors(self.journal)
        floor = Shopfloor(self.journal, self.leases, prepare, signed, 1, lambda: None, lambda facts, seconds: "", starts, sensors)
        self.metal = Metal(self)
        self.bench = Bench(self.metal, floor)

    def new_id(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}-{self.count}"

    def may_start(self, name: str) -> None:
        """Called at the moment when the machine is about to move: everything that must be so, is."""
        order = name.removeprefix("cf-").rsplit("-a", 1)[0]
        (attempt,) = [a for a in self.journal.attempts() if a.ref.work_order_id == order]
        assert order in self.router.started, "moved without leave"
        begun = attempt.piece_begun
        assert attempt.leave and begun and name == attempt.file_name(begun.number), "moved before it was written"
        assert attempt.wish in (v1.WISH_UNSPECIFIED, v1.WISH_GO_ON), "moved after the cancel was heard"
        assert self.leases.holds(attempt.ref), "moved on a lease that had run out"
        done = self.lies_on_bed in self.ends()
        assert not self.lies_on_bed or (self.automatic and done), f"started on a bed with {self.lies_on_bed} on it"
        self.lies_on_bed = name

    def ends(self) -> dict[str, Any]:
        """How each run ended, as the machine itself has it; one that it forgot has no end."""
        file = self.folder / "virtual-mk3.json"
        ended: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))["ended"] if file.exists() else {}
        return {name: end for name, end in ended.items() if end["done"] and name not in self.forgotten}

    def alive(self, doing: Callable[[], Any], fuse: int | None) -> None:
        """Let the agent do something; where the fuse burns down it dies, and a new one starts."""
        self.fuse.left = fuse
        try:
            doing()
        except Killed:
            self.dies()
        finally:
            self.fuse.left = None

    def dies(self) -> None:
        self.fuse.left = None
        self.loop.run_until_complete(self.bench.close())
        self.journal.close()
        self.agent_starts()
        self.loop.run_until_complete(self.bench.reconcile())

    def work_once(self) -> None:
        async def work() -> None:
            await self.bench.work()
            for task in list(self.bench._preparation._tasks.values()):
                await task

        self.loop.run_until_complete(work())

    def talk_once(self, answer_lost: bool = False) -> None:
        statuses = [
            v1.AttemptStatus(attempt=a.ref, phase=phase_of(a, waits_for_person=False), pieces_good=a.good) for a in self.journal.attempts()
        ]
        machine = self.bench.describe()
        situation = Situation(v1.Shop(id="garage", machines=[machine]), statuses)
        request = request_of(situation, self.journal, "run", 0)
        sent_at = self.clock.monotonic()
        response = self.router.answer(request, [self.router.receipt(event) for event in request.events])
        if answer_lost:
            return
        apply(response, self.journal)
        named = [*(w.attempt for w in response.wishes), *(r.attempt for r in response.receipts if r.HasField("attempt"))]
        self.leases.renew(named, sent_at, response.lease.ToTimedelta().total_seconds())
        for record in self.journal.unconsidered():
            self.journal.decide(record.offer.work_order_id, accept=True)

    @rule(quantity=st.integers(1, 3))
    @precondition(lambda self: len(self.router.files) < 3)
    def somebody_needs_something(self, quantity: int) -> None:
        order = f"wo-{len(self.router.files) + 1}"
        self.router.put_up(offer(order, quantity, mesh_sha256=order))

    @rule(fuse=FUSE, bad_line=st.booleans())
    def the_bench_works(self, fuse: int | None, bad_line: bool) -> None:
        self.metal.line_is_bad = bad_line
        self.alive(self.work_once, fuse)
        self.metal.line_is_bad = False

    @rule(fuse=FUSE, answer_lost=st.booleans())
    def agent_and_router_talk(self, fuse: int | None, answer_lost: bool) -> None:
        self.alive(lambda: self.talk_once(answer_lost), fuse)

    @rule(turns=st.integers(1, 4))
    def a_while_without_trouble(self, turns: int) -> None:
        """Leads deep into the life of an order, where the troubles above find more to spoil."""
        for _ in range(turns):
            self.talk_once()
            self.work_once()

    @rule(seconds=TIMES)
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(looks=st.booleans())
    def somebody_says_ready(self, looks: bool) -> None:
        """Somebody who looks, clears the bed; somebody else says so only while the machine is running, for later."""
        running = self.loop.run_until_complete(self.metal.state("")).busy_with
        if looks and not running:
            self.lies_on_bed = ""
        if running or looks:
            with contextlib.suppress(Refused):  # it was last seen at work
                self.journal.mark_ready("mk3", "Lena")

    @rule()
    @precondition(lambda self: not self.lies_on_bed)
    def the_owner_prints_something_of_her_own(self) -> None:
        name = f"vase-{self.new_id('n')}"
        self.loop.run_until_complete(VirtualMachine.prepare(self.metal, Toolpath("", "", 600, 5), name))
        self.loop.run_until_complete(VirtualMachine.start(self.metal, name))
        self.lies_on_bed = name
        self.work_once()  # the agent looks at its machine every few seconds

    @rule()
    @precondition(lambda self: not self.certain)
    def the_machines_computer_is_switched_off_in_the_middle_of_a_piece(self) -> None:
        running = self.loop.run_until_complete(self.metal.state("")).busy_with
        if running and "vase" not in running:
            self.loop.run_until_complete(VirtualMachine.stop(self.metal, running))
            self.forgotten.add(running)

    @rule(seconds=TIMES)
    def the_agent_is_killed(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.dies()

    @rule(data=st.data(), wish=st.sampled_from([v1.WISH_STOP, v1.WISH_DROP]))
    @precondition(lambda self: self.router.attempts)
    def the_router_changes_its_mind(self, data: st.DataObject, wish: int) -> None:
        order = data.draw(st.sampled_from(sorted(self.router.attempts)))
        self.router.wish(order, wish)
        self.disturbed.add(order)

    @rule()
    @precondition(lambda self: self.router.attempts)
    def leave_is_refused_for_a_while(self) -> None:
        self.router.refuse_start = "" if self.router.refuse_start else "attempt.superseded"

    @invariant()
    def no_piece_is_started_twice(self) -> None:
        if hasattr(self, "starts"):
            assert not [name for name, count in Counter(self.starts).items() if count > 1]

    @invariant()
    def no_more_is_made_than_was_asked_for(self) -> None:
        if hasattr(self, "starts") and self.certain:
            for order, made in self.made().items():
                assert made <= self.quantity(order)

    @invariant()
    def an_order_is_complete_once(self) -> None:
        if not hasattr(self, "starts"):
            return
        for event in (*self.journal.unsettled(), *self.reported()):
            if event.HasField("complete"):
                order = v1.CompletedWork.FromString(event.complete.signed.work).attempt.work_order_id
                self.completes.setdefault(order, set()).add(event.complete.signed.work.hex())
        assert all(len(ids) == 1 for ids in self.completes.values())

    def reported(self) -> list[v1.ShopEvent]:
        return [v1.ShopEvent(complete=v1.Complete(signed=s)) for s in self.router.reports if self.good(s) == self.quantity(self.order(s))]

    def made(self) -> Counter[str]:
        """What the machine really finished, by order."""
        file = self.folder / "made.jsonl"
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        return Counter(json.loads(line)["name"].removeprefix("cf-").rsplit("-a", 1)[0] for line in lines if "vase" not in line)

    def quantity(self, order: str) -> int:
        row = self.journal.connection.execute("SELECT body FROM offers WHERE work_order_id = ?", (order,)).fetchone()
        return v1.Offer.FromString(row[0]).quantity

    def order(self, signed: v1.SignedWork) -> str:
        return v1.CompletedWork.FromString(signed.work).attempt.work_order_id

    def good(self, signed: v1.SignedWork) -> int:
        return v1.CompletedWork.FromString(signed.work).pieces_good

    def teardown(self) -> None:
        """The line is good again, nobody dies, and people come when they are called: then everything ends, and rightly."""
        if not hasattr(self, "starts"):
            return
        refused_ever = bool(self.router.refuse_start) or "refused" in self.router.ended.values()
        self.router.refuse_start = ""
        for _ in range(120):
            self.talk_once()
            self.work_once()
            if not self.router.offers and not self.journal.attempts() and not self.journal.unsettled():
                break
            self.clock.advance(11)
            if self.bench.describe().state == v1.MACHINE_STATE_NEEDS_PERSON:
                self.somebody_says_ready(looks=True)
        assert self.journal.attempts() == [] and self.journal.unsettled() == []
        self.no_piece_is_started_twice()
        self.an_order_is_complete_once()
        made = self.made()
        reports = Counter(self.order(signed) for signed in self.router.reports)
        assert all(count == 1 for count in reports.values())
        for signed in self.router.reports:
            assert self.good(signed) <= made[self.order(signed)]
        for order in self.router.files:
            if order not in self.disturbed and not refused_ever:
                assert self.router.ended[order] == "complete" and made[order] >= self.quantity(order)
        self.loop.run_until_complete(self.bench.close())
        self.journal.close()
        self.loop.close()
        shutil.rmtree(self.folder)


assert issubclass(Refused, Exception) and not issubclass(Killed, Exception)  # nothing in the agent may catch a kill

TestStreet = pytest.mark.slow(Street.TestCase)
TestStreet.settings = settings(
    max_examples=100, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
