# SPDX-License-Identifier: AGPL-3.0-or-later
"""A board on a real redis-server with a clock that the test owns, and short words for what lies on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from clocks import ManualClock
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.duration_pb2 import Duration
from plain_router import OFFER_MS, PlainDesk, PlainPlanner, asking
from redis.asyncio import Redis, RedisCluster

from commonfab import v1
from commonfab.database import migrate, open_database
from commonfab.identity import sign_work
from router.board import Board, Lot, NewJob, Offered
from router.board_changes import read_shops
from router.board_reading import JobOnBoard, OpenJob, open_jobs, read_job, read_offers
from router.ledger import LedgerBook
from router.shop_on_board import ShopOnBoard

CELL = "871f1d48bffffff"  # a cell in the middle of Berlin


def requirement(x: float = 20, y: float = 20, z: float = 10, material: str = "pla", process: str = "fdm") -> v1.Requirement:
    return v1.Requirement(process=process, size_mm=v1.Size(x=x, y=y, z=z), material=material)


def way(minutes: float = 30, **needs: object) -> v1.Makeability:
    estimate = v1.Estimate(machine_time=Duration(seconds=int(minutes * 60)), grams=5)
    return v1.Makeability(
        process="fdm",
        verdict=v1.VERDICT_FEASIBLE,
        requirement=requirement(**needs),
        estimate=estimate,  # type: ignore[arg-type]
    )


def printer(name: str = "mk3", x: float = 220, y: float = 220, z: float = 250, materials: tuple[str, ...] = ("pla",)) -> v1.Machine:
    return v1.Machine(
        id=name,
        name=name,
        process="fdm",
        envelope_mm=v1.Size(x=x, y=y, z=z),
        materials=materials,
        state=v1.MACHINE_STATE_READY,
        control="virtual",
    )


def key_of(name: str) -> Ed25519PrivateKey:
    """Always the same key for a name, where a story must repeat itself: equals come in the order of their shops' keys."""
    return Ed25519PrivateKey.from_private_bytes(sha256(name.encode()).digest())


@dataclass
class Garage:
    """A shop with a key of its own, as its agent would present it."""

    id: str
    machines: list[v1.Machine] = field(default_factory=lambda: [printer()])
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    cell: str = CELL
    closed: str = ""

    @property
    def shop(self) -> v1.Shop:
        return v1.Shop(
            id=self.id,
            name=self.id.title(),
            place=v1.Place(cell=self.cell),
            machines=self.machines,
            public_key=self.key.public_key().public_bytes_raw(),
            closed=self.closed,
        )

    def report(self, street: Street, attempt: v1.AttemptRef, job: v1.Job, good: int, scrap: int = 0, minutes: float = 0) -> v1.SignedWork:
        work = v1.CompletedWork(
            attempt=attempt,
            job_id=job.id,
            revision_digest=job.specification.revision_digest,
            part_name=job.specification.part_name,
            shop_id=self.id,
            machine_id=self.machines[0].id,
            control="virtual",
            process="fdm",
            material="pla",
            pieces_good=good,
            pieces_scrap=scrap,
            machine_time=Duration(seconds=int(minutes * 60)),
        )
        return sign_work(work, self.key)


