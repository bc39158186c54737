# SPDX-License-Identifier: AGPL-3.0-or-later
"""Real agents and a real router in one process, on one clock that a test moves, with a line between them that a test spoils.

The agents keep their journals on the disk and drive virtual machines, whose own log says what was really made. The router's board lies in
a real Redis, its ledger in SQLite. Only the line is not real: requests and answers lie in two bags until the test delivers, repeats or
loses them.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count
from pathlib import Path

import sqlalchemy as sa
from clocks import ManualClock
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from google.protobuf.duration_pb2 import Duration
from redis.asyncio import Redis

from commonfab import v1
from commonfab.database import migrate, open_database
from commonfab.errors import Refused
from commonfab.identity import load_or_make_key, write_private
from commonfab.tasks import cancelled
from router.bell import Bell
from router.board import Board, NewJob
from router.board_reading import read_job
from router.desk import Desk
from router.dispatch import Dispatcher
from router.ledger import LedgerBook, LedgerClerk
from router.overview import Overview
from router.pulse import Terms
from router.ranking import load_policy
from shop_agent.bench.waiting import Leases, Starts
from shop_agent.bench.work import Bench, Shopfloor
from shop_agent.config import load_config
from shop_agent.desk_link import Situation, apply, phase_of, request_of
from shop_agent.journal.book import Journal, journal_file
from shop_agent.journal.records import AttemptRecord, Toolpath
from shop_agent.journal.store import open_store
from shop_agent.machines.virtual import VirtualMachine
from shop_agent.people.sensors import Sensors
from shop_agent.reporting import report, report_forgotten

TERMS = Terms(offer_seconds=600, lease_seconds=60)
PIECE_MINUTES = 10.0
SPEED = 600.0


@dataclass(frozen=True)
class Letter:
    """A request on its way, or the answer to it. A call that was given up hears no answer."""

    shop: str
    call: int
    sent_at: float
    request: v1.SynchronizeRequest
    answer: v1.SynchronizeResponse | None = None


class Metal(VirtualMachine):
    """A virtual machine that also writes down each start, whoever asked for it."""

    def __init__(self, garage: Garage) -> None:
        super().__init__(garage.config.machine[0], garage.folder, garage.clock)
        self._log = garage.folder / "starts.txt"

    async def start(self, name: str) -> None:
        await super().start(name)
        with self._log.open("a", encoding="utf-8") as log:
            log.write(name + "\n")


class Garage:
    """A shop with one machine; its agent can be killed and started again on the same files."""

    def __init__(self, name: str, folder: Path, clock: ManualClock) -> None:
        self.name, self.folder, self.clock = name, folder, clock
        folder.mkdir()
        (folder / "shop.toml").write_text(_shop_toml(name), encoding="utf-8")
        self.config = load_config(folder / "shop.toml")
        self.config.key_file.parent.mkdir()
        write_private(self.config.key_file, _key_of(name))
        self.key = load_or_make_key(self.config.key_file)
        self.calls = 0
        self._numbers = count(1)
        self.agent_starts()

    def agent_starts(self) -> None:
        """A new process on the old files: no lease of an earlier one says anything, and an answer to an earlier call is not heard."""
        self.leases = Leases(self.clock)
        self.run = f"run-{next(self._numbers)}"
        self.calls += 1
        self.journal = Journal(open_store(journal_file(self.config)), self.clock, lambda prefix: f"{prefix}-{next(self._numbers)}")

        async def prepare(attempt: AttemptRecord) -> Toolpath:
            return Toolpath("", "", PIECE_MINUTES * 60, 5)

        def signed(attempt: AttemptRecord) -> v1.SignedWork:
            return report(attempt, self.config.machine[0], self.name, self.key)

        starts, sensors = Starts(self.journal.clock), Sensors(self.journal)
        floor = Shopfloor(self.journal, self.leases, prepare, signed, 1, lambda: None, lambda facts, seconds: "", starts, sensors)
        self.bench = Bench(Metal(self), floor)

    async def dies(self) -> None:
        """kill -9, and a new agent looks what became of its pieces."""
        await self.bench.close()
        self.journal.close()
        self.agent_starts()
        await self.bench.reconcile()

    async def works(self) -> None:
        """Its benches do whatever can be done now; it takes every offer that it has heard of."""
        for record in self.journal.unconsidered():
            self.journal.decide(record.offer.work_order_id, accept=True)
        await self.bench.work()
        await self.bench._preparation.settled()
        report_forgotten(self.journal, {self.bench.facts.id: self.bench.floor.report})

    def calls_the_router(self) -> Letter:
        """A call; one before that is still open is given up."""
        held = [
            v1.AttemptStatus(attempt=a.ref, phase=phase_of(a, waits_for_person=False), pieces_good=a.good) for a in self.journal.attempts()
        ]
        shop = v1.Shop(id=self.name, name=self.name, machines=[self.bench.describe()], public_key=self.key.public_key().public_bytes_raw())
        request = request_of(Situation(shop, held), self.journal, self.run, 0)
        request.ClearField("patience")
        self.calls += 1
        return Letter(self.name, self.calls, self.clock.monotonic(), request)

    def hears(self, letter: Letter) -> None:
        """An answer comes in; only that of the open call is heard, and once."""
        answer = letter.answer
        if letter.call != self.calls or answer is None:
            return
        self.calls += 1
        granted = [*(wished.attempt for wished in answer.wishes), *(one.attempt for one in answer.receipts if one.HasField("attempt"))]
        self.leases.renew(granted, letter.sent_at, answer.lease.ToTimedelta().total_seconds())
        apply(answer, self.journal, self.config.router.node)

    @property
    def open_business(self) -> bool:
        """Whether anything lies on its bench or in its outbox."""
        return bool(self.journal.attempts() or self.journal.unsettled() or self.journal.left_behind(self.bench.facts.id))

    def starts(self) -> list[str]:
        """What its machine was set to work on, by the machine's own log."""
        log = self.folder / "starts.txt"
        return log.read_text(encoding="utf-8").splitlines() if log.exists() else []

    def made(self) -> list[str]:
        """What its machine finished, by the machine's own log."""
        log = self.folder / "made.jsonl"
        return [json.loads(line)["name"] for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []


@dataclass
class Street:
    """The router, the garages, and what lies on the line between them."""

    board: Board
    desk: Desk
    dispatcher: Dispatcher
    book: LedgerBook
    engine: sa.Engine
    clock: ManualClock
    garages: dict[str, Garage]
    orders: Iterator[int]
    jobs: list[str] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    requests: list[Letter] = field(default_factory=list)
    answers: list[Letter] = field(default_factory=list)

    async def somebody_needs(self, pieces: int, first_article: bool = False) -> str:
        """A job for some gears."""
        job_id = f"job-{next(self.numbers)}"
        asked = v1.JobRequest(revision="r" * 64, quantity=pieces, first_article=first_article)
        await self.board.post("anna", "", [NewJob(job_id, asked, _gear(), pieces)])
        self.jobs.append(job_id)
        return job_id

    async def delivers(self, letter: Letter) -> bool:
        """A request reaches the router, for the first time or again; its answer sets out, unless a newer agent was heard.

        A process that was killed is not there to be told so. Where its very first call came later than the first of the next process, the
        router takes it for the newest: then the other is told to stop, and whoever looks after it starts it again.
        """
        garage = self.garages[letter.shop]
        try:
            answer = await self.desk.synchronize(letter.request, letter.shop)
        except Refused as refused:
            assert refused.code == "shop.replaced", refused
            if letter.request.agent_run == garage.run:
                await garage.dies()
            return False
        self.answers.append(Letter(letter.shop, letter.call, letter.sent_at, letter.request, answer))
        return True

    async def speaks_with(self, garage: Garage) -> None:
        """A call that reaches the router at once, and its answer the agent."""
        if not await self.delivers(garage.calls_the_router()):
            assert await self.delivers(garage.calls_the_router()), "the newest agent is heard"
        garage.hears(self.answers.pop())

    async def passes_time(self, seconds: float) -> None:
        """Time goes by for everybody, and the router looks at its deadlines."""
        self.clock.advance(seconds)
        await self.board.pass_deadlines()

    def router_starts(self) -> None:
        """A new process before the same board: it knows nothing but what it reads there."""
        self.desk, self.dispatcher = _router(self.board, self.orders)

    async def settles(self, rounds: int = 200) -> None:
        """The line is good again and nobody dies: everything that is under way comes to its end."""
        self.requests.clear()
        self.answers.clear()
        for _ in range(rounds):
            await self.dispatcher.plan_all()
            for garage in self.garages.values():
                await self.speaks_with(garage)
                await garage.works()
            await self.passes_time(11)
            known = [await read_job(self.board, job_id) for job_id in self.jobs]
            over = all(job.ended or job.first == "made" for job in known)  # what was made first waits for whoever approves of it
            if over and not any(garage.open_business for garage in self.garages.values()):
                break
        await self.enters_what_has_ended()

    async def enters_what_has_ended(self) -> None:
        """The clerk carries every ended attempt into the ledger."""
        clerk = asyncio.create_task(LedgerClerk(self.board, self.book, "clerk").run())
        while await self.board.redis.xlen(self.board.key("done")) and not clerk.done():
            await asyncio.sleep(0.01)
        await cancelled(clerk)

    async def closes(self) -> None:
        """Let go of everything."""
        for garage in self.garages.values():
            await garage.bench.close()
            garage.journal.close()
        await self.board.redis.aclose()
        self.engine.dispose()


async def open_street(redis_url: str, folder: Path, shops: tuple[str, ...]) -> Street:
    """A street on an empty Redis."""
    redis, clock, orders = Redis.from_url(redis_url), ManualClock(), count(1)
    await redis.flushall()
    board = Board(redis, "test", clock)
    desk, dispatcher = _router(board, orders)
    engine = open_database(f"sqlite:///{folder / 'ledger.db'}")
    migrate(engine, "router")
    garages = {name: Garage(name, folder / name, clock) for name in shops}
    return Street(board, desk, dispatcher, LedgerBook(engine, clock), engine, clock, garages, orders)


def _router(board: Board, orders: Iterator[int]) -> tuple[Desk, Dispatcher]:
    bell, overview = Bell(board), Overview(board, TERMS)
    dispatcher = Dispatcher(board, bell, overview, load_policy(), TERMS, lambda prefix: f"{prefix}-{next(orders)}")
    return Desk(board, bell, overview, lambda: 0.5, lambda code: None), dispatcher


def order_of(name: str) -> str:
    """The work order that a piece on a machine belongs to: `cf-<work order>-a<number>-e<epoch>-p<piece>`."""
    return name.removeprefix("cf-").rsplit("-a", 1)[0]


def fence_of(name: str) -> str:
    """The attempt and its fence that a piece was made under."""
    return name.rsplit("-p", 1)[0]


def pieces_of(names: Iterator[str] | list[str], orders: set[str]) -> int:
    """How many of the pieces belong to these work orders."""
    return sum(order_of(name) in orders for name in names)


def _key_of(name: str) -> bytes:
    """Always the same key, because machines that are placed alike come in the order of their shops' keys: a story must repeat itself."""
    key = Ed25519PrivateKey.from_private_bytes(sha256(name.encode()).digest())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _gear() -> v1.JobSpecification:
    estimate = v1.Estimate(machine_time=Duration(seconds=int(PIECE_MINUTES * 60)), grams=5)
    need = v1.Requirement(process="fdm", size_mm=v1.Size(x=20, y=20, z=10), material="pla")
    way = v1.Makeability(process="fdm", verdict=v1.VERDICT_FEASIBLE, requirement=need, estimate=estimate)
    return v1.JobSpecification(
        revision_digest="r" * 64, title="Gear", licence="CERN-OHL-S-2.0", part_name="gear", mesh_sha256="0" * 64, ways=[way]
    )


def _shop_toml(name: str) -> str:
    machine = f'id = "mk3"\nenvelope_mm = [200, 200, 200]\nmaterials = ["pla"]\ncontrol = "virtual"\nspeed_factor = {SPEED}\n'
    idle = "starts_itself = true\nclears_itself = true\n"
    return f'[shop]\nid = "{name}"\n[router]\ntoken = "cfab_test"\n[policy]\naccept = "always"\n[[machine]]\n{machine}{idle}'
