# SPDX-License-Identifier: AGPL-3.0-or-later
"""A board on a real redis-server with a clock that the test owns, and short words for what lies on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa
from clocks import ManualClock
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.duration_pb2 import Duration
from redis.asyncio import Redis

from commonfab import v1
from commonfab.database import migrate, open_database
from commonfab.identity import sign_work
from router.bell import Bell
from router.board import Board
from router.board_reading import JobOnBoard, read_job, read_offers
from router.desk import Desk
from router.dispatch import Dispatcher, Terms
from router.ledger import LedgerBook
from router.ranking import load_policy

TERMS = Terms(offer_seconds=600, lease_seconds=60)
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


@dataclass
class Garage:
    """A shop with a key of its own, as its agent would present it."""

    id: str
    machines: list[v1.Machine] = field(default_factory=lambda: [printer()])
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    cell: str = CELL

    @property
    def shop(self) -> v1.Shop:
        return v1.Shop(
            id=self.id,
            name=self.id.title(),
            place=v1.Place(cell=self.cell),
            machines=self.machines,
            public_key=self.key.public_key().public_bytes_raw(),
        )

    def report(self, street: Street, attempt: v1.AttemptRef, job: v1.Job, good: int, scrap: int = 0) -> v1.SignedWork:
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
        )
        return sign_work(work, self.key)


@dataclass
class Street:
    """A board, its desk and its dispatcher, all on one clock that the test moves."""

    board: Board
    desk: Desk
    dispatcher: Dispatcher
    clock: ManualClock
    refused: list[str]
    numbers: Iterator[int]

    async def ask(self, pieces: int = 5, requester: str = "anna", once: str = "", **request: object) -> str:
        """A job for `pieces` of a small gear."""
        asked = v1.JobRequest(revision="rev", quantity=pieces, place=v1.Place(cell=CELL), **request)  # type: ignore[arg-type]
        specification = v1.JobSpecification(
            revision_digest="rev", title="Gear", licence="CERN-OHL-S-2.0", part_name="gear", mesh_sha256="00", ways=[way()]
        )
        return await self.board.post_job(f"job-{next(self.numbers):04d}", requester, asked, specification, b"", once)

    async def call(self, garage: Garage, *events: v1.ShopEvent, held: tuple[v1.AttemptStatus, ...] = ()) -> v1.SynchronizeResponse:
        """One call of a shop's agent that will not be held."""
        told = v1.SynchronizeRequest(shop=garage.shop, agent_run="run", attempts=held, events=events)
        return await self.desk.synchronize(told, garage.id)

    async def accept_all(self, garage: Garage) -> list[v1.AttemptRef]:
        """Take every offer that stands for a shop."""
        offers = (await read_offers(self.board, garage.id)).offers
        events = [event(accept=v1.Accept(work_order_id=offer.work_order_id)) for offer in offers]
        return [receipt.attempt for receipt in (await self.call(garage, *events)).receipts]

    async def started(self, garage: Garage, pieces: int = 5) -> v1.AttemptRef:
        """A job that this shop alone was offered, took and started."""
        await self.call(garage)
        await self.ask(pieces)
        await self.dispatcher.plan_all()
        (attempt,) = await self.accept_all(garage)
        answer = await self.call(garage, event(start=v1.Start(attempt=attempt)))
        assert not answer.receipts[0].HasField("refusal")
        return attempt

    async def job(self, job_id: str = "job-0001") -> v1.Job:
        return (await self.known(job_id)).job

    async def known(self, job_id: str = "job-0001") -> JobOnBoard:
        return await read_job(self.board, job_id)

    async def pass_time(self, seconds: float) -> None:
        """Let time go by, and the router look at its deadlines."""
        self.clock.advance(seconds)
        await self.board.pass_deadlines()


def event(**kind: object) -> v1.ShopEvent:
    return v1.ShopEvent(id=f"event-{next(iter(kind))}", **kind)  # type: ignore[arg-type]


def status(attempt: v1.AttemptRef, phase: v1.AttemptPhase.ValueType = v1.ATTEMPT_PHASE_RUNNING, good: int = 0) -> v1.AttemptStatus:
    return v1.AttemptStatus(attempt=attempt, phase=phase, pieces_good=good)


@pytest.fixture
async def street(redis_url: str, manual_clock: ManualClock) -> AsyncIterator[Street]:
    redis = Redis.from_url(redis_url)
    board = Board(redis, "test", manual_clock)
    bell, refused, numbers = Bell(board), list[str](), count(1)
    orders = count(1)
    dispatcher = Dispatcher(board, bell, load_policy(), TERMS, lambda prefix: f"{prefix}-{next(orders):04d}")
    yield Street(board, Desk(board, bell, TERMS, refused.append), dispatcher, manual_clock, refused, numbers)
    await redis.aclose()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = open_database(f"sqlite:///{tmp_path / 'ledger.db'}")
    migrate(engine, "router")
    yield engine
    engine.dispose()


@pytest.fixture
def book(engine: sa.Engine, manual_clock: ManualClock) -> LedgerBook:
    return LedgerBook(engine, manual_clock)