@dataclass
class Street:
    """A board on a clock that the test moves, with the plainest desk and planner before it."""

    board: Board
    clock: ManualClock
    refused: list[str]
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    orders: Iterator[int] = field(default_factory=lambda: count(1))

    async def ask(self, pieces: int = 5, requester: str = "anna", once: str = "", **request: Any) -> str:
        """A job for `pieces` of a small gear. Parameters: `questions` hold it; the others are those of a `JobRequest`."""
        questions = request.pop("questions", ())
        asked = v1.JobRequest(revision="rev", quantity=pieces, place=v1.Place(cell=CELL), **request)
        return await self.board.post(
            requester, once, [NewJob(f"job-{next(self.numbers):04d}", asked, gear(), pieces, questions=tuple(questions))]
        )

    async def ask_for_product(self, parts: Mapping[str, int], assembled: bool = False, quantity: int = 1, **held: Any) -> str:
        """A product of those parts, each wanted so often. Parameters: `held`, for a part's name, or "product", the questions about it."""
        product = f"job-{next(self.numbers):04d}"
        request = v1.JobRequest(revision="rev", quantity=quantity, whole_product=True, assembled=assembled)
        jobs = [NewJob(product, request, gear("product"), quantity, held.get("product", ()), parts=tuple(parts), needs_work=assembled)]
        for name, pieces in parts.items():
            piece = v1.JobRequest(revision="rev", quantity=pieces, part_name=name)
            jobs.append(NewJob(name, piece, gear(name), pieces, held.get(name, ()), product=product))
        return await self.board.post("anna", "", jobs)

    async def plan(self, at_once: int = 1) -> list[bool]:
        """Ask whoever is there, so many about each lot."""
        return await PlainPlanner(self.board, self.orders, at_once).plan()

    async def offer(self, job_id: str, *lots: Lot) -> Offered:
        """Offer lots as they were planned."""
        return await self.board.offer(job_id, lots, OFFER_MS)

    async def lot(self, order_id: str, shops: Sequence[str], pieces: int = 5, job_id: str = "job-0001", **asked: Any) -> Lot:
        """A lot for some shops, planned on what they are now."""
        job, known = await self.job(job_id), {one.shop.id: one for one in await read_shops(self.board)}
        machine = asked.pop("machine", "mk3")
        those = tuple(asking(order_id, job, pieces, shop, machine, known[shop].sequence, **asked) for shop in shops)
        return Lot(order_id, pieces, those)

    async def call(self, garage: Garage, *events: v1.ShopEvent, held: tuple[v1.AttemptStatus, ...] = ()) -> v1.SynchronizeResponse:
        """One call of a shop's agent."""
        told = v1.SynchronizeRequest(shop=garage.shop, agent_run="run", attempts=held, events=events)
        return await PlainDesk(self.board, self.refused).call(told)

    async def accept_all(self, garage: Garage) -> list[v1.AttemptRef]:
        """Take every offer that stands for a shop."""
        offers = (await read_offers(self.board, garage.id)).offers
        events = [event(accept=v1.Accept(work_order_id=offer.work_order_id)) for offer in offers]
        return [receipt.attempt for receipt in (await self.call(garage, *events)).receipts]

    async def accepted(self, garage: Garage, pieces: int = 5) -> v1.AttemptRef:
        """A job that this shop alone was offered and took."""
        await self.call(garage)
        await self.ask(pieces)
        await self.plan()
        (attempt,) = await self.accept_all(garage)
        return attempt

    async def started(self, garage: Garage, pieces: int = 5) -> v1.AttemptRef:
        """A job that this shop alone was offered, took and started."""
        attempt = await self.accepted(garage, pieces)
        await self.start(garage, attempt)
        return attempt

    async def start(self, garage: Garage, attempt: v1.AttemptRef) -> None:
        answer = await self.call(garage, event(start=v1.Start(attempt=attempt)))
        assert not answer.receipts[0].HasField("refusal")

    async def complete(self, garage: Garage, attempt: v1.AttemptRef, good: int, minutes: float = 0, job_id: str = "job-0001") -> v1.Receipt:
        """The shop's report that it is done; answers what the board says to it."""
        report = garage.report(self, attempt, await self.job(job_id), good, minutes=minutes)
        return (await self.call(garage, event(complete=v1.Complete(signed=report)))).receipts[0]

    async def make(self, garage: Garage, job_id: str) -> None:
        """Have this shop make everything of a job that can be offered now."""
        await self.call(garage)
        await self.plan()
        (offer,) = [one for one in (await read_offers(self.board, garage.id)).offers if one.job_id == job_id]
        receipts = (await self.call(garage, event(accept=v1.Accept(work_order_id=offer.work_order_id)))).receipts
        await self.start(garage, receipts[0].attempt)
        assert not (await self.complete(garage, receipts[0].attempt, offer.quantity, job_id=job_id)).HasField("refusal")

    async def job(self, job_id: str = "job-0001") -> v1.Job:
        return (await self.known(job_id)).job

    async def known(self, job_id: str = "job-0001") -> JobOnBoard:
        return await read_job(self.board, job_id)

    async def shop(self, shop_id: str) -> ShopOnBoard:
        return next(known for known in await read_shops(self.board) if known.shop.id == shop_id)

    async def waiting(self) -> list[OpenJob]:
        return list((await open_jobs(self.board, 100)).jobs)

    async def offered(self, shop_id: str) -> list[str]:
        """The work orders that this shop is asked about."""
        return [offer.work_order_id for offer in (await read_offers(self.board, shop_id)).offers]

    async def pass_time(self, seconds: float) -> None:
        """Let time go by, and the router look at its deadlines."""
        self.clock.advance(seconds)
        await self.board.pass_deadlines()


def gear(name: str = "gear") -> v1.JobSpecification:
    return v1.JobSpecification(
        revision_digest="rev", title="Gear", licence="CERN-OHL-S-2.0", part_name=name, mesh_sha256="00", ways=[way()]
    )


def event(**kind: object) -> v1.ShopEvent:
    return v1.ShopEvent(id=f"event-{next(iter(kind))}", **kind)  # type: ignore[arg-type]


def status(attempt: v1.AttemptRef, phase: v1.AttemptPhase.ValueType = v1.ATTEMPT_PHASE_RUNNING, good: int = 0) -> v1.AttemptStatus:
    return v1.AttemptStatus(attempt=attempt, phase=phase, pieces_good=good)


@pytest.fixture
async def board_redis(redis_url: str) -> AsyncIterator[Redis | RedisCluster]:
    """The Redis that the board lies in, empty. Everything else here takes it from this fixture, so that it may as well be a cluster."""
    redis = Redis.from_url(redis_url)
    yield redis
    await redis.aclose()


@pytest.fixture
async def street(board_redis: Redis | RedisCluster, manual_clock: ManualClock) -> Street:
    return Street(Board(board_redis, "test", manual_clock), manual_clock, [])


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = open_database(f"sqlite:///{tmp_path / 'ledger.db'}")
    migrate(engine, "router")
    yield engine
    engine.dispose()


@pytest.fixture
def book(engine: sa.Engine, manual_clock: ManualClock) -> LedgerBook:
    return LedgerBook(engine, manual_clock)
